//! Drafting and creating issues.

use std::collections::{BTreeSet, HashMap};

use super::{Visible, check, get, instances, settle};
use crate::access::checks::MAX_NAME;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::ApiError;
use crate::base::ids::{AssetId, IssueId, ProductId, VulnerabilityId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::model::{Counts, Issue, NewIssue, Risk};
use crate::issues::repo;
use crate::issues::selection::{self, Selection};
use crate::issues::status::IssueState;
use crate::issues::timeline::Entry;
use crate::observations::model::Vulnerability;
use crate::observations::repo::pairs::ObservedPair;
use crate::observations::repo::vulnerabilities;

/// The most vulnerabilities that a draft names.
const MAX_NAMED: usize = 10;
/// The most characters of a vulnerability's remediation that a draft repeats.
const MAX_REMEDIATION: usize = 2_000;

/// An issue as it would be, before anybody has edited it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// One line.
    pub name: String,
    /// Which vulnerabilities, and how often.
    pub description: String,
    /// What their sources advise.
    pub remediation: String,
    /// The highest among them.
    pub risk: Risk,
    /// How many instances it would have.
    pub instance_count: usize,
    /// Of how many vulnerabilities.
    pub vulnerability_count: usize,
    /// On how many assets.
    pub asset_count: usize,
    /// Of which products.
    pub product_ids: Vec<ProductId>,
}

/// The issue that a selection would make. Nothing is kept.
///
/// # Errors
/// `Forbidden`; `Invalid` when the selection names what the caller cannot see; `Conflict` when it is too large.
pub fn draft(conn: &mut Conn, caller: &Caller, wanted: &Selection) -> Result<Draft, ApiError> {
    caller.require(Permission::Write)?;
    let pairs = selection::resolve(conn, caller, wanted, "/selection")?;
    drafted(conn, caller, &pairs)
}

/// Creates an issue. What nobody says of it is as drafted.
///
/// # Errors
/// `Forbidden`, `Invalid`; `Conflict` when the selection is too large.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    input: NewIssue,
    wanted: Option<&Selection>,
    now: UtcTime,
) -> Result<Visible, ApiError> {
    caller.require(Permission::Write)?;
    check::new(conn, caller, &input)?;
    let organization = caller.organization;
    repo::lock(conn, organization)?;
    let pairs = match wanted {
        Some(wanted) => selection::resolve(conn, caller, wanted, "/selection")?,
        None => Vec::new(),
    };
    check::seen_by_maker(caller, &input, !pairs.is_empty())?;
    let draft = drafted(conn, caller, &pairs)?;
    let input_state = input.state;
    let issue = begun(caller, input, draft, now);
    let (id, is_state_given) = (issue.id, input_state.is_some());
    repo::insert(conn, &issue)?;
    let entry = Entry::by(caller.actor, organization, id, now).change("issue", None, Some("created".to_owned()));
    repo::timeline::insert(conn, &[entry])?;
    instances::add(conn, &issue, caller.actor, &pairs, now)?;
    if is_state_given {
        repo::instances::recount(conn, organization, id, now)?;
    } else {
        settle(conn, &issue, now)?;
    }
    get(conn, caller, id)
}

fn begun(caller: &Caller, input: NewIssue, draft: Draft, now: UtcTime) -> Issue {
    let name = input.name.map_or(draft.name, |name| name.trim().to_owned());
    let only = if let [only] = draft.product_ids[..] { Some(only) } else { None };
    Issue {
        organization_id: caller.organization,
        id: IssueId::generate(),
        product_id: if draft.product_ids.is_empty() { input.product_id } else { only },
        search: name.to_lowercase(),
        name,
        description: input.description.unwrap_or(draft.description),
        remediation: input.remediation.unwrap_or(draft.remediation),
        risk: input.risk.unwrap_or(draft.risk),
        state: input.state.unwrap_or(IssueState::Open),
        state_changed_at: now,
        due_at: input.due_at,
        overdue_told_for: None,
        assignee_kind: input.assignee.map(|assignee| assignee.kind),
        assignee_id: input.assignee.map(|assignee| assignee.id.as_bytes().to_vec()),
        merged_into: None,
        counts: Counts::default(),
        ticket_state: None,
        created_by_kind: caller.actor.kind(),
        created_by: caller.actor.id(),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// What a draft says of one vulnerability.
struct Named {
    vulnerability: Vulnerability,
    instances: usize,
}

fn drafted(conn: &mut Conn, caller: &Caller, pairs: &[ObservedPair]) -> Result<Draft, ApiError> {
    let mut spread: HashMap<VulnerabilityId, (Severity, usize)> = HashMap::new();
    let (mut assets, mut products) = (BTreeSet::<AssetId>::new(), BTreeSet::<ProductId>::new());
    for pair in pairs {
        let (severity, instances) = spread.entry(pair.vulnerability_id).or_default();
        *severity = pair.severity.max(*severity);
        *instances += 1;
        assets.insert(pair.asset_id);
        products.insert(pair.product_id);
    }
    let mut first: Vec<(VulnerabilityId, Severity, usize)> =
        spread.iter().map(|(id, (severity, instances))| (*id, *severity, *instances)).collect();
    first.sort_unstable_by_key(|(id, severity, instances)| (std::cmp::Reverse((*severity, *instances)), *id));
    first.truncate(MAX_NAMED);
    let named = named(conn, caller, &first)?;
    let highest = pairs.iter().map(|pair| pair.severity).max().unwrap_or_default();
    Ok(Draft {
        name: name(&named, spread.len(), assets.len()),
        description: description(&named, spread.len()),
        remediation: remediation(&named),
        risk: highest.into(),
        instance_count: pairs.len(),
        vulnerability_count: spread.len(),
        asset_count: assets.len(),
        product_ids: products.into_iter().collect(),
    })
}

fn named(
    conn: &mut Conn,
    caller: &Caller,
    first: &[(VulnerabilityId, Severity, usize)],
) -> Result<Vec<Named>, ApiError> {
    let ids: Vec<VulnerabilityId> = first.iter().map(|(id, ..)| *id).collect();
    let rows = vulnerabilities::said(conn, caller.organization, &ids)?;
    let mut rows: HashMap<VulnerabilityId, Vulnerability> = rows.into_iter().map(|row| (row.id, row)).collect();
    let named = first
        .iter()
        .filter_map(|(id, _, instances)| Some(Named { vulnerability: rows.remove(id)?, instances: *instances }));
    Ok(named.collect())
}

fn name(named: &[Named], vulnerabilities: usize, assets: usize) -> String {
    let on = count(assets, "asset");
    let name = match named {
        [] => "New issue".to_owned(),
        [only] if vulnerabilities == 1 => {
            format!("{}: {}", only.vulnerability.vulnerability_key, only.vulnerability.title)
        }
        [first, ..] => {
            let others = count(vulnerabilities - 1, "more vulnerability");
            format!("{} and {others} on {on}", first.vulnerability.vulnerability_key)
        }
    };
    let line: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_NAME).collect();
    line.trim().to_owned()
}

fn description(named: &[Named], vulnerabilities: usize) -> String {
    if let [only] = named
        && vulnerabilities == 1
    {
        return only.vulnerability.description.chars().take(check::MAX_TEXT).collect();
    }
    let mut lines: Vec<String> = named
        .iter()
        .map(|Named { vulnerability, instances }| {
            let (key, title, severity) =
                (&vulnerability.vulnerability_key, &vulnerability.title, vulnerability.severity);
            format!("- {key}: {title} ({severity}, {})", count(*instances, "instance"))
        })
        .collect();
    if vulnerabilities > named.len() {
        lines.push(format!("- and {}", count(vulnerabilities - named.len(), "more vulnerability")));
    }
    lines.join("\n")
}

fn remediation(named: &[Named]) -> String {
    let advice = |Named { vulnerability, .. }: &Named| -> Option<String> {
        let text = vulnerability.remediation.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        let text: String = text.chars().take(MAX_REMEDIATION).collect();
        Some(if named.len() == 1 { text } else { format!("- {}: {text}", vulnerability.vulnerability_key) })
    };
    named.iter().filter_map(advice).collect::<Vec<_>>().join("\n")
}

/// "1 instance", "2 instances", "3 more vulnerabilities".
pub(super) fn count(number: usize, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_as_people_write_them() {
        for (number, what, expected) in [
            (0, "instance", "0 instances"),
            (1, "instance", "1 instance"),
            (1, "more vulnerability", "1 more vulnerability"),
            (2, "more vulnerability", "2 more vulnerabilities"),
        ] {
            assert_eq!(count(number, what), expected);
        }
    }
}
