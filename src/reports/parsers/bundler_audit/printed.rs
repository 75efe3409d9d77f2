//! What bundler-audit prints: blocks of `Name: value` with an empty line after each.

use crate::reports::error::ParseError;
use crate::reports::parsers::bundler_audit::{Advisory, Entry, File, Gem};
use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Text;

/// The last line says how it went; without it the text was cut off.
const ENDINGS: [&str; 3] = ["Vulnerabilities found!", "No vulnerabilities found", "Insecure sources found!"];

/// Reads the printed text.
///
/// # Errors
/// `Malformed` for a text that ends too early.
pub fn read(text: &str) -> Result<File<'_>, ParseError> {
    if !ENDINGS.iter().any(|ending| text.contains(ending)) {
        let place = format!("line {}", text.lines().count());
        return Err(ParseError::malformed(
            place,
            "the output ends too early: its last line says whether it found anything",
        ));
    }
    let blocks = text.split("\n\n").flat_map(|block| block.split("\r\n\r\n"));
    Ok(File {
        version: Text::default(),
        created_at: Text::default(),
        results: Entries::of(blocks.filter_map(entry).map(Ok)),
    })
}

fn entry(block: &str) -> Option<Entry<'_>> {
    let field = |name: &str| {
        let value = |line: &'_ str| line.trim().strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).is_some();
        let line = block.lines().find(|line| value(line));
        Text::from(line.map_or("", |line| line.trim()[name.len() + 2..].trim()))
    };
    let source = field("Insecure Source URI found");
    if !source.is_empty() {
        return Some(Entry { source, ..Entry::default() });
    }
    let name = field("Name");
    if name.is_empty() {
        return None;
    }
    let solution = field("Solution");
    let advisory = Advisory {
        // Versions before 0.7 wrote one id, whatever its kind.
        id: field("Advisory"),
        cve: field("CVE"),
        ghsa: field("GHSA"),
        criticality: field("Criticality"),
        url: field("URL"),
        title: field("Title"),
        patched_versions: patched(&solution),
        solution,
        ..Advisory::default()
    };
    Some(Entry { gem: Object(Gem { name, version: field("Version") }), advisory: Object(advisory), ..Entry::default() })
}

/// The versions in a solution like `update to '~> 2.1.3', '>= 2.2.0'`.
fn patched<'a>(solution: &Text<'a>) -> List<Text<'a>> {
    let versions = solution.split_once(" to ").map_or("", |(_, versions)| versions);
    let versions = versions.split(',').map(|version| version.trim().trim_matches('\'').to_owned());
    versions.filter(|version| version.contains(|c: char| c.is_ascii_digit())).map(Text::from).collect()
}
