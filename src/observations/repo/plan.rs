//! How the list is read: which index leads, and in how many runs.
//!
//! Most indexes go on with `(is_active, severity, id)`, so that rows come out in the list's order and a page stops when
//! it is full. Where several values are asked for, each is a run of its own and the runs are merged (`UNION ALL`). Two
//! indexes lead to few rows instead, which are sorted: those of named vulnerabilities and of an original's duplicates.
//!
//! Conditions that the index does not take over are tested row by row. A condition that few rows meet is so a scan of
//! what the leading index covers, and no more: `tests/it/plans.rs` names them.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::sql::{Sql, Value};
use super::target::{Dimension, Target, Vulnerabilities, boolean, status_words};
use crate::base::severity::Severity;
use crate::db::conn::Conn;
use crate::observations::status::ObservationStatus;
use crate::observations::ticket_state::TicketState;

/// The most runs of one statement.
const MAX_RUNS: usize = 120;
/// Up to so many rows, collecting and sorting is cheaper than walking in order.
const FEW_ROWS: i64 = 10_000;

/// The index that leads, and the values of its first columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lead {
    /// All of the organization.
    Organization,
    /// Of products, sources, assets or components: one column, these values.
    Column(Dimension, &'static str, &'static str, Vec<Value>),
    /// With tickets in these states.
    Tickets(Vec<TicketState>),
    /// With these statuses, none of them `open` or `resolved`.
    Disposed(Vec<ObservationStatus>),
    /// Verified ones.
    Verified,
    /// Of few vulnerabilities: collected.
    Vulnerabilities(Vec<Value>),
    /// Duplicates of these: collected.
    Duplicates(Vec<Value>),
    /// All of the organization, by id.
    Ids,
}

impl Lead {
    /// The index for a target, for rows in the order of severity, or else of creation.
    pub(super) fn of(conn: &mut Conn, target: &Target, by_severity: bool) -> QueryResult<Self> {
        if !target.duplicates_of.is_empty() {
            return Ok(Self::Duplicates(values(&target.duplicates_of)));
        }
        let scope = Self::walked(target, by_severity);
        if let Vulnerabilities::These(ids) = &target.vulnerabilities {
            let collected = Self::Vulnerabilities(values(ids));
            if scope == Self::Organization || collected.is_small(conn, target)? {
                return Ok(collected);
            }
        }
        Ok(scope)
    }

    /// The narrowest index whose rows come in order, in not too many runs.
    fn walked(target: &Target, by_severity: bool) -> Self {
        let column = |dimension, column, index, values: Vec<Value>| {
            (!values.is_empty()).then_some(Self::Column(dimension, column, index, values))
        };
        let components = target.components.as_deref().unwrap_or_default();
        let sources = target.sources.as_deref().unwrap_or_default();
        [
            column(Dimension::Asset, "asset_id", "ix_observations_asset", values(&target.assets)),
            column(Dimension::Component, "component_id", "ix_observations_component", values(components)),
            Self::rare(target),
            column(Dimension::Source, "source_id", "ix_observations_source", values(sources)),
            column(Dimension::Product, "product_id", "ix_observations_product", values(&target.products)),
            target.ticket_states().map(Self::Tickets),
        ]
        .into_iter()
        .flatten()
        .find(|lead| runs(lead, target, by_severity).is_some())
        .unwrap_or(Self::Organization)
    }

    /// What few observations are, in whatever product.
    fn rare(target: &Target) -> Option<Self> {
        let common =
            |status: &ObservationStatus| matches!(status, ObservationStatus::Open | ObservationStatus::Resolved);
        if let Some(statuses) = target.statuses.as_ref().filter(|statuses| !statuses.iter().any(common)) {
            return Some(Self::Disposed(statuses.clone()));
        }
        let in_trouble = |state: &TicketState| matches!(state, TicketState::Pending | TicketState::Failed);
        if let Some(states) = target.ticket_states().filter(|states| states.iter().all(in_trouble)) {
            return Some(Self::Tickets(states));
        }
        (target.verified == Some(true)).then_some(Self::Verified)
    }

    /// Are there few rows behind this index? Counts no further than it must.
    fn is_small(&self, conn: &mut Conn, target: &Target) -> QueryResult<bool> {
        #[derive(QueryableByName)]
        struct Rows {
            #[diesel(sql_type = BigInt)]
            rows: i64,
        }
        let mut sql = Sql::for_database(conn);
        sql.push("SELECT count(*) AS rows FROM (SELECT 1 FROM observations o");
        sql.indexed_by(self.index()).push(" WHERE ");
        self.push_values(&mut sql, target);
        sql.push(" LIMIT ").push(&(FEW_ROWS + 1).to_string()).push(") few");
        Ok(sql.load::<Rows>(conn)?.iter().all(|few| few.rows <= FEW_ROWS))
    }

    /// Its name.
    pub(super) const fn index(&self) -> &'static str {
        match self {
            Self::Organization => "ix_observations_organization",
            Self::Column(_, _, index, _) => index,
            Self::Tickets(_) => "ix_observations_ticket",
            Self::Disposed(_) => "ix_observations_disposed",
            Self::Verified => "ix_observations_verified",
            Self::Vulnerabilities(_) => "ix_observations_pair",
            Self::Duplicates(_) => "ix_observations_duplicate",
            // SQLite's name of the primary key's index.
            Self::Ids => "sqlite_autoindex_observations_1",
        }
    }

    /// The condition that it takes over.
    pub(super) const fn dimension(&self) -> Dimension {
        match self {
            Self::Organization | Self::Ids => Dimension::Organization,
            Self::Column(dimension, ..) => *dimension,
            Self::Tickets(_) => Dimension::Ticket,
            Self::Disposed(_) => Dimension::Status,
            Self::Verified => Dimension::Verified,
            Self::Vulnerabilities(_) => Dimension::Vulnerability,
            Self::Duplicates(_) => Dimension::Duplicate,
        }
    }

    /// Do its rows come in the order of severity and id?
    pub(super) const fn is_ordered(&self) -> bool {
        !matches!(self, Self::Vulnerabilities(_) | Self::Duplicates(_))
    }

    /// Does it cover whole sources?
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self, Self::Organization | Self::Column(Dimension::Product | Dimension::Source, ..))
    }

    /// How many values it has.
    fn len(&self) -> usize {
        match self {
            Self::Organization | Self::Verified | Self::Ids => 1,
            Self::Column(_, _, _, values) | Self::Vulnerabilities(values) | Self::Duplicates(values) => values.len(),
            Self::Tickets(states) => states.len(),
            Self::Disposed(statuses) => statuses.len(),
        }
    }

    /// Writes the condition of all its values.
    pub(super) fn push_values(&self, sql: &mut Sql, target: &Target) {
        match self {
            Self::Organization | Self::Ids => sql.push("o.organization_id = ").bind(target.organization),
            Self::Column(_, column, _, values) => {
                sql.push("o.").push(column).push(" IN ").bind_list(values.iter().cloned())
            }
            Self::Tickets(states) => {
                let numbers: Vec<String> = states.iter().map(|state| state.number().to_string()).collect();
                sql.push("o.organization_id = ").bind(target.organization);
                sql.push(" AND o.ticket_state IN (").push(&numbers.join(", ")).push(")")
            }
            Self::Disposed(statuses) => {
                sql.push("o.organization_id = ").bind(target.organization);
                sql.push(" AND o.status NOT IN ('open', 'resolved')");
                sql.push(" AND o.status IN (").push(&status_words(statuses)).push(")")
            }
            Self::Verified => sql.push("o.is_verified = TRUE AND o.organization_id = ").bind(target.organization),
            Self::Vulnerabilities(values) => sql.push("o.vulnerability_id IN ").bind_list(values.iter().cloned()),
            Self::Duplicates(values) => sql.push("o.duplicate_of IN ").bind_list(values.iter().cloned()),
        };
    }

    /// Each of its values alone.
    fn split(&self) -> Vec<Self> {
        match self {
            Self::Column(dimension, column, index, values) => {
                values.iter().map(|value| Self::Column(*dimension, column, index, vec![value.clone()])).collect()
            }
            Self::Tickets(states) => states.iter().map(|&state| Self::Tickets(vec![state])).collect(),
            Self::Disposed(statuses) => statuses.iter().map(|&status| Self::Disposed(vec![status])).collect(),
            whole => vec![whole.clone()],
        }
    }
}

fn values<T: Copy + Into<Value>>(ids: &[T]) -> Vec<Value> {
    ids.iter().map(|&id| id.into()).collect()
}

/// A stretch of an index in which rows come in the order asked for.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// The index, with one value.
    pub lead: Lead,
    /// The value of `is_active`, where the index has it.
    pub active: Option<bool>,
    /// The severity; none where rows of all severities come in order.
    pub severity: Option<Severity>,
}

/// The runs that make up a target, or none where the rows are to be collected and sorted.
pub(super) fn runs(lead: &Lead, target: &Target, by_severity: bool) -> Option<Vec<Run>> {
    let actives: Vec<Option<bool>> = match lead {
        Lead::Disposed(_) => vec![None],
        _ => target.actives.iter().copied().map(Some).collect(),
    };
    let severities: Vec<Option<Severity>> = match target.severities.as_slice() {
        [] if by_severity => vec![None],
        [] => Severity::ALL.into_iter().map(Some).collect(),
        some => some.iter().copied().map(Some).collect(),
    };
    if *lead == Lead::Organization && !by_severity && target.severities.is_empty() && actives.len() == 2 {
        return Some(vec![Run { lead: Lead::Ids, active: None, severity: None }]);
    }
    if !lead.is_ordered() || lead.len() * actives.len() * severities.len() > MAX_RUNS {
        return None;
    }
    let mut runs = Vec::new();
    for lead in lead.split() {
        for &active in &actives {
            runs.extend(severities.iter().map(|&severity| Run { lead: lead.clone(), active, severity }));
        }
    }
    Some(runs)
}

/// Writes the rows behind an index, with all conditions: `FROM … WHERE …`.
pub(super) fn push_rows(sql: &mut Sql, lead: &Lead, target: &Target) {
    sql.push(" FROM observations o").indexed_by(lead.index()).push(" WHERE ");
    lead.push_values(sql, target);
    if let [active] = target.actives[..] {
        sql.push(" AND o.is_active = ").push(boolean(active));
    }
    push_severities(sql, &target.severities);
    target.push_conditions(sql, lead.dimension());
}

/// Writes the rows of a run, with all conditions: `FROM … WHERE …`.
pub(super) fn push_run(sql: &mut Sql, run: &Run, target: &Target) {
    sql.push(" FROM observations o").indexed_by(run.lead.index()).push(" WHERE ");
    run.lead.push_values(sql, target);
    if let Some(active) = run.active {
        sql.push(" AND o.is_active = ").push(boolean(active));
    }
    push_severities(sql, run.severity.as_slice());
    target.push_conditions(sql, run.lead.dimension());
}

/// Writes the condition of the severities.
pub(super) fn push_severities(sql: &mut Sql, severities: &[Severity]) {
    match severities {
        [] => {}
        [one] => {
            sql.push(" AND o.severity = ").push(&one.rank().to_string());
        }
        many => {
            let ranks: Vec<String> = many.iter().map(|severity| severity.rank().to_string()).collect();
            sql.push(" AND o.severity IN (").push(&ranks.join(", ")).push(")");
        }
    }
}
