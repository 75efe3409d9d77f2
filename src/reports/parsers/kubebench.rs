//! kube-bench's JSON: the object with totals, and the plain list of controls before version 0.5.

use serde::Deserialize;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json::{self, Entries, List};
use crate::reports::read::text::Text;
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};

/// kube-bench.
pub const PARSER: Parser = Parser {
    name: "kubebench",
    title: "kube-bench JSON",
    tool: "kube-bench",
    content_types: &["application/json"],
    defectdojo_names: &["kube-bench Scan"],
    example: r#"{"Controls": [{"id": "4", "version": "cis-1.8", "text": "Worker", "node_type": "node", "tests": [
  {"section": "4.2", "desc": "Kubelet", "results": [{"test_number": "4.2.1", "status": "FAIL", "scored": true,
   "test_desc": "Ensure that anonymous-auth is false"}]}]}], "Totals": {"total_fail": 1}}"#,
    shapes: &[
        &[Sign::List("Controls"), Sign::Has("Controls[].node_type")],
        &[Sign::Has("Controls"), Sign::Has("Totals.total_pass")],
        &[Sign::Has("[].node_type"), Sign::Has("[].tests")],
        &[Sign::Has("node_type"), Sign::List("tests"), Sign::Has("tests[].section")],
    ],
    parse,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Control<'a> {
    /// Of a document that holds several.
    #[serde(borrow, rename = "Controls")]
    controls: List<Control<'a>>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    node_type: Text<'a>,
    #[serde(borrow)]
    tests: List<Section<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Section<'a> {
    #[serde(borrow)]
    desc: Text<'a>,
    #[serde(borrow)]
    results: Entries<'a, Check<'a>>,
}

#[derive(Deserialize)]
struct Check<'a> {
    #[serde(borrow)]
    test_number: Text<'a>,
    #[serde(borrow, default)]
    test_desc: Text<'a>,
    #[serde(borrow, default)]
    audit: Text<'a>,
    #[serde(borrow, rename = "type", default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    remediation: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    actual_value: Text<'a>,
    #[serde(borrow, default)]
    expected_result: Text<'a>,
    #[serde(borrow, default)]
    reason: Text<'a>,
    #[serde(borrow, default)]
    scored: Text<'a>,
}

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let is_list = text.trim_start().starts_with('[');
    let controls = if is_list { json::read(text)? } else { controls(text)? };
    let path = if is_list { "" } else { "/Controls" };
    let mut builder = ReportBuilder::new("kube-bench");
    for (number, control) in controls.0.into_iter().enumerate() {
        let (version, node) = (control.version, control.node_type);
        for (section_number, section) in control.tests.0.into_iter().enumerate() {
            let path = format!("{path}/{number}/tests/{section_number}/results");
            let name = section.desc;
            builder.each(section.results, &path, |builder, check, place| {
                add(builder, [&version, &node, &name], check, place);
            });
        }
    }
    Ok(vec![builder.finish()])
}

/// All controls together, or one after the other: before version 0.3.1 there is a document for each kind of node.
fn controls(text: &str) -> Result<List<Control<'_>>, ParseError> {
    let mut controls = List::default();
    for document in json::documents::<Control<'_>>(text) {
        let (line, control) = document?;
        let control = control.map_err(|detail| ParseError::unfit(format!("line {line}"), detail))?;
        if control.controls.is_empty() {
            controls.0.push(control);
        } else {
            controls.0.extend(control.controls.0);
        }
    }
    if controls.is_empty() {
        return Err(ParseError::malformed("line 1", "the file is empty"));
    }
    Ok(controls)
}

fn add(builder: &mut ReportBuilder, within: [&Text<'_>; 3], check: &Check<'_>, place: Box<str>) {
    let Some(severity) = severity(check) else { return };
    let [version, node, section] = within;
    let vulnerability = Vulnerability {
        // Benchmarks number their checks anew with every version.
        key: words::key(&[], "kube-bench", &format!("{version} {}", check.test_number)),
        title: check.test_desc.or(&check.test_number).title(),
        remediation: check.remediation.some_text(),
        severity,
        ..Vulnerability::default()
    };
    let finding = Finding {
        description: check.reason.some_text(),
        location: Location { resource: node.some_line(), ..Location::default() },
        place: Some(place),
        facts: facts([
            ("check", check.test_number.some_line()),
            ("benchmark", version.some_line()),
            ("section", section.some_line()),
            ("audit", check.audit.some_text()),
            ("expected", check.expected_result.some_text()),
            ("actual", check.actual_value.some_text()),
            ("scored", check.scored.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_of(vulnerability, finding);
}

/// kube-bench has no severities. A failed check is a weakness of the configuration; a warning could not be decided,
/// and of a manual check it is only the reminder to make it.
fn severity(check: &Check<'_>) -> Option<Severity> {
    match check.status.as_str() {
        "FAIL" => Some(Severity::Medium),
        "WARN" if check.kind.as_str() != "manual" => Some(Severity::None),
        _ => None,
    }
}
