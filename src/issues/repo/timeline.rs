//! SQL of timelines.

use diesel::prelude::*;

use crate::base::ids::{EntryId, IssueId, OrganizationId, ProductId};
use crate::base::page::Window;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::timeline_entries;
use crate::events;
use crate::events::model::{Change, EventAction, EventKind};
use crate::issues::timeline::{Entry, EntryKind};
use crate::on_backend;

/// Rows of one insert on SQLite: 16 columns each, and a statement may bind 32,766 values.
const ROWS: usize = 2_000;

/// Adds entries.
pub fn insert(conn: &mut Conn, entries: &[Entry]) -> QueryResult<()> {
    for entries in entries.chunks(ROWS) {
        on_backend!(conn, |conn| diesel::insert_into(timeline_entries::table).values(entries).execute(conn))?;
        tell(conn, entries)?;
    }
    Ok(())
}

/// Whatever happens to an issue is entered, so who watches hears of it here.
fn tell(conn: &mut Conn, entries: &[Entry]) -> QueryResult<()> {
    let Some(first) = entries.first() else { return Ok(()) };
    let (kind, action) = (EventKind::Issue, EventAction::Changed);
    let change = |entry: &Entry| Change { kind, action, subject: entry.issue_id.0, product: None };
    let changes: Vec<Change> = entries.iter().map(change).collect();
    events::repo::record(conn, first.organization_id, &changes, first.at)
}

/// Adds an entry unless one with its remote key is there. False: it is.
pub fn insert_once(conn: &mut Conn, entry: &Entry) -> QueryResult<bool> {
    let added = on_backend!(conn, |conn| diesel::insert_into(timeline_entries::table)
        .values(entry)
        .on_conflict_do_nothing()
        .execute(conn))?;
    if added == 1 {
        tell(conn, std::slice::from_ref(entry))?;
    }
    Ok(added == 1)
}

/// Which entries of a timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Of these kinds; all where none is named.
    pub kinds: Vec<EntryKind>,
    /// Besides those of the issue as a whole, those of these products; none: of all.
    pub products: Option<Vec<ProductId>>,
}

/// Entries, the newest first.
pub fn page(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    shown: &Shown,
    window: &Window<EntryId>,
) -> QueryResult<Vec<Entry>> {
    use timeline_entries as t;
    let mut query =
        t::table.filter(t::organization_id.eq(organization).and(t::issue_id.eq(issue))).into_boxed::<MultiBackend>();
    if !shown.kinds.is_empty() {
        query = query.filter(t::kind.eq_any(shown.kinds.clone()));
    }
    if let Some(products) = &shown.products {
        query = query.filter(t::product_id.is_null().or(t::product_id.eq_any(products.clone()).assume_not_null()));
    }
    if let Some(after) = window.after {
        query = query.filter(t::id.lt(after));
    }
    query.order(t::id.desc()).limit(window.fetch()).select(Entry::as_select()).load(conn)
}

/// An entry.
pub fn find(conn: &mut Conn, organization: OrganizationId, issue: IssueId, id: EntryId) -> QueryResult<Option<Entry>> {
    timeline_entries::table.find((organization, issue, id)).select(Entry::as_select()).first(conn).optional()
}

/// The entry of a tracker's event.
pub fn find_remote(
    conn: &mut Conn,
    organization: OrganizationId,
    issue: IssueId,
    remote_key: &str,
) -> QueryResult<Option<Entry>> {
    use timeline_entries as t;
    t::table
        .filter(t::organization_id.eq(organization).and(t::issue_id.eq(issue)).and(t::remote_key.eq(remote_key)))
        .select(Entry::as_select())
        .first(conn)
        .optional()
}

/// Writes the words of an entry that still has the version that was read.
pub fn update(conn: &mut Conn, entry: &Entry, read_version: i64) -> QueryResult<bool> {
    use timeline_entries as t;
    let own = t::table.find((entry.organization_id, entry.issue_id, entry.id)).filter(t::version.eq(read_version));
    let set = (t::body.eq(&entry.body), t::version.eq(entry.version), t::edited_at.eq(entry.edited_at));
    Ok(diesel::update(own).set(set).execute(conn)? == 1)
}

/// Removes an entry.
pub fn delete(conn: &mut Conn, entry: &Entry) -> QueryResult<()> {
    let own = timeline_entries::table.find((entry.organization_id, entry.issue_id, entry.id));
    diesel::delete(own).execute(conn).map(drop)
}
