//! Untrusted text, before any markup: what no tracker should ever be sent, lengths, titles, links.

use url::Url;

/// A character of no width that parts a sign from what would make it a reference (`@` from a name).
pub const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// How a tracker counts the length of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// In UTF-16 units: never less than in characters.
    Utf16,
    /// In bytes of UTF-8.
    Bytes,
}

impl Measure {
    /// The length of a text.
    #[must_use]
    pub fn of(self, text: &str) -> usize {
        match self {
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Bytes => text.len(),
        }
    }

    /// The longest beginning of a text that fits.
    #[must_use]
    pub fn fit(self, text: &str, limit: usize) -> &str {
        let mut used = 0;
        for (start, c) in text.char_indices() {
            used += match self {
                Self::Utf16 => c.len_utf16(),
                Self::Bytes => c.len_utf8(),
            };
            if used > limit {
                return &text[..start];
            }
        }
        text
    }
}

/// Whether a character may be sent: no controls but line breaks and tabs, nothing that turns the direction of text
/// around (it hides what is really there), nothing that XML forbids (Jira keeps its text in XML).
fn is_fit_to_send(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => !c.is_control(),
    }
}

/// The text with one kind of line break and without what may not be sent.
#[must_use]
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| is_fit_to_send(*c)).collect()
}

/// The text on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a text that are not blank, without the space around them.
#[must_use]
pub fn lines(text: &str) -> Vec<String> {
    let text = clean(text);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The letters, digits and hyphens of a marker: nothing that means something in a markup.
#[must_use]
pub fn marker_text(marker: &str) -> String {
    marker.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// The words by which a comment of ours is found in a tracker that shows them.
#[must_use]
pub fn visible_marker(marker: &str) -> String {
    format!("ref {}", marker_text(marker))
}

/// Signs that become references in a tracker when a name or number follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sigils(pub &'static str);

impl Sigils {
    /// Whether `sign` would refer to something, given what follows it.
    #[must_use]
    pub fn refers(self, sign: char, next: Option<char>) -> bool {
        self.0.contains(sign) && next.is_some_and(|next| next.is_alphanumeric() || next == '"' || next == '_')
    }
}

/// A title: one line, references parted, cut with an ellipsis at the limit, never empty.
#[must_use]
pub fn title(text: &str, limit: usize, measure: Measure, sigils: Sigils) -> String {
    let line = one_line(text);
    let mut title = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        title.push(c);
        if sigils.refers(c, rest.peek().copied()) {
            title.push(ZERO_WIDTH_SPACE);
        }
    }
    // GitLab runs quick actions in texts only, but a title like a command misleads people all the same.
    if title.starts_with('/') && sigils != Sigils("") {
        title.insert(0, ZERO_WIDTH_SPACE);
    }
    match title {
        empty if empty.is_empty() => "(no title)".to_owned(),
        fitting if measure.of(&fitting) <= limit => fitting,
        long => format!("{}…", measure.fit(&long, limit - measure.of("…")).trim_end()),
    }
}

/// A link target that does nothing but lead somewhere: http or https, and free of every character that means something
/// in a markup. `None` for all else, `javascript:` above all.
#[must_use]
pub fn link_target(url: &str) -> Option<String> {
    let url = Url::parse(clean(url).trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return None;
    }
    let mut target = String::new();
    for c in url.as_str().chars() {
        match c {
            '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}' | '|' | '\\' | '`' | '"' | '\'' | '^' | '*' | '!' | ' ' => {
                target.push_str(&format!("%{:02X}", u32::from(c)));
            }
            _ => target.push(c),
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S-24
    #[test]
    fn makes_titles_of_anything() {
        let gitlab = Sigils("@#!");
        for (text, expected) in [
            ("  SQL injection\r\n in\tlogin \u{0}\u{202e}", "SQL injection in login"),
            ("@team Fixes #1", "@\u{200b}team Fixes #\u{200b}1"),
            ("/close", "\u{200b}/close"),
            ("C# and a @ b!", "C# and a @ b!"),
            ("\n\t ", "(no title)"),
        ] {
            assert_eq!(title(text, 255, Measure::Utf16, gitlab), expected, "{text:?}");
        }
        let long = title(&"é".repeat(400), 256, Measure::Utf16, gitlab);
        assert_eq!((Measure::Utf16.of(&long), long.ends_with("é…")), (256, true));
        let long = title(&"𝄞".repeat(400), 255, Measure::Utf16, gitlab);
        assert!(Measure::Utf16.of(&long) <= 255, "surrogate pairs count twice");
    }

    /// S-24
    #[test]
    fn links_lead_to_the_web_or_nowhere() {
        for text in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "//x",
            "x",
            "vbscript:x",
            "",
        ] {
            assert_eq!(link_target(text), None, "{text:?}");
        }
        for (text, expected) in [
            ("https://example.com/a_(b)|c", "https://example.com/a_%28b%29%7Cc"),
            (" https://example.com/?q=<b>\"x\"", "https://example.com/?q=%3Cb%3E%22x%22"),
            ("HTTP://EXAMPLE.com", "http://example.com/"),
        ] {
            assert_eq!(link_target(text).as_deref(), Some(expected), "{text:?}");
        }
    }
}
