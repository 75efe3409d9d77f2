//! Due dates that pass: who tells people of them asks here.

use crate::base::error::ApiError;
use crate::base::ids::ProductId;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::issues::repo;
use crate::issues::repo::overdue::{self, Overdue};
use crate::products;

/// What one call works off: bounds how long others wait for the database.
const BATCH: i64 = 500;

/// What there is to tell of due dates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Issues that became overdue, each for those who may see the product, or for the whole organization.
    pub overdue: Vec<(Overdue, Option<ProductId>)>,
    /// Issues that are overdue no more.
    pub over: Vec<Overdue>,
}

/// What there is to tell since the last call: each due date once.
///
/// # Errors
/// `Internal`.
pub fn news(conn: &mut Conn, now: UtcTime) -> Result<News, ApiError> {
    let mut news = News { over: overdue::over(conn, now, BATCH)?, ..News::default() };
    for issue in &news.over {
        overdue::set_told(conn, issue, None)?;
    }
    for issue in overdue::untold(conn, now, BATCH)? {
        overdue::set_told(conn, &issue, Some(issue.due_at))?;
        let audience = audience(conn, &issue)?;
        news.overdue.extend(audience.into_iter().map(|product| (issue.clone(), product)));
    }
    Ok(news)
}

/// Whoever may see one of the products of an issue is told; all, where none of them is restricted.
fn audience(conn: &mut Conn, issue: &Overdue) -> Result<Vec<Option<ProductId>>, ApiError> {
    if issue.product_id.is_some() {
        return Ok(vec![issue.product_id]);
    }
    let parts = repo::products_of(conn, issue.organization_id, &[issue.id])?;
    let ids: Vec<ProductId> = parts.iter().map(|part| part.product_id).collect();
    let is_open = products::repo::restricted_of(conn, issue.organization_id, &ids)?.is_empty();
    Ok(if is_open { vec![None] } else { ids.into_iter().map(Some).collect() })
}
