//! Tests, and the scan sources of what is imported into them.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::take_numbers;
use crate::base::ids::{EngagementId, OrganizationId, ProductId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::clients::model::{EngagementNumber, ImportedSource, NumberedTest, Part, Test, Wish};
use crate::clients::scan_type;
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{client_engagements, client_tests, engagements, scan_sources, scans};
use crate::{in_scope, on_backend};

/// The tests that match. A macro, because a query that counts has another type than one that selects.
macro_rules! wished {
    ($organization:expr, $scope:expr, $wish:expr, $select:expr) => {{
        let of_engagement = engagements::organization_id
            .eq(client_tests::organization_id)
            .and(engagements::id.eq(client_tests::engagement_id));
        let numbered = client_engagements::organization_id
            .eq(client_tests::organization_id)
            .and(client_engagements::engagement_id.eq(client_tests::engagement_id));
        let query = client_tests::table
            .inner_join(engagements::table.on(of_engagement))
            .inner_join(client_engagements::table.on(numbered))
            .filter(client_tests::organization_id.eq($organization))
            .select($select)
            .into_boxed::<MultiBackend>();
        let mut query = in_scope!(query, $scope, engagements::product_id);
        if let Some(number) = $wish.number {
            query = query.filter(client_tests::number.eq(number));
        }
        if let Some(title) = &$wish.name {
            query = query.filter(client_tests::title.eq(title.trim().to_owned()));
        }
        if let Some(engagement) = $wish.parent {
            query = query.filter(client_engagements::number.eq(engagement));
        }
        if let Some(name) = &$wish.scan_type {
            query = query.filter(client_tests::scan_type.eq(as_stored(name)));
        }
        query
    }};
}

/// The name of a scan type as imports store it: they take it whatever its case.
fn as_stored(name: &str) -> String {
    scan_type::by_name(name).map_or_else(|_unknown| name.to_owned(), |known| known.name.to_owned())
}

/// A part of the tests of products that may be seen, in the order of their numbers.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wish: &Wish,
    part: Part,
) -> QueryResult<Vec<NumberedTest>> {
    let columns = (Test::as_select(), EngagementNumber::as_select());
    let query = wished!(organization, scope, wish, columns);
    query.order(client_tests::number).limit(part.limit).offset(part.offset).load(conn)
}

/// How many there are.
pub fn count(conn: &mut Conn, organization: OrganizationId, scope: &ProductScope, wish: &Wish) -> QueryResult<i64> {
    wished!(organization, scope, wish, count_star()).get_result(conn)
}

/// The test of an engagement with a title and a scan type.
pub fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    engagement: EngagementId,
    title: &str,
    scan_type: &str,
) -> QueryResult<Option<Test>> {
    client_tests::table
        .filter(client_tests::organization_id.eq(organization).and(client_tests::engagement_id.eq(engagement)))
        .filter(client_tests::title.eq(title).and(client_tests::scan_type.eq(scan_type)))
        .select(Test::as_select())
        .first(conn)
        .optional()
}

/// Finds the test of an engagement with a title and a scan type, or makes it.
pub fn find_or_make(
    conn: &mut Conn,
    organization: OrganizationId,
    engagement: EngagementId,
    (title, scan_type): (&str, &str),
    now: UtcTime,
) -> QueryResult<Test> {
    if let Some(found) = find(conn, organization, engagement, title, scan_type)? {
        return Ok(found);
    }
    let made = Test {
        organization_id: organization,
        number: take_numbers(conn, organization, 1)?,
        engagement_id: engagement,
        title: title.to_owned(),
        scan_type: scan_type.to_owned(),
        created_at: now,
    };
    on_backend!(conn, |c| {
        diesel::insert_into(client_tests::table).values(&made).on_conflict_do_nothing().execute(c)
    })?;
    // Read back: another request may have been first.
    find(conn, organization, engagement, title, scan_type)?.ok_or(diesel::result::Error::NotFound)
}

/// All tests of an engagement.
pub fn of_engagement(
    conn: &mut Conn,
    organization: OrganizationId,
    engagement: EngagementId,
) -> QueryResult<Vec<Test>> {
    client_tests::table
        .filter(client_tests::organization_id.eq(organization).and(client_tests::engagement_id.eq(engagement)))
        .order(client_tests::number)
        .select(Test::as_select())
        .load(conn)
}

/// Which scan sources. What is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct SourceWish {
    /// Of scans of this engagement.
    pub engagement: Option<EngagementId>,
    /// Of one of these products.
    pub products: Vec<ProductId>,
    /// Whose newest scan was of one of these formats.
    pub formats: Vec<String>,
}

/// The scan sources of products that may be seen, at most `limit`. One that was never scanned has no format, and is left
/// out.
pub fn sources(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wish: &SourceWish,
    limit: i64,
) -> QueryResult<Vec<ImportedSource>> {
    let newest = scans::organization_id
        .eq(scan_sources::organization_id)
        .and(scan_sources::latest_scan_id.eq(scans::id.nullable()));
    let query = scan_sources::table
        .inner_join(scans::table.on(newest))
        .filter(scan_sources::organization_id.eq(organization))
        .select((scan_sources::id, scan_sources::name, scans::format))
        .into_boxed::<MultiBackend>();
    let mut query = in_scope!(query, scope, scan_sources::product_id);
    if let Some(engagement) = wish.engagement {
        query = query.filter(scan_sources::engagement_id.eq(engagement));
    }
    if !wish.products.is_empty() {
        query = query.filter(scan_sources::product_id.eq_any(wish.products.clone()));
    }
    if !wish.formats.is_empty() {
        query = query.filter(scans::format.eq_any(wish.formats.clone()));
    }
    query.order(scan_sources::id).limit(limit).load(conn)
}
