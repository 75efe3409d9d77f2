//! What the sync reads of other rooms: observations with all that their tickets say.

use diesel::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use super::plan;
use super::subject::{IssueLine, IssueSubject, ObservationSubject, SubjectText};
use super::ticket::TicketRef;
use crate::assets::model::AssetKind;
use crate::base::error::ApiError;
use crate::base::ids::{InstanceId, IssueId, ObservationId, OrganizationId, ProductId, SubjectId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::{
    assets, branches, components, issue_instances, observation_details, observation_history, observations,
    organizations, products, scan_sources, vulnerabilities, vulnerability_aliases,
};
use crate::issues;
use crate::issues::export;
use crate::issues::model::{Counts, Issue, IssueProduct};
use crate::issues::repo::instances::{Kept, Shown};
use crate::issues::snapshot::{Snapshot, VulnerabilityFacts};
use crate::issues::standing::Standing;
use crate::observations::evidence::Evidence;
use crate::observations::model::{Observation, ObservationDetails, Vulnerability};
use crate::outbox::model::SubjectKind;
use crate::tickets;
use crate::tracker_configs;
use crate::tracker_configs::model::CsvScope;

/// The most ids of a vulnerability that a ticket names.
const MAX_ALIASES: i64 = 20;
/// The most instances that the ticket of an issue names one by one.
const MAX_LINES: i64 = 50;
/// Lines of the table that are read at a time.
const TABLE_PART: i64 = 1_000;

/// An observation with all that its ticket says; none when it, or its product or branch, is gone.
pub fn observation(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ObservationId,
) -> QueryResult<Option<ObservationSubject>> {
    let row = observations::table.find((organization, id)).select(Observation::as_select());
    let Some(observation) = row.first(conn).optional()? else { return Ok(None) };
    let product = products::table.find((organization, observation.product_id)).select(products::name);
    let Some(product_name) = product.first(conn).optional()? else { return Ok(None) };
    let branch = branches::table.find((organization, observation.branch_id)).select(branches::name);
    let Some(branch) = branch.first(conn).optional()? else { return Ok(None) };
    let source = scan_sources::table
        .find((organization, observation.source_id))
        .select((scan_sources::tool, scan_sources::closes_held_at));
    let Some((tool, held_at)) = source.first::<(String, Option<UtcTime>)>(conn).optional()? else { return Ok(None) };
    let pushed = tracker_configs::repo::pushed_branches(conn, organization, observation.product_id)?;
    Ok(Some(ObservationSubject {
        organization,
        id,
        product: observation.product_id,
        product_name,
        branch,
        source: observation.source_id,
        tool,
        fingerprint: observation.fingerprint.clone(),
        status: observation.status,
        severity: observation.severity,
        is_verified: observation.is_verified,
        on_pushed_branch: pushed.contains(observation.branch_id),
        // Only what vanished waits for a second scan; what a person closes is closed.
        close_is_held: held_at.is_some() && !observation.is_present(),
        superseded_by: superseding(conn, organization, id)?,
        assessment_comment: last_comment(conn, organization, id)?,
        text: text(conn, &observation)?,
    }))
}

/// The open ticket of an issue that an observation is in.
fn superseding(conn: &mut Conn, organization: OrganizationId, id: ObservationId) -> QueryResult<Option<TicketRef>> {
    let memberships = issues::repo::of_observations(conn, organization, &[id])?;
    let subjects: Vec<SubjectId> = memberships.into_iter().map(|row| row.issue_id.into()).collect();
    if subjects.is_empty() {
        return Ok(None);
    }
    let open = tickets::repo::open_of(conn, organization, SubjectKind::Issue, &subjects)?;
    Ok(open.iter().find_map(plan::remote))
}

/// An issue with all that its ticket says; none when it is gone, or uses no tracker.
pub fn issue(conn: &mut Conn, organization: OrganizationId, id: IssueId) -> QueryResult<Option<IssueSubject>> {
    let Some(tracker) = tracker_configs::repo::issues::find(conn, organization, id)? else { return Ok(None) };
    let Some(issue) = issues::repo::find(conn, organization, id)? else { return Ok(None) };
    let (shown, counts) = shown_products(conn, &issue)?;
    let shown = Shown { products: shown, remediated: None };
    let kept = issues::repo::instances::kept(conn, organization, id, &shown, None, MAX_LINES)?;
    let instances = kept.into_iter().filter_map(line).collect();
    Ok(Some(IssueSubject { issue, counts, instances, tracker }))
}

/// Tells whether the table of an issue's instances has changed: from what may change of them.
pub fn table_print(conn: &mut Conn, subject: &IssueSubject) -> QueryResult<String> {
    use issue_instances as n;
    let (shown, _) = shown_products(conn, &subject.issue)?;
    let rows: Vec<(InstanceId, Standing, i32)> = n::table
        .filter(n::organization_id.eq(subject.issue.organization_id).and(n::issue_id.eq(subject.issue.id)))
        .filter(n::product_id.eq_any(shown))
        .order(n::id)
        .select((n::id, n::standing, n::regressions))
        .load(conn)?;
    let mut print = Xxh3::new();
    print.update(subject.tracker.csv.as_str().as_bytes());
    for (id, standing, regressions) in rows {
        print.update(id.0.as_bytes());
        print.update(&standing.number().to_le_bytes());
        print.update(&regressions.to_le_bytes());
    }
    Ok(format!("{:016x}", print.digest()))
}

/// The table of an issue's instances, as its ticket carries it.
///
/// # Errors
/// What the database says.
pub fn table(conn: &mut Conn, subject: &IssueSubject) -> Result<Vec<u8>, ApiError> {
    let (products, _) = shown_products(conn, &subject.issue)?;
    let is_wanted = |kept: &Kept| subject.tracker.csv == CsvScope::All || kept.instance.standing == Standing::Open;
    let (mut bytes, mut after) = (export::header(), None);
    let shown = Shown { products, remediated: None };
    loop {
        let (organization, issue) = (subject.issue.organization_id, subject.issue.id);
        let mut part = issues::repo::instances::kept(conn, organization, issue, &shown, after, TABLE_PART)?;
        after = part.last().map(|last| (last.instance.severity, last.instance.id));
        part.retain(is_wanted);
        bytes.extend(export::lines(&part));
        if after.is_none() {
            return Ok(bytes);
        }
    }
}

/// The products whose instances a ticket speaks of, with their counts: restricted ones only where there is no other.
pub fn shown_products(conn: &mut Conn, issue: &Issue) -> QueryResult<(Vec<ProductId>, Counts)> {
    let organization = issue.organization_id;
    let parts = issues::repo::products_of(conn, organization, &[issue.id])?;
    let ids: Vec<ProductId> = parts.iter().map(|part| part.product_id).collect();
    let restricted: Vec<ProductId> = products::table
        .filter(products::organization_id.eq(organization).and(products::id.eq_any(ids)))
        .filter(products::is_restricted.eq(true))
        .select(products::id)
        .load(conn)?;
    let is_hidden = |part: &IssueProduct| part.is_sealed || restricted.contains(&part.product_id);
    let shown: Vec<IssueProduct> = match parts.len() {
        1 => parts,
        _ => parts.into_iter().filter(|part| !is_hidden(part)).collect(),
    };
    let mut counts = Counts::default();
    shown.iter().for_each(|part| counts += part.counts());
    Ok((shown.into_iter().map(|part| part.product_id).collect(), counts))
}

/// A snapshot that cannot be read any more has no line.
fn line(kept: Kept) -> Option<IssueLine> {
    let then: Snapshot = serde_json::from_str(&kept.snapshot.snapshot_json).ok()?;
    let vulnerability: VulnerabilityFacts = serde_json::from_str(&kept.vulnerability.snapshot_json).ok()?;
    let branch = if then.branch.name.is_empty() { String::new() } else { format!(" ({})", then.branch.name) };
    Some(IssueLine {
        severity: kept.instance.severity,
        vulnerability: vulnerability.key,
        asset: then.asset.name,
        product: format!("{}{branch}", then.product.name),
        standing: kept.instance.standing,
    })
}

fn text(conn: &mut Conn, observation: &Observation) -> QueryResult<SubjectText> {
    let organization = observation.organization_id;
    let vulnerability: Vulnerability = vulnerabilities::table
        .filter(vulnerabilities::organization_id.eq(organization))
        .filter(vulnerabilities::id.eq(observation.vulnerability_id))
        .select(Vulnerability::as_select())
        .first(conn)?;
    let aliases = vulnerability_aliases::table
        .filter(vulnerability_aliases::organization_id.eq(organization))
        .filter(vulnerability_aliases::vulnerability_id.eq(observation.vulnerability_id))
        .order(vulnerability_aliases::alias)
        .limit(MAX_ALIASES)
        .select(vulnerability_aliases::alias)
        .load(conn)?;
    let details: Option<ObservationDetails> = observation_details::table
        .find((organization, observation.id))
        .select(ObservationDetails::as_select())
        .first(conn)
        .optional()?;
    let (asset_kind, asset): (AssetKind, String) =
        assets::table.find((organization, observation.asset_id)).select((assets::kind, assets::name)).first(conn)?;
    let component = component(conn, observation)?;
    let details = details.as_ref();
    let list = |json: &str| serde_json::from_str::<Vec<String>>(json).unwrap_or_default();
    Ok(SubjectText {
        title: details.and_then(|own| own.title.clone()).unwrap_or(vulnerability.title),
        description: details.and_then(|own| own.description.clone()).unwrap_or(vulnerability.description),
        snippet: details.and_then(|own| own.snippet.clone()),
        fixed_version: details.and_then(|own| own.fixed_version.clone()),
        evidence: Evidence::from_json(details.and_then(|own| own.evidence_json.as_deref())),
        key: vulnerability.vulnerability_key,
        aliases,
        remediation: vulnerability.remediation,
        cvss_score: vulnerability.cvss_score,
        cvss_vector: vulnerability.cvss4.or(vulnerability.cvss3).or(vulnerability.cvss2),
        cwes: serde_json::from_str(&vulnerability.cwes_json).unwrap_or_default(),
        epss: vulnerability.epss,
        is_known_exploited: vulnerability.is_known_exploited,
        references: list(&vulnerability.references_json),
        asset_kind: asset_kind.to_string(),
        asset,
        component: component.as_ref().map(|(name, _)| name.clone()),
        purl: component.and_then(|(_, purl)| purl),
        location: observation.location.clone(),
        line: observation.line,
    })
}

/// The component's name with its version, and its package URL.
fn component(conn: &mut Conn, observation: &Observation) -> QueryResult<Option<(String, Option<String>)>> {
    let Some(id) = observation.component_id else { return Ok(None) };
    let row: Option<(String, String, String)> = components::table
        .find((observation.organization_id, id))
        .select((components::name, components::component_version, components::purl))
        .first(conn)
        .optional()?;
    Ok(row.map(|(name, version, purl)| {
        (format!("{name} {version}").trim().to_owned(), Some(purl).filter(|p| !p.is_empty()))
    }))
}

/// What somebody said with the last change of the status; a scan's own words are not repeated.
fn last_comment(conn: &mut Conn, organization: OrganizationId, id: ObservationId) -> QueryResult<Option<String>> {
    let last: Option<(Option<Vec<u8>>, Option<String>)> = observation_history::table
        .filter(observation_history::organization_id.eq(organization))
        .filter(observation_history::observation_id.eq(id).and(observation_history::field.eq("status")))
        .order(observation_history::id.desc())
        .select((observation_history::actor_id, observation_history::comment))
        .first(conn)
        .optional()?;
    Ok(last.and_then(|(actor, comment)| comment.filter(|_| actor.is_some())))
}

/// Observations that are the same thing on other branches of the product: of a source of the same tool and name, with
/// an equal computed print. Their ids as subjects.
pub fn twins(conn: &mut Conn, subject: &ObservationSubject) -> QueryResult<Vec<SubjectId>> {
    let organization = subject.organization;
    let (tool, name, engagement): (String, String, String) = scan_sources::table
        .find((organization, subject.source))
        .select((scan_sources::tool, scan_sources::name, scan_sources::engagement_key))
        .first(conn)?;
    let sources = scan_sources::table
        .filter(scan_sources::organization_id.eq(organization).and(scan_sources::product_id.eq(subject.product)))
        .filter(scan_sources::tool.eq(tool).and(scan_sources::name.eq(name)))
        .filter(scan_sources::engagement_key.eq(engagement).and(scan_sources::id.ne(subject.source)))
        .select(scan_sources::id)
        .load::<crate::base::ids::ScanSourceId>(conn)?;
    observations::table
        .filter(observations::organization_id.eq(organization).and(observations::source_id.eq_any(sources)))
        .filter(observations::fingerprint.eq(&subject.fingerprint))
        .select(observations::id)
        .load::<ObservationId>(conn)
        .map(|ids| ids.into_iter().map(SubjectId::from).collect())
}

/// The organization's switch that stops all traffic to trackers.
pub fn is_stopped(conn: &mut Conn, organization: OrganizationId) -> QueryResult<bool> {
    organizations::table.find(organization).select(organizations::tracker_traffic_stopped).first(conn)
}

/// The product of an observation.
pub fn product_of(conn: &mut Conn, organization: OrganizationId, id: ObservationId) -> QueryResult<Option<ProductId>> {
    observations::table.find((organization, id)).select(observations::product_id).first(conn).optional()
}
