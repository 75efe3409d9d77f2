//! Raising, resolving and reading notifications.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use uuid::Uuid;

use super::model::{Notice, Notification};
use crate::base::ids::{NotificationId, OrganizationId, ProductId, UserId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::like::containing;
use crate::db::schema::{notification_reads, notifications};
use crate::events;
use crate::events::model::{Change, EventAction, EventKind};
use crate::on_backend;

/// Tells people; what is open for the same cause counts up instead, with the newest words.
pub fn raise(conn: &mut Conn, notice: &Notice, now: UtcTime) -> QueryResult<()> {
    let counted = diesel::update(notifications::table)
        .filter(notifications::organization_id.eq(notice.organization))
        .filter(notifications::cause_key.eq(&notice.cause_key).and(notifications::resolved_at.is_null()))
        .set((
            notifications::occurrences.eq(notifications::occurrences + 1),
            notifications::last_at.eq(now),
            notifications::title.eq(&notice.title),
            notifications::body.eq(&notice.body),
        ))
        .execute(conn)?;
    if counted > 0 {
        let open = of_cause(conn, notice.organization, &notice.cause_key)?;
        return tell(conn, notice.organization, &open, EventAction::Changed, now);
    }
    let row = Notification::first(notice, now);
    // Of two that raise the same at once, one is enough.
    on_backend!(conn, |conn| {
        diesel::insert_into(notifications::table).values(&row).on_conflict_do_nothing().execute(conn)
    })?;
    tell(conn, notice.organization, &[(row.id, row.product_id)], EventAction::Created, now)
}

/// The open notification of a cause, and its product.
fn of_cause(
    conn: &mut Conn,
    organization: OrganizationId,
    cause_key: &str,
) -> QueryResult<Vec<(NotificationId, Option<ProductId>)>> {
    notifications::table
        .filter(notifications::organization_id.eq(organization).and(notifications::cause_key.eq(cause_key)))
        .filter(notifications::resolved_at.is_null())
        .select((notifications::id, notifications::product_id))
        .load(conn)
}

fn tell(
    conn: &mut Conn,
    organization: OrganizationId,
    about: &[(NotificationId, Option<ProductId>)],
    action: EventAction,
    now: UtcTime,
) -> QueryResult<()> {
    let change = |(id, product): &(NotificationId, _)| Change {
        kind: EventKind::Notification,
        action,
        subject: id.0,
        product: *product,
    };
    events::repo::record(conn, organization, &about.iter().map(change).collect::<Vec<_>>(), now)
}

/// Ends the notification of a cause, if one is open.
pub fn resolve(conn: &mut Conn, organization: OrganizationId, cause_key: &str, now: UtcTime) -> QueryResult<()> {
    let open = of_cause(conn, organization, cause_key)?;
    if open.is_empty() {
        return Ok(());
    }
    diesel::update(notifications::table)
        .filter(notifications::organization_id.eq(organization).and(notifications::cause_key.eq(cause_key)))
        .filter(notifications::resolved_at.is_null())
        .set(notifications::resolved_at.eq(now))
        .execute(conn)?;
    tell(conn, organization, &open, EventAction::Changed, now)
}

/// Ends the notifications of a cause and of all causes below it, if any are open.
pub fn resolve_all(conn: &mut Conn, organization: OrganizationId, cause_key: &str, now: UtcTime) -> QueryResult<()> {
    let below = containing(&format!("{cause_key}/")).trim_start_matches('%').to_owned();
    let own = notifications::cause_key.eq(cause_key).or(notifications::cause_key.like(below).escape('\\'));
    let open: Vec<(NotificationId, Option<ProductId>)> = notifications::table
        .filter(notifications::organization_id.eq(organization).and(own))
        .filter(notifications::resolved_at.is_null())
        .select((notifications::id, notifications::product_id))
        .load(conn)?;
    let ids: Vec<NotificationId> = open.iter().map(|(id, _)| *id).collect();
    diesel::update(notifications::table)
        .filter(notifications::organization_id.eq(organization).and(notifications::id.eq_any(ids)))
        .set(notifications::resolved_at.eq(now))
        .execute(conn)?;
    tell(conn, organization, &open, EventAction::Changed, now)
}

/// Which notifications.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotificationFilter {
    /// Only those that the reader has not read since they last happened.
    pub unread: bool,
    /// Only those that are not over.
    pub open: bool,
}

/// Who reads: what is read is kept per reader.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The organization.
    pub organization: OrganizationId,
    /// The products whose notifications are shown; those of no product are shown to everybody.
    pub scope: &'a ProductScope,
    /// The user, or the token in a user's place.
    pub id: Uuid,
}

type Boxed<'a> = notifications::BoxedQuery<'a, MultiBackend>;

fn visible<'a>(reader: Reader<'_>, filter: NotificationFilter) -> Boxed<'a> {
    let mut query = notifications::table
        .filter(notifications::organization_id.eq(reader.organization))
        .into_boxed::<MultiBackend>();
    let of_all = notifications::product_id.is_null();
    match reader.scope {
        ProductScope::Except(hidden) if hidden.is_empty() => {}
        ProductScope::Except(_) => {
            let shown = notifications::product_id.ne_all(reader.scope.unseen()).assume_not_null();
            query = query.filter(of_all.or(shown));
        }
        ProductScope::Only(product) => query = query.filter(notifications::product_id.eq(*product)),
    }
    if filter.open {
        query = query.filter(notifications::resolved_at.is_null());
    }
    if filter.unread {
        let read = notification_reads::table
            .filter(notification_reads::organization_id.eq(reader.organization))
            .filter(notification_reads::user_id.eq(UserId(reader.id)))
            .filter(notification_reads::notification_id.eq(notifications::id))
            .filter(notification_reads::read_at.ge(notifications::last_at));
        query = query.filter(not(exists(read)));
    }
    query
}

/// Notifications, the newest first.
pub fn list(
    conn: &mut Conn,
    reader: Reader<'_>,
    filter: NotificationFilter,
    window: &Window<NotificationId>,
) -> QueryResult<Vec<Notification>> {
    let mut query = visible(reader, filter);
    if let Some(after) = window.after {
        query = query.filter(notifications::id.lt(after));
    }
    query.order(notifications::id.desc()).limit(window.fetch()).select(Notification::as_select()).load(conn)
}

/// How many there are.
pub fn count(conn: &mut Conn, reader: Reader<'_>, filter: NotificationFilter) -> QueryResult<i64> {
    visible(reader, filter).count().get_result(conn)
}

/// One, if the reader may see it.
pub fn find(conn: &mut Conn, reader: Reader<'_>, id: NotificationId) -> QueryResult<Option<Notification>> {
    visible(reader, NotificationFilter::default())
        .filter(notifications::id.eq(id))
        .select(Notification::as_select())
        .first(conn)
        .optional()
}

/// Those of the ids that the reader has read since they last happened.
pub fn read_of(conn: &mut Conn, reader: Reader<'_>, ids: &[NotificationId]) -> QueryResult<Vec<NotificationId>> {
    notification_reads::table
        .inner_join(
            notifications::table.on(notifications::organization_id
                .eq(notification_reads::organization_id)
                .and(notifications::id.eq(notification_reads::notification_id))),
        )
        .filter(notification_reads::organization_id.eq(reader.organization))
        .filter(notification_reads::user_id.eq(UserId(reader.id)))
        .filter(notification_reads::notification_id.eq_any(ids.to_vec()))
        .filter(notification_reads::read_at.ge(notifications::last_at))
        .select(notification_reads::notification_id)
        .load(conn)
}

/// Marks as read; again is no fault.
pub fn mark_read(conn: &mut Conn, reader: Reader<'_>, ids: &[NotificationId], now: UtcTime) -> QueryResult<()> {
    for id in ids {
        let row = (
            notification_reads::organization_id.eq(reader.organization),
            notification_reads::user_id.eq(UserId(reader.id)),
            notification_reads::notification_id.eq(*id),
            notification_reads::read_at.eq(now),
        );
        on_backend!(conn, |conn| {
            diesel::insert_into(notification_reads::table)
                .values(row)
                .on_conflict((
                    notification_reads::organization_id,
                    notification_reads::user_id,
                    notification_reads::notification_id,
                ))
                .do_update()
                .set(notification_reads::read_at.eq(now))
                .execute(conn)
        })?;
    }
    Ok(())
}

/// The ids of all unread notifications of a reader, for marking them all.
pub fn unread_ids(conn: &mut Conn, reader: Reader<'_>) -> QueryResult<Vec<NotificationId>> {
    visible(reader, NotificationFilter { unread: true, open: false }).select(notifications::id).load(conn)
}
