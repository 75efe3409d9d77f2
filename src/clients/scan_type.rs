//! Scan types: the names by which clients call report formats.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::base::error::ApiError;
use crate::reports::parser::Parser;
use crate::reports::parsers::PARSERS;

/// How many near names an error lists.
const NEAR: usize = 5;

/// A scan type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanType {
    /// Its number: made of the name, so that it is the same everywhere and in every release.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
    /// The format to read it as; none where several formats have this name, and the content decides.
    pub format: Option<&'static str>,
}

/// All scan types, by name.
#[must_use]
pub fn all() -> &'static [ScanType] {
    static ALL: OnceLock<Vec<ScanType>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut names: Vec<&'static str> = PARSERS.iter().flat_map(|parser| parser.defectdojo_names).copied().collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(scan_type).collect()
    })
}

fn scan_type(name: &'static str) -> ScanType {
    let mut formats = PARSERS.iter().filter(|parser| parser.defectdojo_names.contains(&name));
    let format = match (formats.next(), formats.next()) {
        (Some(Parser { name, .. }), None) => Some(*name),
        _ => None,
    };
    ScanType { number: number_of(name), name, format }
}

/// 31 bits of a hash: every client can hold them.
fn number_of(name: &str) -> i64 {
    let hash = Sha256::digest(name.as_bytes());
    i64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> 1)
}

/// The scan type with a name, whatever its case.
///
/// # Errors
/// `Invalid` at `scan_type`, with near names.
pub fn by_name(name: &str) -> Result<ScanType, ApiError> {
    let wanted = name.trim();
    let found = all().iter().find(|scan_type| scan_type.name.eq_ignore_ascii_case(wanted));
    found.copied().ok_or_else(|| {
        let near = |scan_type: &ScanType| strsim::jaro_winkler(&wanted.to_lowercase(), &scan_type.name.to_lowercase());
        let mut names: Vec<&ScanType> = all().iter().collect();
        names.sort_by(|a, b| near(b).total_cmp(&near(a)));
        let names: Vec<String> = names.iter().take(NEAR).map(|scan_type| format!("{:?}", scan_type.name)).collect();
        let wanted: String = wanted.chars().take(80).collect();
        ApiError::invalid("scan_type", format!("{wanted:?} is not known; near ones are {}", names.join(", ")))
    })
}

/// The scan type with a number.
#[must_use]
pub fn by_number(number: i64) -> Option<ScanType> {
    all().iter().find(|scan_type| scan_type.number == number).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_do_not_change_with_the_list() {
        let mut numbers: Vec<i64> = all().iter().map(|scan_type| scan_type.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all().len());
        assert_eq!(by_name("sarif").unwrap().number, 0x5176_82a6);
        for scan_type in all() {
            assert_eq!(by_number(scan_type.number).as_ref(), Some(scan_type));
        }
    }

    #[test]
    fn an_unknown_name_is_told_near_ones() {
        let error = by_name("Trivy Scanner").unwrap_err().to_string();
        assert!(error.starts_with(r#"scan_type: "Trivy Scanner" is not known; near ones are "Trivy Scan""#), "{error}");
    }
}
