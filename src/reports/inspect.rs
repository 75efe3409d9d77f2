//! What a file holds, without importing it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::reports::decode::{Source, TOTAL_LIMIT};
use crate::reports::error::ParseError;
use crate::reports::parsers;
use crate::reports::report::{ParsedFile, Report, Warning};

/// What a file holds: one line of `patchbay inspect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The file, as it was named.
    pub file: String,
    /// The format's name.
    pub format: &'static str,
    /// The tool, or the tools.
    pub tool: String,
    /// How many observations an import would make.
    pub observations: usize,
    /// Observations by severity; severities without any are left out.
    pub severities: BTreeMap<&'static str, usize>,
    /// Every vulnerability id, sorted.
    pub vulnerability_ids: BTreeSet<String>,
    /// What could not be read, and other doubts.
    pub warnings: Vec<String>,
}

/// Reads a file and says what it holds.
///
/// # Errors
/// When the file cannot be opened or read as a report.
pub fn inspect(path: &Path) -> Result<Inspection, ParseError> {
    let parsed = parsers::parse_source(Source::File(File::open(path)?), None, TOTAL_LIMIT)?;
    Ok(summary(path.display().to_string(), &parsed))
}

/// Writes a JSON line for each file to `out`: what it holds, or the error. Says whether all could be read.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_all(files: &[PathBuf], out: &mut impl Write) -> io::Result<bool> {
    let mut all_read = true;
    for path in files {
        match inspect(path) {
            Ok(inspection) => serde_json::to_writer(&mut *out, &inspection)?,
            Err(error) => {
                all_read = false;
                let file = path.display().to_string();
                serde_json::to_writer(&mut *out, &serde_json::json!({"file": file, "error": error.to_string()}))?;
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(all_read)
}

fn summary(file: String, parsed: &ParsedFile) -> Inspection {
    let mut severities = BTreeMap::new();
    for report in &parsed.reports {
        for finding in report.findings.iter() {
            *severities.entry(finding.severity_in(report).as_str()).or_insert(0) += 1;
        }
    }
    let tools: BTreeSet<&str> = parsed.reports.iter().map(|report| report.tool.as_str()).collect();
    Inspection {
        file,
        format: parsed.format,
        tool: tools.into_iter().collect::<Vec<_>>().join(", "),
        observations: parsed.reports.iter().map(|report| report.findings.len()).sum(),
        severities,
        vulnerability_ids: parsed.reports.iter().flat_map(ids).collect(),
        warnings: parsed.reports.iter().flat_map(|report| &report.warnings).map(describe).collect(),
    }
}

fn ids(report: &Report) -> impl Iterator<Item = String> {
    report.vulnerabilities.iter().flat_map(|vulnerability| vulnerability.ids).map(str::to_owned)
}

fn describe(warning: &Warning) -> String {
    let lost = if warning.lost_entry { "entry lost: " } else { "" };
    format!("{}: {lost}{}", warning.place, warning.detail)
}
