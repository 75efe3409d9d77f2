//! Arachni's JSON report (`arachni_reporter --reporter=json`).

mod schema;

use crate::base::severity::Severity;
use crate::reports::builder::{self, ReportBuilder, facts};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Finding, Location, Report, Vulnerability};
use schema::{File, Issue};

/// Arachni.
pub const PARSER: Parser = Parser {
    name: "arachni",
    title: "Arachni JSON",
    tool: "Arachni",
    content_types: &["application/json"],
    defectdojo_names: &["Arachni Scan"],
    example: r#"{"version": "1.5.1", "options": {"url": "https://shop.example.com/"}, "sitemap": {}, "issues": [
  {"name": "Insecure cookie", "severity": "informational", "cwe": 200, "digest": 7, "check": {"shortname": "cookies"},
   "vector": {"type": "cookie", "url": "https://shop.example.com/", "affected_input_name": "session"}}], "plugins": {}}"#,
    shapes: &[
        &[Sign::List("issues"), Sign::Has("sitemap"), Sign::Has("options")],
        &[Sign::Has("issues[].vector.class"), Sign::Has("issues[].digest")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let file: File<'_> = json::read(text)?;
    let mut builder = ReportBuilder::new("Arachni");
    let head = builder.head();
    head.tool_version = file.version.some_line();
    head.target = file.options.url.some_line();
    head.reported_at = file.finish_datetime.time();
    builder.each(file.issues, "/issues", add);
    Ok(vec![builder.finish()])
}

fn add(builder: &mut ReportBuilder, issue: &Issue<'_>, place: Box<str>) {
    let vector = &issue.vector;
    let url = vector.action.or(&vector.url);
    let method = vector.method.or(&issue.request.method);
    let finding = Finding {
        asset: builder.asset_of_url(url),
        location: Location {
            url: url.some_line(),
            method: method.some_line().map(|method| method.to_uppercase()),
            parameter: vector.affected_input_name.some_line(),
            snippet: vector.source.some_text(),
            ..Location::default()
        },
        fingerprint: issue.digest.some_line(),
        place: Some(place),
        facts: facts([
            ("vector", vector.kind.some_line()),
            ("proof", issue.proof.some_text()),
            ("signature", issue.signature.some_line()),
            ("input", vector.affected_input_value.some_text()),
            ("request", words::request(&[issue.request.headers_string.as_str(), &issue.request.body].concat())),
            ("trusted", issue.trusted.some_line()),
        ]),
        ..Finding::default()
    };
    let vulnerability = vulnerability(issue);
    if vulnerability.severity == Severity::None {
        // What is only of interest is said once, with the pages where it was seen.
        let description = text::some(url.line());
        let finding = Finding { asset: finding.asset, description, place: finding.place, ..Finding::default() };
        return builder.add_once(builder::print_of(&vulnerability.key), vulnerability, finding);
    }
    builder.add_of(vulnerability, finding);
}

fn vulnerability(issue: &Issue<'_>) -> Vulnerability {
    let links = issue.references.0.iter().map(|(_, link)| link).chain([&issue.cwe_url]);
    Vulnerability {
        key: words::key(&[], "Arachni", issue.check.shortname.or(&issue.name)),
        title: issue.name.title(),
        description: text::text(issue.description.trim()),
        remediation: text::some_text(issue.remedy_guidance.trim()),
        severity: words::severity_or_unknown(&issue.severity),
        cwes: words::cwe(&issue.cwe).into_iter().collect(),
        references: words::each_once(links.filter_map(Text::some_line)),
        ..Vulnerability::default()
    }
}
