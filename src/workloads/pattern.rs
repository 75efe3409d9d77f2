//! Patterns of branches, tags, environments and workflows: `*` stands for anything without a slash, `**` for anything.

/// Where the pattern goes on after a star, and where in the text what it stands for ends.
type Star = (usize, usize);

/// Does a text match a pattern? Letter case counts.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // What comes before a double star has matched as well as it needs to; and within one part between slashes, so has
    // what comes before a single star. So only the newest of each is ever tried again.
    let (mut single, mut double): (Option<Star>, Option<Star>) = (None, None);
    loop {
        if pattern[p..].starts_with(b"**") {
            p += 2;
            (single, double) = (None, Some((p, t)));
        } else if pattern[p..].starts_with(b"*") {
            p += 1;
            single = Some((p, t));
        } else if p < pattern.len() && pattern.get(p) == text.get(t) {
            (p, t) = (p + 1, t + 1);
        } else if p == pattern.len() && t == text.len() {
            return true;
        } else if let Some((after, end)) = single.filter(|(_, end)| text.get(*end).is_some_and(|byte| *byte != b'/')) {
            single = Some((after, end + 1));
            (p, t) = (after, end + 1);
        } else if let Some((after, end)) = double.filter(|(_, end)| *end < text.len()) {
            (single, double) = (None, Some((after, end + 1)));
            (p, t) = (after, end + 1);
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_single_ones_stop_at_slashes() {
        for (pattern, text, expected) in [
            ("main", "main", true),
            ("main", "Main", false),
            ("main", "main2", false),
            ("*", "main", true),
            ("*", "feature/x", false),
            ("**", "feature/x", true),
            ("**", "", true),
            ("release/*", "release/1", true),
            ("release/*", "release/1/x", false),
            ("release/**", "release/1/x", true),
            ("release/*-rc*", "release/1-rc2", true),
            ("v*.*", "v1.2", true),
            ("v*.*", "v12", false),
            ("*/x/*", "a/x/b", true),
            ("**x*z", "a/x/y/xz", true),
            ("a**b*c", "a/b/b/bc", true),
            ("*a*b", "xaab", true),
            ("", "", true),
            ("", "x", false),
            ("a?", "ab", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_a_plain_one() {
        let since = std::time::Instant::now();
        for star in ["*a", "**a"] {
            assert!(!matches(&format!("{}b", star.repeat(100)), &"a".repeat(10_000)));
        }
        assert!(since.elapsed().as_secs() < 5);
    }
}
