//! PMD's CSV, XML and JSON.

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::table::{Row, Table};
use crate::reports::read::text::{self, Number, Text};
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Analysis, AnalysisState, Finding, Location, Report, Vulnerability};
use schema::{File, Suppressed, Violation};

/// PMD.
pub const PARSER: Parser = Parser {
    name: "pmd",
    title: "PMD CSV, XML and JSON",
    tool: "PMD",
    content_types: &["text/csv", "application/xml", "application/json"],
    defectdojo_names: &["PMD Scan"],
    example: "\"Problem\",\"Package\",\"File\",\"Priority\",\"Line\",\"Description\",\"Rule set\",\"Rule\"\n\
              \"1\",\"shop\",\"Shop.java\",\"3\",\"12\",\"Close this resource\",\"Error Prone\",\"CloseResource\"\n",
    shapes: &[
        &[Sign::Column("problem"), Sign::Column("package"), Sign::Column("rule set"), Sign::Column("rule")],
        &[Sign::Has("/pmd"), Sign::Has("/pmd@version")],
        &[Sign::Has("pmdVersion"), Sign::List("files")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("PMD");
    match text.trim_start().as_bytes().first() {
        Some(b'<') => from_xml(&mut builder, text)?,
        Some(b'{') => from_json(&mut builder, text)?,
        _ => from_csv(&mut builder, text)?,
    }
    Ok(vec![builder.finish()])
}

fn from_csv(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    Table::new(text)?.each(|line, row| {
        let place = format!("line {line}");
        match row {
            Ok(row) => add(builder, row.get("file"), &from_row(row), None, place.into()),
            Err(detail) => builder.lose(place, &detail),
        }
        Ok(())
    })
}

fn from_row<'r>(row: &'r Row<'_>) -> Violation<'r> {
    let text = |column: &str| Text::from(row.get(column));
    Violation {
        rule: text("rule"),
        ruleset: text("rule set"),
        priority: text("priority"),
        description: text("description"),
        begin_line: Number(text("line").number()),
        package: text("package"),
        ..Violation::default()
    }
}

fn from_json(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let file: File<'_> = json::read(text)?;
    builder.head().tool_version = file.pmd_version.some_line();
    builder.head().reported_at = file.timestamp.time();
    for (number, source) in file.files.0.into_iter().enumerate() {
        let path = format!("/files/{number}/violations");
        builder.each(source.violations, &path, |builder, violation, place| {
            add(builder, &source.filename, violation, None, place);
        });
    }
    builder.each(file.suppressed_violations, "/suppressedViolations", |builder, entry, place| {
        let violation = Violation {
            rule: entry.rule.clone(),
            description: entry.msg.clone(),
            begin_line: entry.begin_line,
            ..Violation::default()
        };
        add(builder, &entry.filename, &violation, Some(accepted(entry)), place);
    });
    Ok(())
}

fn accepted(entry: &Suppressed<'_>) -> Analysis {
    Analysis {
        state: AnalysisState::RiskAccepted,
        justification: entry.usermsg.or(&entry.suppression_type).some_text(),
    }
}

fn from_xml(builder: &mut ReportBuilder, text: &str) -> Result<(), ParseError> {
    let root = xml::root(text).unwrap_or_default();
    builder.head().tool_version = text::some_line(root.attribute("version"));
    builder.head().reported_at = Text::from(root.attribute("timestamp")).time();
    xml::each(text, &["file"], |line, file| {
        for (number, violation) in file.all("violation").enumerate() {
            let place = format!("line {line}, violation {}", number + 1);
            add(builder, file.attribute("name"), &from_element(violation), None, place.into());
        }
        Ok(())
    })
}

fn from_element<'e>(element: &'e Element<'_>) -> Violation<'e> {
    let text = |name: &str| Text::from(element.attribute(name));
    Violation {
        rule: text("rule"),
        ruleset: text("ruleset"),
        priority: text("priority"),
        description: Text::from(element.text.trim()),
        begin_line: Number(text("beginline").number()),
        end_line: Number(text("endline").number()),
        external_info_url: text("externalInfoUrl"),
        package: text("package"),
        class: text("class"),
        method: text("method"),
    }
}

fn add(
    builder: &mut ReportBuilder,
    file: &str,
    violation: &Violation<'_>,
    analysis: Option<Analysis>,
    place: Box<str>,
) {
    if violation.rule.is_empty() {
        builder.lose(place, "no rule");
        return;
    }
    let severity = severity(&violation.priority);
    let vulnerability = builder.vulnerability(&format!("PMD:{}", violation.rule.line()), || Vulnerability {
        title: violation.rule.title(),
        description: violation.description.text(),
        severity,
        references: violation.external_info_url.some_line().into_iter().collect(),
        ..Vulnerability::default()
    });
    let finding = Finding {
        vulnerability,
        location: Location {
            file: text::some_line(file),
            line: violation.begin_line.positive(),
            end_line: violation.end_line.positive(),
            ..Location::default()
        },
        analysis,
        place: Some(place),
        facts: facts([
            ("rule_set", violation.ruleset.some_line()),
            ("package", violation.package.some_line()),
            ("class", violation.class.some_line()),
            ("method", violation.method.some_line()),
        ]),
        ..Finding::default()
    };
    builder.add_differing(finding, severity, "", &violation.description);
}

/// Priorities by PMD's manual: a change is absolutely required, highly recommended, recommended, optional, highly
/// optional.
fn severity(priority: &str) -> Severity {
    match priority.trim() {
        "1" => Severity::Critical,
        "2" => Severity::High,
        "3" => Severity::Medium,
        "4" => Severity::Low,
        "5" => Severity::None,
        _ => Severity::Unknown,
    }
}
