//! SPDX as tag-value: a line a tag. Texts of several lines stand between `<text>` and `</text>`.

use crate::reports::error::ParseError;
use crate::reports::parsers::spdx::schema::{Document, ExternalReference, Package};
use crate::reports::read::json::{ENTRY_LIMIT, Entries};
use crate::reports::read::text::Text;

/// Reads a document.
///
/// # Errors
/// `Malformed` for a line that is no tag or an open text; `Unfit` beyond the limit of packages.
pub fn read(text: &str) -> Result<Document<'_>, ParseError> {
    let (mut document, mut packages) = (Document::default(), Vec::new());
    let mut is_within_text = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if is_within_text {
            is_within_text = !line.contains("</text>");
            continue;
        }
        is_within_text = line.contains("<text>") && !line.contains("</text>");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("line {}", number + 1);
        let (tag, value) = line.split_once(':').ok_or_else(|| ParseError::malformed(place(), "no tag and value"))?;
        take(&mut document, &mut packages, tag.trim(), value.trim());
        if packages.len() > ENTRY_LIMIT {
            return Err(ParseError::unfit(place(), format!("more than {ENTRY_LIMIT} packages")));
        }
    }
    if is_within_text {
        return Err(ParseError::malformed(format!("line {}", text.lines().count()), "a text without its end"));
    }
    if document.name.is_empty() && packages.is_empty() {
        return Err(ParseError::unfit("line 1", "neither a document nor a package is named"));
    }
    document.packages = Entries::of(packages.into_iter().map(Ok));
    Ok(document)
}

fn take<'a>(document: &mut Document<'a>, packages: &mut Vec<Package<'a>>, tag: &str, value: &'a str) {
    let value_text = Text::from(value.trim_start_matches("<text>").trim_end_matches("</text>"));
    match (tag, packages.last_mut()) {
        ("DocumentName", _) => document.name = value_text,
        ("Creator", _) => document.creation_info.0.creators.0.push(value_text),
        ("Created", _) => document.creation_info.0.created = value_text,
        ("PackageName", _) => packages.push(Package { name: value_text, ..Package::default() }),
        ("PackageVersion", Some(package)) => package.version_info = value_text,
        ("ExternalRef", Some(package)) => package.external_refs.0.extend(reference(value)),
        ("ExternalRefComment", Some(package)) => {
            if let Some(reference) = package.external_refs.0.last_mut() {
                reference.comment = value_text;
            }
        }
        _ => {}
    }
}

/// `SECURITY advisory https://…`
fn reference(value: &str) -> Option<ExternalReference<'_>> {
    let mut parts = value.split_whitespace();
    let (category, kind, locator) = (parts.next()?, parts.next()?, parts.next()?);
    Some(ExternalReference {
        category: category.into(),
        kind: kind.into(),
        locator: locator.into(),
        ..ExternalReference::default()
    })
}
