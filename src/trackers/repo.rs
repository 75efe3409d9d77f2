//! What the sync reads of other rooms: observations with all that their tickets say.

use diesel::prelude::*;

use super::subject::{Subject, SubjectText};
use crate::assets::model::AssetKind;
use crate::base::ids::{ObservationId, OrganizationId, ProductId, SubjectId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::{
    assets, branches, components, observation_details, observation_history, observations, organizations, products,
    scan_sources, vulnerabilities, vulnerability_aliases,
};
use crate::observations::evidence::Evidence;
use crate::observations::model::{Observation, ObservationDetails, Vulnerability};
use crate::tracker_configs;

/// The most ids of a vulnerability that a ticket names.
const MAX_ALIASES: i64 = 20;

/// An observation with all that its ticket says; none when it, or its product or branch, is gone.
pub fn subject(conn: &mut Conn, organization: OrganizationId, id: ObservationId) -> QueryResult<Option<Subject>> {
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
    Ok(Some(Subject {
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
        assessment_comment: last_comment(conn, organization, id)?,
        text: text(conn, &observation)?,
    }))
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
pub fn twins(conn: &mut Conn, subject: &Subject) -> QueryResult<Vec<SubjectId>> {
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
