//! The HTML of `sonar-report`, read into the structs of its JSON: a table of issues and one of their rules.

use serde::de::IgnoredAny;

use crate::reports::error::ParseError;
use crate::reports::parsers::sonarqube::schema::{File, Issue, Rule};
use crate::reports::read::html::{self, Table};
use crate::reports::read::json::{Object, Pairs};
use crate::reports::read::text::{Number, Text};

/// Reads a report.
///
/// # Errors
/// `Malformed` for a page that ends too early.
pub fn read(page: &str) -> Result<File<'_>, ParseError> {
    if !page.trim_end().to_ascii_lowercase().ends_with("</html>") {
        let line = page.lines().count();
        return Err(ParseError::malformed(format!("line {line}"), "the document ends too early"));
    }
    if !page.contains("<title>SonarQube ") {
        return Err(ParseError::unfit("line 1", "the page has another title"));
    }
    let mut file = File { hotspot_keys: Some(IgnoredAny), ..File::default() };
    (file.project_name, file.date) = (defined(page, "Project Name"), defined(page, "Report Generated On"));
    for table in html::tables(page) {
        let header: Vec<String> = table.first().into_iter().flatten().map(|cell| html::to_text(cell)).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        match header[..] {
            ["Rule", "Severity", ..] => issues(&header, &table, &mut file),
            ["Rule", "Description"] => rules(&table, &mut file),
            _ => {}
        }
    }
    Ok(file)
}

/// The text beside a term of the page's head.
fn defined<'a>(page: &'a str, term: &str) -> Text<'a> {
    let found = page.split_once(&format!("<dt>{term}</dt>")).and_then(|(_, rest)| rest.split_once("<dd>"));
    let found = found.and_then(|(_, rest)| rest.split_once("</dd>")).map(|(text, _)| html::to_text(text));
    Text::from(found.unwrap_or_default())
}

fn issues<'a>(header: &[&str], table: &Table<'a>, file: &mut File<'a>) {
    for row in table.iter().skip(1).filter(|row| !row.is_empty()) {
        let cell = |name: &str| -> Text<'a> {
            let at = header.iter().position(|column| *column == name);
            let found = at.and_then(|at| row.get(at)).map(|cell| html::to_text(cell));
            Text::from(found.unwrap_or_default())
        };
        file.issues.push(issue(&cell));
    }
}

fn issue<'a>(cell: &impl Fn(&str) -> Text<'a>) -> Issue<'a> {
    Issue {
        key: cell("Key"),
        rule: cell("Rule"),
        severity: cell("Severity"),
        component: cell("Component"),
        line: Number(cell("Line").number()),
        status: cell("Status"),
        description: cell("Description"),
        message: cell("Message"),
        ..Issue::default()
    }
}

fn rules<'a>(table: &Table<'a>, file: &mut File<'a>) {
    let rows = table.iter().skip(1).filter_map(|row| Some((row.first()?, row.get(1)?)));
    let rules = rows.map(|(name, description)| {
        let rule = Rule { name: Text::default(), html_description: Text::from(*description) };
        (Text::from(html::to_text(name)), Object(rule))
    });
    file.rules = Pairs(rules.collect());
}
