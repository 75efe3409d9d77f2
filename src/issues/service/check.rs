//! What may be said of an issue.

use crate::access::checks;
use crate::access::model::Caller;
use crate::access::repo::{members, teams};
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{ProductId, TeamId, UserId};
use crate::base::patch::Patch;
use crate::base::scope::ProductScope;
use crate::db::conn::Conn;
use crate::issues::model::{Assignee, AssigneeKind, IssuePatch, NewIssue};
use crate::products;

/// The most characters of a description, a remediation and a comment.
pub const MAX_TEXT: usize = 100_000;

/// Checks what people say of a new issue.
pub(super) fn new(conn: &mut Conn, caller: &Caller, input: &NewIssue) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    if let Some(name) = &input.name {
        checks::name(name, "/name", &mut faults);
    }
    text(input.description.as_deref(), "/description", &mut faults);
    text(input.remediation.as_deref(), "/remediation", &mut faults);
    assignee(conn, caller, input.assignee, "/assignee", &mut faults)?;
    product(conn, caller, input.product_id, &mut faults)?;
    faults.finish()
}

/// Checks what people change of an issue.
pub(super) fn patch(conn: &mut Conn, caller: &Caller, patch: &IssuePatch, prefix: &str) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    if let Patch::Set(name) = &patch.name {
        checks::name(name, &format!("{prefix}/name"), &mut faults);
    }
    let set = |field: &Patch<String>| field.as_set().cloned();
    text(set(&patch.description).as_deref(), &format!("{prefix}/description"), &mut faults);
    text(set(&patch.remediation).as_deref(), &format!("{prefix}/remediation"), &mut faults);
    let who = patch.assignee.as_set().copied().flatten();
    assignee(conn, caller, who, &format!("{prefix}/assignee"), &mut faults)?;
    faults.finish()
}

fn text(text: Option<&str>, pointer: &str, faults: &mut Faults) {
    let fits = text.is_none_or(|text| text.chars().count() <= MAX_TEXT);
    faults.require(fits, pointer, "may have at most 100,000 characters");
}

fn assignee(
    conn: &mut Conn,
    caller: &Caller,
    assignee: Option<Assignee>,
    pointer: &str,
    faults: &mut Faults,
) -> Result<(), ApiError> {
    let Some(Assignee { kind, id }) = assignee else { return Ok(()) };
    let is_known = match kind {
        AssigneeKind::User => members::find(conn, caller.organization, UserId(id))?.is_some(),
        AssigneeKind::Team => teams::find(conn, caller.organization, TeamId(id))?.is_some(),
    };
    faults.require(is_known, pointer, "is not a member or team of this organization");
    Ok(())
}

/// Whoever sees one product only makes issues of it.
fn product(conn: &mut Conn, caller: &Caller, product: Option<ProductId>, faults: &mut Faults) -> Result<(), ApiError> {
    if let Some(id) = product {
        let found = products::repo::find(conn, caller.organization, &caller.products, id)?;
        faults.require(found.is_some(), "/product_id", "is not a product that you can see");
    }
    Ok(())
}

/// Refuses an issue that its own maker would not see: without instances and product, of a token bound to a product.
pub(super) fn seen_by_maker(caller: &Caller, input: &NewIssue, has_instances: bool) -> Result<(), ApiError> {
    match caller.products {
        ProductScope::Only(_) if !has_instances && input.product_id.is_none() => {
            Err(ApiError::invalid("/product_id", "is needed: this token is bound to one product"))
        }
        ProductScope::Only(_) | ProductScope::Except(_) => Ok(()),
    }
}
