//! The package that a result is about. SARIF has no place for one, so scanners of dependencies put it into a sentence.

use crate::reports::read::words;

/// How the scanners' messages name a package: what stands before its name, between name and version, and after.
const SENTENCES: [(&str, &str, &str); 3] = [
    // Trivy
    ("Package: ", "\nInstalled Version: ", "\n"),
    // OSV-Scanner
    ("Package '", "@", "'"),
    // Grype
    (" package: ", ", version ", " was found"),
];

/// A package as a message names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its version.
    pub version: &'t str,
    /// The version in which the vulnerability is fixed; empty where the message names none.
    pub fixed_version: &'t str,
}

/// The package that a message names, else the logical location does, as Snyk writes it (`lodash@4.17.13`).
#[must_use]
pub fn named<'t>(message: &'t str, place: &'t str) -> Option<Package<'t>> {
    let of_message = SENTENCES.iter().find_map(|sentence| within(message, *sentence));
    let (name, version) = of_message.or_else(|| split(place.trim(), "@"))?;
    let is_one = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    if !is_one(name) || !is_one(version) || words::is_vulnerability_id(name) {
        return None;
    }
    let fixed = message.split_once("\nFixed Version: ").and_then(|(_, rest)| rest.lines().next());
    Some(Package { name, version, fixed_version: fixed.unwrap_or_default().trim() })
}

fn within<'t>(message: &'t str, (before, between, after): (&str, &str, &str)) -> Option<(&'t str, &'t str)> {
    let (_, rest) = message.split_once(before)?;
    let (name, rest) = split(rest, between)?;
    let end = rest.find(after).unwrap_or(rest.len());
    Some((name, rest[..end].trim()))
}

/// What stands before and after a mark. A name may begin with one (`@example/shop@1.0.0`).
fn split<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let from = usize::from(text.starts_with('@'));
    let at = text[from..].find(mark)? + from;
    Some((text[..at].trim(), &text[at + mark.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_package_in_the_sentences_of_scanners() {
        for (message, place, expected) in [
            (
                "Package: zlib\nInstalled Version: 1.2\nVulnerability CVE-2026-10001\nFixed Version: 1.3\nLink: …",
                "",
                Some(("zlib", "1.2", "1.3")),
            ),
            ("Package 'lodash@4.17.13' is vulnerable to 'CVE-2026-10001'.", "", Some(("lodash", "4.17.13", ""))),
            ("Package '@example/shop@1.0' is vulnerable to it.", "", Some(("@example/shop", "1.0", ""))),
            (
                "A high vulnerability in apk package: zlib, version 1.2 was found at: /lib",
                "",
                Some(("zlib", "1.2", "")),
            ),
            ("This file introduces a vulnerable package.", "expat@2.2.5-r0", Some(("expat", "2.2.5-r0", ""))),
            ("Ask ann@example.com about the Package: it is old", "", None),
            ("Nothing", "src/cart.js", None),
            ("", "@", None),
        ] {
            let found = named(message, place);
            let found = found.map(|found| (found.name, found.version, found.fixed_version));
            assert_eq!(found, expected, "{message}");
        }
    }
}
