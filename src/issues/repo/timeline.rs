//! SQL of timelines.

use diesel::prelude::*;

use crate::base::ids::{EntryId, IssueId, OrganizationId};
use crate::db::conn::Conn;
use crate::db::schema::timeline_entries;
use crate::events;
use crate::events::model::{Change, EventAction, EventKind};
use crate::issues::timeline::Entry;
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
