//! What one member of an archive says about the findings of another: the auditors' verdicts beside a scan, the files
//! beside a list of vulnerable components.
//!
//! Members come in any order, and a zip is never wholly in memory. So a companion is read when its turn comes, into notes
//! under the names that it gives the findings, and the notes are added when all members are read.

use std::collections::{BTreeSet, HashMap};

use crate::reports::error::ParseError;
use crate::reports::parser::Sign;
use crate::reports::read::text;
use crate::reports::report::{Analysis, Finding, Report, Warning};
use crate::reports::sniff::Sniff;

/// Most places kept of one note.
const PLACES_KEPT: usize = 5;
/// Most bytes of places added to findings. Each has its copy, so a few long names would otherwise fill the memory.
const ADDED_LIMIT: usize = 64 << 20;

/// A member that says more about the findings of a format, and is no report by itself.
#[derive(Debug)]
pub struct Companion {
    /// The name of the format.
    pub of: &'static str,
    /// The shapes it comes in, as those of a format.
    pub shapes: &'static [&'static [Sign]],
    /// Reads a text of this shape.
    pub read: fn(&str) -> Result<Notes, ParseError>,
    /// What a finding is called in it.
    pub name: Name,
}

/// What a finding is called.
pub type Name = for<'f> fn(&'f Finding<&str>) -> Option<&'f str>;

impl Companion {
    /// Whether the content shows one of its shapes.
    #[must_use]
    pub fn fits(&self, sniff: &Sniff<'_>) -> bool {
        self.shapes.iter().any(|shape| shape.iter().all(|sign| sign.holds(sniff)))
    }
}

/// What a companion says, by the names of the findings.
#[derive(Debug, Default)]
pub struct Notes(HashMap<String, Note>);

/// What a companion says about the findings of one name.
#[derive(Debug, Default)]
struct Note {
    analysis: Option<Analysis>,
    files: BTreeSet<String>,
}

impl Notes {
    /// Notes what was decided about a finding.
    pub fn decide(&mut self, name: &str, analysis: Analysis) {
        self.0.entry(name.to_owned()).or_default().analysis = Some(analysis);
    }

    /// Notes a file that a finding is in. Of many, the first in the order of their names stay, whatever their order in the
    /// companion.
    pub fn place(&mut self, name: &str, file: &str) {
        let file = text::title(file);
        if file.is_empty() {
            return;
        }
        let files = &mut self.0.entry(name.to_owned()).or_default().files;
        files.insert(file);
        if files.len() > PLACES_KEPT {
            files.pop_last();
        }
    }

    /// Adds the notes to the findings of a report. What a finding says itself stays, and a decision is about one finding.
    pub fn add_to(&mut self, report: &mut Report, name: Name) {
        let (mut left, mut is_cut) = (ADDED_LIMIT, false);
        report.findings.rewrite(|_, finding, kept| {
            let Some(note) = name(&finding).and_then(|name| self.0.get_mut(name)) else { return kept.push(&finding) };
            let decision = if finding.analysis.is_none() { note.analysis.take() } else { None };
            let mut finding = finding;
            if let Some(Analysis { state, justification }) = &decision {
                finding.analysis = Some(Analysis { state: *state, justification: justification.as_deref() });
            }
            let size: usize = note.files.iter().map(String::len).sum();
            is_cut |= size > left;
            if finding.location.file.is_none() && size <= left {
                left -= size;
                let mut files = note.files.iter().map(String::as_str);
                finding.location.file = files.next();
                finding.facts.extend(files.map(|file| ("instance", file)));
            }
            kept.push(&finding);
        });
        if is_cut {
            let detail = "the files of some findings are left out".to_owned();
            report.warnings.push(Warning { place: "archive".to_owned(), detail, lost_entry: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::report::{AnalysisState, Location};

    fn named<'f>(finding: &'f Finding<&str>) -> Option<&'f str> {
        finding.fact("id")
    }

    fn finding(name: &str) -> Finding {
        Finding { facts: vec![("id", name.to_owned())], ..Finding::default() }
    }

    #[test]
    fn adds_what_is_said_of_a_finding_and_leaves_what_it_says_itself() {
        let mut notes = Notes::default();
        for file in ["/c", "/b", "/b", " ", "/f", "/e", "/d", "/a"] {
            notes.place("1", file);
        }
        notes.decide("1", Analysis { state: AnalysisState::FalsePositive, justification: None });
        let own = Location { file: Some("/own".to_owned()), ..Location::default() };
        let findings = [finding("1"), Finding { location: own, ..finding("1") }, finding("2")].into_iter().collect();
        let mut report = Report { findings, ..Report::default() };
        notes.add_to(&mut report, named);
        let files: Vec<_> = report.findings.iter().map(|finding| finding.location.file).collect();
        assert_eq!(files, [Some("/a"), Some("/own"), None]);
        let others: Vec<_> = report.findings.at(0).facts[1..].iter().map(|(_, file)| *file).collect();
        assert_eq!(others, ["/b", "/c", "/d", "/e"]);
        let decided: Vec<_> = report.findings.iter().map(|finding| finding.analysis.is_some()).collect();
        assert_eq!(decided, [true, false, false]);
    }

    /// S-21
    #[test]
    fn a_few_long_names_do_not_fill_the_memory() {
        let mut notes = Notes::default();
        (0..5).for_each(|n| notes.place("1", &format!("/{n}{}", "x".repeat(400))));
        let mut report = Report { findings: std::iter::repeat_n(finding("1"), 50_000).collect(), ..Report::default() };
        notes.add_to(&mut report, named);
        let added: usize = report.findings.iter().flat_map(|finding| finding.facts).map(|(_, file)| file.len()).sum();
        assert_eq!(report.warnings.len(), 1);
        assert!(added <= ADDED_LIMIT && report.findings.at(0).location.file.is_some(), "{added}");
    }
}
