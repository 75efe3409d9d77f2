//! What tickets and comments say, before it is written in a tracker's markup. Pure.
//!
//! Nothing in a ticket changes with every scan (no "last seen"), so that a scan that finds the same things again sends
//! nothing.

use super::issue_text;
use super::markup::document::{Block, Document, Inline, Link};
use super::markup::read::markdown_blocks;
use super::subject::{ObservationSubject, Subject, SubjectText};
use super::ticket::{CloseReason, TicketComment, TicketRef};
use crate::issues::status::IssueState;
use crate::observations::status::ObservationStatus;

/// The most references that a ticket lists.
const MAX_REFERENCES: usize = 20;

/// The title, in one line.
#[must_use]
pub fn title(subject: &Subject) -> String {
    match subject {
        Subject::Observation(observation) => title_of_finding(&observation.text),
        Subject::Issue(issue) => issue.issue.name.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// The body; `file_url` is where the ticket's file is, where it must be linked.
#[must_use]
pub fn body(subject: &Subject, link_back: &str, file_url: Option<&str>) -> Document {
    match subject {
        Subject::Observation(observation) => body_of_finding(observation, link_back),
        Subject::Issue(issue) => issue_text::body(issue, link_back, file_url),
    }
}

/// What was found and where.
fn title_of_finding(text: &SubjectText) -> String {
    let says_all = text.title.contains(&text.key) || text.key.contains(':');
    let what = match text.title.trim() {
        "" => text.key.clone(),
        title if says_all => title.to_owned(),
        title => format!("{}: {title}", text.key),
    };
    let place = match (&text.component, text.location.as_str(), text.asset.as_str()) {
        (Some(component), _, _) => component,
        (None, "", asset) => asset,
        (None, location, _) => location,
    };
    let line = if place.is_empty() || what.contains(place) { what } else { format!("{what} in {place}") };
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The facts as a table, then the texts, the most important first.
fn body_of_finding(subject: &ObservationSubject, link_back: &str) -> Document {
    let text = &subject.text;
    let mut document = Document::default().linked("This finding in Patchbay", link_back);
    document.push(facts(subject));
    section(&mut document, "Description", markdown_blocks(&text.description));
    if let Some(remediation) = &text.remediation {
        section(&mut document, "Remediation", markdown_blocks(remediation));
    }
    if let Some(snippet) = &text.snippet {
        section(&mut document, "Code", vec![Block::Code { language: None, text: snippet.clone() }]);
    }
    let links: Vec<_> = text.references.iter().take(MAX_REFERENCES).map(|url| vec![link(url)]).collect();
    if !links.is_empty() {
        section(&mut document, "References", vec![Block::List { ordered: false, items: links }]);
    }
    document
}

pub(super) fn section(document: &mut Document, heading: &str, blocks: Vec<Block>) {
    if !blocks.is_empty() {
        document.push(Block::Heading(heading.to_owned()));
        document.blocks.extend(blocks);
    }
}

fn link(url: &str) -> Inline {
    Inline::Link(Link { text: url.to_owned(), url: url.to_owned() })
}

fn facts(subject: &ObservationSubject) -> Block {
    let text = &subject.text;
    let mut rows: Vec<Vec<Vec<Inline>>> = Vec::new();
    let mut row = |name: &str, value: Option<Inline>| {
        if let Some(value) = value {
            rows.push(vec![vec![Inline::Text(name.to_owned())], vec![value]]);
        }
    };
    let filled = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    row("Severity", Some(Inline::Strong(subject.severity.to_string())));
    row("Vulnerability", filled(&ids(text)).map(Inline::Code));
    row("CVSS", cvss(text).map(Inline::Text));
    row("CWE", filled(&cwes(&text.cwes)).map(Inline::Text));
    row("EPSS", text.epss.map(|epss| Inline::Text(format!("{:.1} %", epss * 100.0))));
    row("Known exploited", text.is_known_exploited.then(|| Inline::Strong("yes".to_owned())));
    row("Component", text.component.clone().map(Inline::Code));
    row("Package URL", text.purl.clone().map(Inline::Code));
    row("Fixed in", text.fixed_version.clone().map(Inline::Code));
    row("Location", filled(&place(text)).map(Inline::Code));
    row("Asset", filled(&text.asset).map(|asset| Inline::Text(format!("{asset} ({})", text.asset_kind))));
    for (name, value) in [
        ("Resource", &text.evidence.resource),
        ("URL", &text.evidence.url),
        ("Method", &text.evidence.method),
        ("Parameter", &text.evidence.parameter),
        ("Port", &text.evidence.port),
    ] {
        row(name, value.clone().map(Inline::Code));
    }
    row("Product", Some(Inline::Text(subject.product_name.clone())));
    row("Branch", filled(&subject.branch).map(Inline::Text));
    row("Reported by", Some(Inline::Text(subject.tool.clone())));
    Block::Table { header: vec!["Fact".to_owned(), "Value".to_owned()], rows }
}

fn ids(text: &SubjectText) -> String {
    let others = text.aliases.iter().filter(|alias| **alias != text.key);
    std::iter::once(&text.key).chain(others).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn cvss(text: &SubjectText) -> Option<String> {
    match (text.cvss_score, &text.cvss_vector) {
        (Some(score), Some(vector)) => Some(format!("{score:.1} ({vector})")),
        (Some(score), None) => Some(format!("{score:.1}")),
        (None, vector) => vector.clone(),
    }
}

fn cwes(numbers: &[u32]) -> String {
    numbers.iter().map(|number| format!("CWE-{number}")).collect::<Vec<_>>().join(", ")
}

fn place(text: &SubjectText) -> String {
    match text.line {
        Some(line) if !text.location.is_empty() => format!("{}:{line}", text.location),
        _ => text.location.clone(),
    }
}

/// Why a ticket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyClosed {
    /// The status of its observation.
    Status(ObservationStatus),
    /// The severity fell below the minimum.
    BelowMinimum,
    /// The branch is not the default branch any more.
    OtherBranch,
    /// The observation, or its product or branch, was deleted.
    Deleted,
    /// The product uses another connection.
    NotConfigured,
    /// The ticket of an issue that the observation is in stands for it.
    Superseded,
    /// The state of its issue.
    IssueState(IssueState),
}

impl WhyClosed {
    /// How trackers file it.
    #[must_use]
    pub const fn reason(self) -> CloseReason {
        match self {
            Self::Status(ObservationStatus::Resolved) | Self::IssueState(_) => CloseReason::Completed,
            Self::Status(_)
            | Self::BelowMinimum
            | Self::OtherBranch
            | Self::Deleted
            | Self::NotConfigured
            | Self::Superseded => CloseReason::NotPlanned,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Status(ObservationStatus::Resolved) => {
                "resolved: the scan results do not have it any more.".to_owned()
            }
            Self::Status(status) => format!("assessed as {}.", status.as_str().replace('_', " ")),
            Self::BelowMinimum => "its severity fell below the minimum for tickets.".to_owned(),
            Self::OtherBranch => "its branch is not the default branch any more.".to_owned(),
            Self::Deleted => "it was deleted in Patchbay.".to_owned(),
            Self::NotConfigured => "its product does not use this tracker any more.".to_owned(),
            Self::Superseded => "an issue that it is part of has a ticket of its own.".to_owned(),
            Self::IssueState(IssueState::Resolved) => "all of its instances are remediated.".to_owned(),
            Self::IssueState(state) => format!("its issue is {}.", state.as_str().replace('_', " ")),
        }
    }
}

/// The comment of a close: the reason, and what somebody said with it.
#[must_use]
pub fn closing(why: WhyClosed, said: Option<&str>, marker: String) -> TicketComment {
    let mut body = sentence(&format!("Closed by Patchbay: {}", why.words()));
    if let (WhyClosed::Status(_) | WhyClosed::Superseded, Some(said)) = (why, said) {
        body.blocks.extend(markdown_blocks(said));
    }
    TicketComment { body, marker }
}

/// Where the ticket is that stands for another, in Markdown.
#[must_use]
pub fn pointer(ticket: &TicketRef) -> String {
    format!("See [{}]({}).", ticket.key, ticket.url)
}

/// The comment of a reopening.
#[must_use]
pub fn reopening(subject: &Subject, marker: String) -> TicketComment {
    let (what, state) = match subject {
        Subject::Observation(observation) => ("finding", observation.status.as_str()),
        Subject::Issue(issue) => ("issue", issue.issue.state.as_str()),
    };
    let words = format!("Reopened by Patchbay: the {what} is {}.", state.replace('_', " "));
    TicketComment { body: sentence(&words), marker }
}

fn sentence(words: &str) -> Document {
    Document { blocks: vec![Block::Paragraph(vec![Inline::Text(words.to_owned())])], link_back: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, title: &str, component: Option<&str>, location: &str, asset: &str) -> SubjectText {
        SubjectText {
            key: key.to_owned(),
            title: title.to_owned(),
            component: component.map(str::to_owned),
            location: location.to_owned(),
            asset: asset.to_owned(),
            ..SubjectText::default()
        }
    }

    #[test]
    fn a_title_says_what_and_where_in_one_line() {
        for (text, expected) in [
            (
                text("CVE-2021-44228", "Remote code execution", Some("log4j-core 2.14.1"), "app.jar", "shop"),
                "CVE-2021-44228: Remote code execution in log4j-core 2.14.1",
            ),
            (
                text("CVE-2021-44228", "Fix CVE-2021-44228\nnow", None, "a.jar", "shop"),
                "Fix CVE-2021-44228 now in a.jar",
            ),
            (text("semgrep:eval", "Use of eval", None, "src/a.js", "shop"), "Use of eval in src/a.js"),
            (text("zap:10038", "CSP missing", None, "", "https://a.example"), "CSP missing in https://a.example"),
            (text("CVE-1", "", None, "", ""), "CVE-1"),
        ] {
            assert_eq!(title_of_finding(&text), expected);
        }
    }

    #[test]
    fn gone_is_completed_and_everything_else_is_not_planned() {
        for status in ObservationStatus::ALL {
            let is_completed = WhyClosed::Status(*status).reason() == CloseReason::Completed;
            assert_eq!(is_completed, *status == ObservationStatus::Resolved, "{status}");
        }
    }
}
