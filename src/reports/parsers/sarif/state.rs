//! What a result says of itself: its state, its fingerprint, who brought it in.

use crate::reports::parsers::sarif::schema::{RunResult, Suppression};
use crate::reports::read::text::{self, Text};
use crate::reports::report::{Analysis, AnalysisState};

/// Suppressed when every suppression is accepted; one without a status counts as accepted. Section 3.27.23.
pub fn analysis(result: &RunResult<'_>) -> Option<Analysis> {
    let accepts = |suppression: &Suppression<'_>| matches!(suppression.status.as_str(), "" | "accepted");
    if result.suppressions.is_empty() || !result.suppressions.iter().all(accepts) {
        let is_undecided = matches!(result.kind.as_str(), "open" | "review");
        return is_undecided.then_some(Analysis { state: AnalysisState::InReview, justification: None });
    }
    let justification = result.suppressions.iter().find_map(|suppression| suppression.justification.some_text());
    let plain = justification.as_deref().unwrap_or_default().to_ascii_lowercase().replace(['_', '-'], " ");
    let state =
        if plain.starts_with("false positive") { AnalysisState::FalsePositive } else { AnalysisState::RiskAccepted };
    Some(Analysis { state, justification })
}

/// Facts that Gitleaks writes among the partial fingerprints, though they change with every commit.
const FACTS: [(&str, &str); 5] = [
    ("commitSha", "commit"),
    ("author", "committer"),
    ("email", "committer_email"),
    ("date", "commit_date"),
    ("commitMessage", "commit_message"),
];

/// Who brought it in, and when.
pub fn facts(result: &RunResult<'_>) -> Vec<(&'static str, String)> {
    let fact = |key: &str| FACTS.iter().find(|(name, _)| *name == key).map(|(_, fact)| *fact);
    let prints = result.partial_fingerprints.0.iter();
    prints.filter_map(|(key, value)| Some((fact(key)?, value.some_line()?))).collect()
}

/// The tool's own fingerprint: a full one as it is; a partial one, which only adds to rule and file, with both.
pub fn fingerprint(result: &RunResult<'_>, rule: &str, file: Option<&str>, number: usize) -> Option<String> {
    let print = match best_print(&result.fingerprints.0) {
        Some(full) => full.line(),
        None => {
            let partial = best_print(&result.partial_fingerprints.0)?;
            [text::line(rule).as_str(), file.unwrap_or_default(), partial.line().as_str()].join("|")
        }
    };
    Some(if number == 0 { print } else { format!("{print}#{}", number + 1) })
}

/// The print of the primary location, else the first by name, so that their order in the file does not matter.
fn best_print<'t, 'a>(prints: &'t [(Text<'a>, Text<'a>)]) -> Option<&'t Text<'a>> {
    let is_print = |key: &str, value: &str| !value.is_empty() && FACTS.iter().all(|(name, _)| *name != key);
    let prints = prints.iter().filter(|(key, value)| is_print(key, value));
    prints.min_by_key(|(key, _)| (!key.starts_with("primaryLocation"), key)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_not_what_changes_with_every_commit() {
        let pair = |key, value| (Text::from(key), Text::from(value));
        let prints =
            [pair("author", "Ann"), pair("zHash", "2"), pair("primaryLocationLineHash", "1"), pair("aHash", "3")];
        assert_eq!(best_print(&prints).map(Text::as_str), Some("1"));
        assert_eq!(best_print(&prints[..2]).map(Text::as_str), Some("2"));
        assert_eq!(best_print(&prints[..1]), None);
    }
}
