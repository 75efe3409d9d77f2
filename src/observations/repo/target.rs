//! What a filter aims at: names looked up, the caller's scope applied, so that only ids and columns are left.
//!
//! Text goes in two steps: first the vulnerabilities whose ids and titles hold the words (a trigram index), then the
//! observations of those. Above [`MAX_VULNERABILITIES`] the words are common, and are looked up per observation instead.

use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::sql::Sql;
use crate::base::ids::{AssetId, ComponentId, ObservationId, OrganizationId, ProductId, ScanSourceId, VulnerabilityId};
use crate::base::scope::ProductScope;
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::like::containing;
use crate::db::schema::{components, products, scan_sources, vulnerabilities, vulnerability_aliases};
use crate::in_scope;
use crate::observations::filter::{Filter, ids_among};
use crate::observations::status::ObservationStatus;
use crate::observations::ticket_state::TicketState;

/// The most vulnerabilities that are looked up before the observations.
pub(super) const MAX_VULNERABILITIES: usize = 1_000;
/// The most products that are named one by one when the others are hidden.
const FEW_PRODUCTS: i64 = 10;

/// Which vulnerabilities.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Vulnerabilities {
    /// All.
    Any,
    /// These.
    These(Vec<VulnerabilityId>),
    /// Too many to name: those that hold the words and have one of the CWEs.
    Matching(Vec<String>, Vec<i32>),
}

/// Which observations, in ids. Empty lists ask for nothing in particular.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub organization: OrganizationId,
    /// Never of these products.
    pub hidden: Vec<ProductId>,
    pub products: Vec<ProductId>,
    pub sources: Option<Vec<ScanSourceId>>,
    pub assets: Vec<AssetId>,
    pub components: Option<Vec<ComponentId>>,
    pub vulnerabilities: Vulnerabilities,
    pub duplicates_of: Vec<ObservationId>,
    /// None when every status will do.
    pub statuses: Option<Vec<ObservationStatus>>,
    /// The values of `is_active` that may be found.
    pub actives: Vec<bool>,
    pub severities: Vec<Severity>,
    /// None where every ticket state will do; `None` in it is "without a ticket".
    pub tickets: Option<Vec<Option<TicketState>>>,
    pub verified: Option<bool>,
    pub location: Option<String>,
    pub first_seen: (Option<UtcTime>, Option<UtcTime>),
    pub last_seen: (Option<UtcTime>, Option<UtcTime>),
}

/// A condition that an index can take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Organization,
    Product,
    Source,
    Asset,
    Component,
    Vulnerability,
    Duplicate,
    Status,
    Ticket,
    Verified,
}

impl Target {
    /// What the filter aims at for a caller; nothing when nothing can match.
    pub(super) fn of(
        conn: &mut Conn,
        organization: OrganizationId,
        scope: &ProductScope,
        filter: &Filter,
    ) -> QueryResult<Option<Self>> {
        let statuses = filter.statuses();
        let Some((products, hidden)) = visible(scope, &filter.product) else { return Ok(None) };
        if statuses.is_empty() {
            return Ok(None);
        }
        let mut target = Self {
            organization,
            hidden,
            products,
            sources: None,
            assets: filter.asset.clone(),
            components: None,
            vulnerabilities: Vulnerabilities::Any,
            duplicates_of: filter.duplicate_of.clone(),
            actives: [true, false]
                .into_iter()
                .filter(|&active| statuses.iter().any(|s| s.is_active() == active))
                .collect(),
            statuses: (!filter.status.is_empty()).then_some(statuses),
            severities: distinct(filter.severity.clone()),
            tickets: (!filter.ticket_state.is_empty())
                .then(|| filter.ticket_state.iter().map(|ticket| ticket.state()).collect()),
            verified: filter.verified,
            location: filter.location.clone(),
            first_seen: (filter.first_seen_from, filter.first_seen_before),
            last_seen: (filter.last_seen_from, filter.last_seen_before),
        };
        target.resolve(conn, filter)?;
        Ok((!target.is_empty()).then_some(target))
    }

    fn resolve(&mut self, conn: &mut Conn, filter: &Filter) -> QueryResult<()> {
        if filter.names_sources() {
            self.sources = Some(find_sources(conn, self, filter)?);
            // A source has one product: what narrowed the sources need not be asked of each observation again.
            (self.products, self.hidden) = (Vec::new(), Vec::new());
        } else if !self.hidden.is_empty() {
            self.name_few_products(conn)?;
        }
        if !filter.component.is_empty() {
            self.components = Some(find_components(conn, self.organization, &filter.component)?);
        }
        self.vulnerabilities = find_vulnerabilities(conn, self.organization, filter)?;
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.sources.as_ref().is_some_and(Vec::is_empty)
            || self.components.as_ref().is_some_and(Vec::is_empty)
            || self.vulnerabilities == Vulnerabilities::These(Vec::new())
    }

    /// Where most products are hidden, names the few others: their rows need not be searched for among all.
    fn name_few_products(&mut self, conn: &mut Conn) -> QueryResult<()> {
        use products as p;
        let visible: Vec<ProductId> = p::table
            .filter(p::organization_id.eq(self.organization).and(p::id.ne_all(&self.hidden)))
            .limit(FEW_PRODUCTS + 1)
            .select(p::id)
            .load(conn)?;
        if i64::try_from(visible.len()).is_ok_and(|count| (1..=FEW_PRODUCTS).contains(&count)) {
            (self.products, self.hidden) = (visible, Vec::new());
        }
        Ok(())
    }

    /// The statuses that may be found.
    pub(super) fn counted_statuses(&self) -> Vec<ObservationStatus> {
        let all = self.statuses.as_deref().unwrap_or(ObservationStatus::ALL);
        all.iter().copied().filter(|status| self.actives.contains(&status.is_active())).collect()
    }

    /// The ticket states asked for, where all that match have a ticket.
    pub(super) fn ticket_states(&self) -> Option<Vec<TicketState>> {
        self.tickets.as_ref()?.iter().copied().collect()
    }

    /// Writes the conditions that the index of the list does not take over, each with a leading `AND`.
    pub(super) fn push_conditions(&self, sql: &mut Sql, taken: Dimension) {
        let open = |dimension| taken != dimension;
        if matches!(taken, Dimension::Product | Dimension::Source | Dimension::Asset | Dimension::Component)
            || matches!(taken, Dimension::Vulnerability | Dimension::Duplicate)
        {
            sql.push(" AND o.organization_id = ").bind(self.organization);
        }
        if open(Dimension::Product) && !self.products.is_empty() {
            sql.push(" AND o.product_id IN ").bind_list(self.products.iter().copied());
        }
        if !self.hidden.is_empty() {
            sql.push(" AND o.product_id NOT IN ").bind_list(self.hidden.iter().copied());
        }
        if let Some(sources) = self.sources.as_ref().filter(|_| open(Dimension::Source)) {
            sql.push(" AND o.source_id IN ").bind_list(sources.iter().copied());
        }
        if open(Dimension::Asset) && !self.assets.is_empty() {
            sql.push(" AND o.asset_id IN ").bind_list(self.assets.iter().copied());
        }
        if let Some(components) = self.components.as_ref().filter(|_| open(Dimension::Component)) {
            sql.push(" AND o.component_id IN ").bind_list(components.iter().copied());
        }
        if open(Dimension::Duplicate) && !self.duplicates_of.is_empty() {
            sql.push(" AND o.duplicate_of IN ").bind_list(self.duplicates_of.iter().copied());
        }
        if let Some(statuses) = self.statuses.as_ref().filter(|_| open(Dimension::Status)) {
            sql.push(" AND o.status IN (").push(&status_words(statuses)).push(")");
        }
        if let Some(verified) = self.verified.filter(|_| open(Dimension::Verified)) {
            sql.push(" AND o.is_verified = ").push(boolean(verified));
        }
        self.push_vulnerabilities(sql, taken);
        self.push_tickets(sql, taken);
        self.push_times(sql);
        self.push_location(sql);
    }

    fn push_vulnerabilities(&self, sql: &mut Sql, taken: Dimension) {
        match &self.vulnerabilities {
            Vulnerabilities::Any => {}
            Vulnerabilities::These(ids) => {
                if taken != Dimension::Vulnerability {
                    sql.push(" AND o.vulnerability_id IN ").bind_list(ids.iter().copied());
                }
            }
            Vulnerabilities::Matching(words, cwes) => {
                sql.push(" AND EXISTS (SELECT 1 FROM vulnerabilities v WHERE v.organization_id = o.organization_id");
                sql.push(" AND v.id = o.vulnerability_id");
                push_words(sql, words);
                push_cwes(sql, self.organization, cwes);
                sql.push(")");
            }
        }
    }

    fn push_tickets(&self, sql: &mut Sql, taken: Dimension) {
        let Some(tickets) = self.tickets.as_ref().filter(|_| taken != Dimension::Ticket) else { return };
        let numbers: Vec<String> = tickets.iter().flatten().map(|state| state.number().to_string()).collect();
        let without = tickets.contains(&None);
        sql.push(" AND (").push(if without { "o.ticket_state IS NULL" } else { "FALSE" });
        if !numbers.is_empty() {
            sql.push(" OR o.ticket_state IN (").push(&numbers.join(", ")).push(")");
        }
        sql.push(")");
    }

    fn push_times(&self, sql: &mut Sql) {
        const LAST_SEEN: &str = "COALESCE(o.last_seen_at, (SELECT s.latest_scan_at FROM scan_sources s \
                                 WHERE s.organization_id = o.organization_id AND s.id = o.source_id))";
        for (column, (from, before)) in [("o.first_seen_at", self.first_seen), (LAST_SEEN, self.last_seen)] {
            if let Some(from) = from {
                sql.push(" AND ").push(column).push(" >= ").bind(from);
            }
            if let Some(before) = before {
                sql.push(" AND ").push(column).push(" < ").bind(before);
            }
        }
    }

    fn push_location(&self, sql: &mut Sql) {
        let Some(location) = &self.location else { return };
        // Both count characters, so that no pattern needs escaping.
        sql.push(" AND substr(o.location, 1, ").push(&location.chars().count().to_string()).push(") = ");
        sql.bind(location.as_str());
    }
}

/// The products asked for that may be seen, and those that are hidden where none are named.
fn visible(scope: &ProductScope, asked: &[ProductId]) -> Option<(Vec<ProductId>, Vec<ProductId>)> {
    let seen: Vec<ProductId> = distinct(asked.iter().copied().filter(|&product| scope.allows(product)).collect());
    if seen.is_empty() && !asked.is_empty() {
        return None;
    }
    Some(match scope {
        ProductScope::Only(product) => (vec![*product], Vec::new()),
        ProductScope::Except(hidden) if seen.is_empty() => (Vec::new(), hidden.clone()),
        ProductScope::Except(_) => (seen, Vec::new()),
    })
}

fn find_sources(conn: &mut Conn, target: &Target, filter: &Filter) -> QueryResult<Vec<ScanSourceId>> {
    use scan_sources as s;
    let scope = ProductScope::Except(target.hidden.clone());
    let mut query = s::table.filter(s::organization_id.eq(target.organization)).into_boxed::<MultiBackend>();
    query = in_scope!(query, &scope, s::product_id);
    if !target.products.is_empty() {
        query = query.filter(s::product_id.eq_any(target.products.clone()));
    }
    if !filter.branch.is_empty() {
        query = query.filter(s::branch_id.eq_any(filter.branch.clone()));
    }
    if !filter.engagement.is_empty() {
        query = query.filter(s::engagement_id.eq_any(filter.engagement.clone()));
    }
    if !filter.tool.is_empty() {
        query = query.filter(s::tool.eq_any(filter.tool.clone()));
    }
    if !filter.source.is_empty() {
        query = query.filter(s::id.eq_any(filter.source.clone()));
    }
    query.order(s::id).select(s::id).load(conn)
}

fn find_components(conn: &mut Conn, organization: OrganizationId, names: &[String]) -> QueryResult<Vec<ComponentId>> {
    use components as c;
    let ids: Vec<ComponentId> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let named = c::table
        .filter(c::organization_id.eq(organization).and(c::name.eq_any(names)))
        .order(c::id)
        .select(c::id)
        .load(conn)?;
    Ok(distinct([ids, named].concat()))
}

fn find_vulnerabilities(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &Filter,
) -> QueryResult<Vulnerabilities> {
    let words = filter.words();
    if filter.vulnerability.is_empty() && words.is_empty() && filter.cwe.is_empty() {
        return Ok(Vulnerabilities::Any);
    }
    let named = (!filter.vulnerability.is_empty())
        .then(|| named_vulnerabilities(conn, organization, &filter.vulnerability))
        .transpose()?;
    if words.is_empty() && filter.cwe.is_empty() {
        return Ok(Vulnerabilities::These(named.unwrap_or_default()));
    }
    let found = search(conn, organization, named.as_deref(), &words, &filter.cwe)?;
    let few = found.len() <= MAX_VULNERABILITIES;
    Ok(if few { Vulnerabilities::These(found) } else { Vulnerabilities::Matching(words, filter.cwe.clone()) })
}

/// The vulnerabilities with one of these names: key, alias, or Patchbay's id.
pub(super) fn named_vulnerabilities(
    conn: &mut Conn,
    organization: OrganizationId,
    names: &[String],
) -> QueryResult<Vec<VulnerabilityId>> {
    use {vulnerabilities as v, vulnerability_aliases as a};
    // CVE ids are upper case; people paste them in any.
    let spellings: Vec<String> = names.iter().flat_map(|name| [name.clone(), name.to_uppercase()]).collect();
    let aliased = a::table
        .filter(a::organization_id.eq(organization).and(a::alias.eq_any(&spellings)))
        .select(a::vulnerability_id)
        .load(conn)?;
    let keyed = v::table
        .filter(v::organization_id.eq(organization).and(v::vulnerability_key.eq_any(&spellings)))
        .select(v::id)
        .load(conn)?;
    Ok(distinct([ids_among(names), aliased, keyed].concat()))
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Binary)]
    id: VulnerabilityId,
}

/// The vulnerabilities that hold the words and have one of the CWEs: one more than [`MAX_VULNERABILITIES`] at most.
fn search(
    conn: &mut Conn,
    organization: OrganizationId,
    among: Option<&[VulnerabilityId]>,
    words: &[String],
    cwes: &[i32],
) -> QueryResult<Vec<VulnerabilityId>> {
    if among.is_some_and(<[_]>::is_empty) {
        return Ok(Vec::new());
    }
    let mut sql = Sql::for_database(conn);
    sql.push("SELECT v.id FROM vulnerabilities v WHERE v.organization_id = ").bind(organization);
    if let Some(ids) = among {
        sql.push(" AND v.id IN ").bind_list(ids.iter().copied());
    }
    push_text_index(&mut sql, words);
    push_words(&mut sql, words);
    push_cwes(&mut sql, organization, cwes);
    sql.push(" LIMIT ").push(&(MAX_VULNERABILITIES + 1).to_string());
    Ok(sql.load::<Found>(conn)?.into_iter().map(|found| found.id).collect())
}

/// SQLite's text index, for words of three characters and more; PostgreSQL's serves [`push_words`].
pub(super) fn push_text_index(sql: &mut Sql, words: &[String]) {
    let phrases: Vec<String> = words
        .iter()
        .filter(|word| word.chars().count() >= 3)
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    if sql.is_sqlite() && !phrases.is_empty() {
        sql.push(" AND v.row_number IN (SELECT rowid FROM vulnerability_search WHERE vulnerability_search MATCH ");
        sql.bind(phrases.join(" AND ").as_str()).push(")");
    }
}

/// The vulnerability `v` holds all words.
pub(super) fn push_words(sql: &mut Sql, words: &[String]) {
    for word in words {
        if sql.is_sqlite() {
            sql.push(" AND instr(v.search, ").bind(word.as_str()).push(") > 0");
        } else {
            sql.push(" AND v.search LIKE ").bind(containing(word).as_str());
        }
    }
}

/// The vulnerability `v` has one of the CWEs.
pub(super) fn push_cwes(sql: &mut Sql, organization: OrganizationId, cwes: &[i32]) {
    if !cwes.is_empty() {
        let numbers: Vec<String> = cwes.iter().map(ToString::to_string).collect();
        sql.push(" AND v.id IN (SELECT w.vulnerability_id FROM vulnerability_cwes w WHERE w.organization_id = ");
        sql.bind(organization).push(" AND w.cwe IN (").push(&numbers.join(", ")).push("))");
    }
}

/// Words of statuses as SQL text: they are ours, and as text the planner can match them with partial indexes.
pub(super) fn status_words(statuses: &[ObservationStatus]) -> String {
    let words: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
    words.join(", ")
}

/// A truth value as SQL text.
pub(super) const fn boolean(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}

fn distinct<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PB-10
    #[test]
    fn products_asked_for_are_narrowed_to_those_that_may_be_seen() {
        let [a, b, hidden] = [(); 3].map(|()| ProductId::generate());
        let except = ProductScope::Except(vec![hidden]);
        for (scope, asked, expected) in [
            (&except, vec![], Some((vec![], vec![hidden]))),
            (&except, vec![b, a, b], Some((vec![a, b], vec![]))),
            (&except, vec![a, hidden], Some((vec![a], vec![]))),
            (&except, vec![hidden], None),
            (&ProductScope::Only(a), vec![], Some((vec![a], vec![]))),
            (&ProductScope::Only(a), vec![a, b], Some((vec![a], vec![]))),
            (&ProductScope::Only(a), vec![b], None),
        ] {
            assert_eq!(visible(scope, &asked), expected, "{scope:?} {asked:?}");
        }
    }
}
