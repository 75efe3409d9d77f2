//! What one member of an archive says about the findings of another: the auditors' verdicts beside a scan, the files
//! beside a list of vulnerable components.
//!
//! Members come in any order, and a zip is never wholly in memory. So a companion is read when its turn comes, into notes
//! under the names that it gives the findings, and the notes are added when all members are read.

use std::collections::{BTreeSet, HashMap};

use crate::reports::error::ParseError;
use crate::reports::parser::Sign;
use crate::reports::read::text;
use crate::reports::report::{Analysis, Finding, Report};
use crate::reports::sniff::Sniff;

/// Most places kept of one note. The findings that it is added to have each its copy.
const PLACES_KEPT: usize = 5;

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
    pub name: fn(&Finding) -> Option<&str>,
}

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

    /// Adds the notes to the findings of a report. What a finding says itself stays.
    pub fn add_to(&self, report: &mut Report, name: fn(&Finding) -> Option<&str>) {
        for finding in &mut report.findings {
            let Some(note) = name(finding).and_then(|name| self.0.get(name)) else { continue };
            if finding.analysis.is_none() {
                finding.analysis.clone_from(&note.analysis);
            }
            if finding.location.file.is_none() {
                let mut files = note.files.iter().cloned();
                finding.location.file = files.next();
                finding.facts.extend(files.map(|file| ("instance", file)));
            }
        }
    }
}
