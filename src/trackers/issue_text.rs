//! What the ticket of an issue says. Pure.
//!
//! Counts and lines change when instances come, go or are remediated, and with nothing else.

use super::markup::document::{Block, Document, Inline, Link};
use super::markup::read::markdown_blocks;
use super::subject::{IssueLine, IssueSubject};
use super::text::section;

/// The body: the facts, what people wrote, and the first instances.
#[must_use]
pub fn body(subject: &IssueSubject, link_back: &str, file_url: Option<&str>) -> Document {
    let mut document = Document::default().linked("This issue in Patchbay", link_back);
    document.push(facts(subject));
    section(&mut document, "Description", markdown_blocks(&subject.issue.description));
    section(&mut document, "Remediation", markdown_blocks(&subject.issue.remediation));
    if !subject.instances.is_empty() {
        section(&mut document, "Instances", instances(subject, link_back, file_url));
    }
    document
}

fn facts(subject: &IssueSubject) -> Block {
    let (issue, counts) = (&subject.issue, subject.counts);
    let row = |name: &str, value: Inline| vec![vec![Inline::Text(name.to_owned())], vec![value]];
    let mut rows = vec![
        row("Risk", Inline::Strong(issue.risk.to_string())),
        row("State", Inline::Text(issue.state.as_str().replace('_', " "))),
        row("Instances", Inline::Text(counts.instance_count.to_string())),
        row("Remediated", Inline::Text(counts.remediated_count.to_string())),
    ];
    if counts.excluded_count > 0 {
        rows.push(row("Accepted or in review", Inline::Text(counts.excluded_count.to_string())));
    }
    if let Some(due_at) = issue.due_at {
        rows.push(row("Due", Inline::Text(due_at.to_string().chars().take("2026-01-01".len()).collect())));
    }
    Block::Table { header: vec!["Fact".to_owned(), "Value".to_owned()], rows }
}

fn instances(subject: &IssueSubject, link_back: &str, file_url: Option<&str>) -> Vec<Block> {
    let header = ["Vulnerability", "Asset", "Product", "Severity", "Now"].map(str::to_owned).to_vec();
    let rows = subject.instances.iter().map(cells).collect();
    let mut blocks = vec![Block::Table { header, rows }];
    let shown = i64::try_from(subject.instances.len()).unwrap_or(i64::MAX);
    let link = |words: String, url: String| {
        let all = Link { text: "CSV".to_owned(), url };
        Block::Paragraph(vec![Inline::Text(words), Inline::Link(all)])
    };
    if let Some(url) = file_url {
        blocks.push(link("As a table: ".to_owned(), url.to_owned()));
    } else if subject.counts.instance_count > shown {
        let words = format!("The first {shown} of {}. All of them: ", subject.counts.instance_count);
        blocks.push(link(words, format!("{link_back}/instances.csv")));
    }
    blocks
}

fn cells(line: &IssueLine) -> Vec<Vec<Inline>> {
    let text = |value: &str| vec![Inline::Text(value.to_owned())];
    vec![
        vec![Inline::Code(line.vulnerability.clone())],
        vec![Inline::Code(line.asset.clone())],
        text(&line.product),
        text(&line.severity.to_string()),
        text(&line.standing.as_str().replace('_', " ")),
    ]
}
