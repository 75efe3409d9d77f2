//! What the auditors said of the findings: an FPR's `audit.xml`.

use crate::reports::companion::Notes;
use crate::reports::error::ParseError;
use crate::reports::read::text;
use crate::reports::read::xml::{self, Element};
use crate::reports::report::{Analysis, AnalysisState};

/// The tag called «Analysis», whose values say whether an issue is one. Teams have tags of their own beside.
const ANALYSIS_TAG: &str = "87f2364f-dcd4-49e6-861d-f8d3f351686b";

/// Reads an `audit.xml`.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Notes, ParseError> {
    let mut notes = Notes::default();
    xml::each(text, &["Issue"], |_, issue| {
        if let Some(state) = decided(&issue) {
            let analysis = Analysis { state, justification: last_comment(&issue) };
            notes.decide(issue.attribute("instanceId"), analysis);
        }
        Ok(())
    })?;
    Ok(notes)
}

/// What an issue was tagged with, unless it is hidden all the same: then the team lives with it.
fn decided(issue: &Element) -> Option<AnalysisState> {
    let mut tags = issue.all("Tag").filter(|tag| tag.attribute("id").eq_ignore_ascii_case(ANALYSIS_TAG));
    let tagged = tags.next().and_then(|tag| state(tag.at("Value")));
    match tagged {
        Some(AnalysisState::FalsePositive) => tagged,
        _ if issue.attribute("suppressed") == "true" => Some(AnalysisState::RiskAccepted),
        _ => tagged,
    }
}

fn last_comment(issue: &Element) -> Option<String> {
    let comments = issue.inside("ThreadedComments", "Comment").chain(issue.inside("Comments", "Comment"));
    comments.last().and_then(|comment| text::some_text(comment.at("Content")))
}

/// The auditor's tag. «Bad practice» and «reliability issue» say what kind of issue it is, not whether it is one.
#[must_use]
pub fn state(value: &str) -> Option<AnalysisState> {
    match value {
        "Not an Issue" => Some(AnalysisState::FalsePositive),
        "Exploitable" => Some(AnalysisState::Affected),
        "Suspicious" => Some(AnalysisState::InReview),
        _ => None,
    }
}
