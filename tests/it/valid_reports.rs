//! What an import relies on in whatever a parser returns. The fuzz targets hold every report against it, too.

use std::collections::HashSet;

use patchbay::reports::error::ParseError;
use patchbay::reports::read::text::{CUT_MARK, LINE_LIMIT, TEXT_LIMIT, TITLE_LIMIT};
use patchbay::reports::read::words::LIST_LIMIT;
use patchbay::reports::report::{Finding, ParsedFile, Report, Vulnerability};

/// Reads bytes twice: the same must come of it, and be valid or a short error.
///
/// # Panics
/// When it is not.
pub fn assert_sound(read: impl Fn() -> Result<ParsedFile, ParseError>) -> Result<ParsedFile, ParseError> {
    let first = read();
    assert_eq!(first, read(), "the same bytes are read differently");
    assert_answer(&first);
    first
}

/// That a parser's answer is valid, or a short error.
///
/// # Panics
/// When it is not.
pub fn assert_answer(answer: &Result<ParsedFile, ParseError>) {
    match answer {
        Ok(file) => assert_valid(file),
        Err(error) => assert!(error.to_string().len() < 3_000, "the message quotes the file"),
    }
}

fn assert_valid(file: &ParsedFile) {
    for report in &file.reports {
        assert_report(report);
        report.vulnerabilities.iter().for_each(|known| assert_vulnerability(&known));
        report.findings.iter().for_each(|finding| assert_finding(&finding, report));
    }
}

fn assert_report(report: &Report) {
    // The head is put together of several lines.
    for text in [Some(&report.tool), report.tool_version.as_ref(), report.target.as_ref()].into_iter().flatten() {
        line("head", text, 2 * LINE_LIMIT);
    }
    let keys: HashSet<&str> = report.vulnerabilities.iter().map(|vulnerability| vulnerability.key).collect();
    assert_eq!(keys.len(), report.vulnerabilities.len(), "a key is there twice");
    for asset in report.assets.iter() {
        line("asset", asset.name, LINE_LIMIT);
    }
    for component in report.components.iter() {
        line("component", component.name, LINE_LIMIT);
        each_line("component", [component.version, component.purl]);
    }
    assert!(report.warnings.len() <= 201, "{} warnings", report.warnings.len());
    for warning in &report.warnings {
        line("warning", &warning.detail, TITLE_LIMIT);
        assert!(is_clean(&warning.place, false) && warning.place.len() < LINE_LIMIT, "place {:?}", warning.place);
    }
    let prints: Vec<&str> = report.findings.iter().filter_map(|finding| finding.fingerprint).collect();
    assert_eq!(prints.iter().collect::<HashSet<_>>().len(), prints.len(), "a fingerprint is there twice");
    assert_year(report.reported_at.map(|time| time.to_string()));
}

fn assert_vulnerability(vulnerability: &Vulnerability<&str>) {
    line("key", vulnerability.key, LINE_LIMIT);
    assert!(is_clean(vulnerability.title, false) && vulnerability.title.len() <= TITLE_LIMIT + 3, "{vulnerability:?}");
    text("description", Some(vulnerability.description));
    text("remediation", vulnerability.remediation);
    each_line("vector", [vulnerability.cvss2, vulnerability.cvss3, vulnerability.cvss4]);
    for list in [&vulnerability.ids, &vulnerability.references] {
        assert!(list.len() <= LIST_LIMIT, "{} in a list", list.len());
        list.iter().for_each(|item| line("item of a list", item, LINE_LIMIT));
    }
    assert!(vulnerability.cwes.len() <= LIST_LIMIT && !vulnerability.cwes.contains(&0), "{:?}", vulnerability.cwes);
    let within = |number: Option<f64>, most: f64| number.is_none_or(|number| (0.0..=most).contains(&number));
    assert!(within(vulnerability.cvss_score, 10.0), "{:?}", vulnerability.cvss_score);
    assert!(within(vulnerability.epss, 1.0), "{:?}", vulnerability.epss);
}

fn assert_finding(finding: &Finding<&str>, report: &Report) {
    assert!(finding.vulnerability < report.vulnerabilities.len(), "no such vulnerability");
    assert!(finding.asset.is_none_or(|asset| asset < report.assets.len()), "no such asset");
    assert!(finding.component.is_none_or(|component| component < report.components.len()), "no such component");
    let place = &finding.location;
    each_line("place", [place.file, place.url, place.method, place.parameter, place.port, place.resource]);
    each_line("finding", [finding.fingerprint, finding.fixed_version]);
    assert!(place.line != Some(0) && place.end_line != Some(0), "lines count from 1");
    let justification = finding.analysis.as_ref().and_then(|analysis| analysis.justification);
    let title = finding.title;
    assert!(title.is_none_or(|title| is_clean(title, false) && title.len() <= TITLE_LIMIT + 3), "{title:?}");
    for said in [finding.description, place.snippet, justification] {
        assert!(said.is_none_or(|said| !said.is_empty()), "empty stands for absent");
        text("text", said);
    }
    for (name, value) in &finding.facts {
        assert!(!name.is_empty() && !value.is_empty(), "{name} is empty");
        text(name, Some(value));
    }
    assert_year(finding.found_at.map(|time| time.to_string()));
}

fn each_line<const N: usize>(what: &str, lines: [Option<&str>; N]) {
    lines.into_iter().flatten().for_each(|text| line(what, text, LINE_LIMIT));
}

/// One line that is not empty, and at the most cut.
fn line(what: &str, line: &str, limit: usize) {
    assert!(is_clean(line, false), "{what} is no clean line: {line:?}");
    assert!(!line.trim().is_empty(), "{what} is empty");
    assert!(line.len() <= limit + '…'.len_utf8(), "{what} has {} bytes", line.len());
}

fn text(what: &str, text: Option<&str>) {
    let text = text.unwrap_or_default();
    assert!(is_clean(text, true), "{what} has control characters: {text:?}");
    assert!(text.len() <= TEXT_LIMIT + CUT_MARK.len(), "{what} has {} bytes", text.len());
}

fn is_clean(text: &str, has_lines: bool) -> bool {
    !text.chars().any(|c| c.is_control() && !(has_lines && matches!(c, '\n' | '\t')))
}

/// Times are written with four digits for their year.
fn assert_year(time: Option<String>) {
    let has_year = |time: &String| time.as_bytes().get(4) == Some(&b'-') && time.as_bytes()[0].is_ascii_digit();
    assert!(time.as_ref().is_none_or(has_year), "{time:?}");
}
