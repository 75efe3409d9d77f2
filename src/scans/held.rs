//! A mass disappearance: most of what a source reported vanishes at once.
//!
//! That is a broken scan more often than a clean-up. The observations are resolved here, but the closes of their tickets
//! wait for a second scan that agrees, or for a person.

use diesel::QueryResult;

use super::repo;
use super::write::Written;
use crate::base::ids::{ObservationId, OrganizationId, ScanSourceId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::notifications;
use crate::notifications::model::{Notice, NotificationKind};

/// Tells people of closes that wait; answers the observations whose closes need not wait any more.
pub fn settle(conn: &mut Conn, written: &Written, now: UtcTime) -> QueryResult<Vec<ObservationId>> {
    let scan = &written.scan;
    if written.closes_held {
        let gone = scan.counts.observations_resolved;
        let notice = Notice {
            organization: scan.organization_id,
            cause_key: cause(scan.source_id),
            kind: NotificationKind::ClosesHeld,
            product: Some(scan.product_id),
            subject: Some(("scan", scan.id.0)),
            title: format!("{gone} observations of {} vanished at once", scan.tool),
            body: "They are resolved here, but their tickets stay open until the next scan of the source agrees. \
                   Check that the scan ran as it should; if so, confirm it, or send it again."
                .to_owned(),
        };
        notifications::repo::raise(conn, &notice, now)?;
    }
    if !written.closes_released {
        return Ok(Vec::new());
    }
    release(conn, scan.organization_id, scan.source_id, now)
}

/// Says that closes wait no more; answers the observations they are of.
pub fn release(
    conn: &mut Conn,
    organization: OrganizationId,
    source: ScanSourceId,
    now: UtcTime,
) -> QueryResult<Vec<ObservationId>> {
    notifications::repo::resolve(conn, organization, &cause(source), now)?;
    repo::gone_with_ticket(conn, organization, source)
}

fn cause(source: ScanSourceId) -> String {
    format!("scan_source/{source}/closes_held")
}
