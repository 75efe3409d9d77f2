//! Tells people of issues whose due date has passed.

use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::repo::overdue::Overdue;
use crate::issues::service::overdue;
use crate::notifications;
use crate::notifications::model::{Notice, NotificationKind};

/// Tells of each due date once, and takes back what is over.
///
/// # Errors
/// `Internal`.
pub fn tell(conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
    let news = overdue::news(conn, now)?;
    for issue in &news.over {
        notifications::repo::resolve_all(conn, issue.organization_id, &cause(issue), now)?;
    }
    for (issue, product) in &news.overdue {
        let cause_key = product.map_or_else(|| cause(issue), |product| format!("{}/{product}", cause(issue)));
        let notice = Notice {
            organization: issue.organization_id,
            cause_key,
            kind: NotificationKind::IssueOverdue,
            product: *product,
            subject: Some(("issue", issue.id.0)),
            title: format!("The issue {:?} is overdue", issue.name),
            body: format!("It was due at {} and is not resolved.", issue.due_at),
        };
        notifications::repo::raise(conn, &notice, now)?;
    }
    Ok(())
}

fn cause(issue: &Overdue) -> String {
    format!("issue/{}/overdue", issue.id)
}
