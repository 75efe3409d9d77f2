//! The audit log: lines are added and read, never changed.

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::access::audit::AuditFilter;
use crate::access::model::AuditLine;
use crate::base::ids::{AuditId, OrganizationId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::audit_log;

/// The lines that match. A macro, because a query that counts has another type than one that selects.
macro_rules! filtered {
    ($organization:expr, $filter:expr) => {{
        let mut query =
            audit_log::table.filter(audit_log::organization_id.eq($organization)).into_boxed::<MultiBackend>();
        if let Some(actor) = $filter.actor_id {
            query = query.filter(audit_log::actor_id.eq(actor.as_bytes().to_vec()));
        }
        if let Some(subject) = $filter.subject_id {
            query = query.filter(audit_log::subject_id.eq(subject.as_bytes().to_vec()));
        }
        if let Some(kind) = &$filter.subject_kind {
            query = query.filter(audit_log::subject_kind.eq(kind.clone()));
        }
        if let Some(action) = &$filter.action {
            query = query.filter(audit_log::action.eq(action.clone()));
        }
        query
    }};
}

/// Adds a line.
///
/// # Errors
/// The database's.
pub fn insert(conn: &mut Conn, line: &AuditLine) -> QueryResult<usize> {
    diesel::insert_into(audit_log::table).values(line).execute(conn)
}

/// A page of the log, newest first.
///
/// # Errors
/// The database's.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &AuditFilter,
    window: &Window<AuditId>,
) -> QueryResult<Vec<AuditLine>> {
    let mut query = filtered!(organization, filter).select(AuditLine::as_select());
    if let Some(after) = window.after {
        query = query.filter(audit_log::id.lt(after));
    }
    query.order(audit_log::id.desc()).limit(window.fetch()).load(conn)
}

/// How many lines match.
///
/// # Errors
/// The database's.
pub fn count(conn: &mut Conn, organization: OrganizationId, filter: &AuditFilter) -> QueryResult<i64> {
    filtered!(organization, filter).select(count_star()).get_result(conn)
}
