//! Numbers of engagements.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::take_numbers;
use crate::base::ids::{EngagementId, OrganizationId};
use crate::base::scope::ProductScope;
use crate::clients::model::{EngagementNumber, NumberedEngagement, Part, ProductNumber, Wish};
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{client_engagements, client_products, engagements};
use crate::products::model::Engagement;
use crate::{in_scope, on_backend};

/// The engagements that match. A macro, because a query that counts has another type than one that selects.
macro_rules! wished {
    ($organization:expr, $scope:expr, $wish:expr, $select:expr) => {{
        let same = client_engagements::organization_id
            .eq(engagements::organization_id)
            .and(client_engagements::engagement_id.eq(engagements::id));
        let of_product = client_products::organization_id
            .eq(engagements::organization_id)
            .and(client_products::product_id.eq(engagements::product_id));
        let query = engagements::table
            .left_join(client_engagements::table.on(same))
            .left_join(client_products::table.on(of_product))
            .filter(engagements::organization_id.eq($organization))
            .select($select)
            .into_boxed::<MultiBackend>();
        let mut query = in_scope!(query, $scope, engagements::product_id);
        if let Some(number) = $wish.number {
            query = query.filter(client_engagements::number.eq(number));
        }
        if let Some(name) = &$wish.name {
            query = query.filter(engagements::name.eq(name.trim().to_owned()));
        }
        if let Some(product) = $wish.parent {
            query = query.filter(client_products::number.eq(product));
        }
        if let Some(state) = $wish.state {
            query = query.filter(engagements::state.eq(state));
        }
        query
    }};
}

/// A part of the engagements on products that may be seen, in the order of their making.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wish: &Wish,
    part: Part,
) -> QueryResult<Vec<NumberedEngagement>> {
    let columns =
        (Engagement::as_select(), Option::<EngagementNumber>::as_select(), Option::<ProductNumber>::as_select());
    let query = wished!(organization, scope, wish, columns);
    query.order(engagements::id).limit(part.limit).offset(part.offset).load(conn)
}

/// How many there are.
pub fn count(conn: &mut Conn, organization: OrganizationId, scope: &ProductScope, wish: &Wish) -> QueryResult<i64> {
    wished!(organization, scope, wish, count_star()).get_result(conn)
}

/// The number of an engagement.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: EngagementId) -> QueryResult<Option<EngagementNumber>> {
    client_engagements::table
        .filter(client_engagements::organization_id.eq(organization).and(client_engagements::engagement_id.eq(id)))
        .select(EngagementNumber::as_select())
        .first(conn)
        .optional()
}

/// Gives those of the engagements numbers that have none.
pub fn number(conn: &mut Conn, organization: OrganizationId, ids: &[EngagementId]) -> QueryResult<()> {
    let first = take_numbers(conn, organization, ids.len())?;
    let rows: Vec<EngagementNumber> = (first..)
        .zip(ids)
        .map(|(number, id)| EngagementNumber {
            organization_id: organization,
            number,
            engagement_id: *id,
            branch: None,
            commit_id: None,
            imports_say_branch: false,
        })
        .collect();
    on_backend!(conn, |c| {
        diesel::insert_into(client_engagements::table).values(&rows).on_conflict_do_nothing().execute(c)
    })?;
    Ok(())
}

/// Notes what a client said of an engagement; what it did not say stays.
pub fn note(
    conn: &mut Conn,
    organization: OrganizationId,
    engagement: EngagementId,
    branch: Option<&str>,
    commit: Option<&str>,
) -> QueryResult<()> {
    let own = client_engagements::table
        .filter(client_engagements::organization_id.eq(organization))
        .filter(client_engagements::engagement_id.eq(engagement));
    if let Some(branch) = branch {
        diesel::update(own).set(client_engagements::branch.eq(branch)).execute(conn)?;
    }
    if let Some(commit) = commit {
        diesel::update(own).set(client_engagements::commit_id.eq(commit)).execute(conn)?;
    }
    Ok(())
}

/// Notes that an import named its branch.
pub fn note_branch_said(conn: &mut Conn, organization: OrganizationId, engagement: EngagementId) -> QueryResult<()> {
    let own = client_engagements::table
        .filter(client_engagements::organization_id.eq(organization))
        .filter(client_engagements::engagement_id.eq(engagement));
    diesel::update(own).set(client_engagements::imports_say_branch.eq(true)).execute(conn).map(drop)
}
