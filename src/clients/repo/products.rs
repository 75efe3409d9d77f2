//! Numbers of products.

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::take_numbers;
use crate::base::ids::{OrganizationId, ProductId};
use crate::base::scope::ProductScope;
use crate::clients::model::{NumberedProduct, Part, ProductNumber, Wish};
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::{client_products, products};
use crate::products::model::{Product, name_key};
use crate::{in_scope, on_backend};

/// The products that match. A macro, because a query that counts has another type than one that selects.
macro_rules! wished {
    ($organization:expr, $scope:expr, $wish:expr, $select:expr) => {{
        let same = client_products::organization_id
            .eq(products::organization_id)
            .and(client_products::product_id.eq(products::id));
        let query = products::table
            .left_join(client_products::table.on(same))
            .filter(products::organization_id.eq($organization))
            .select($select)
            .into_boxed::<MultiBackend>();
        let mut query = in_scope!(query, $scope, products::id);
        if let Some(number) = $wish.number {
            query = query.filter(client_products::number.eq(number));
        }
        if let Some(name) = &$wish.name {
            query = query.filter(products::name_key.eq(name_key(name)));
        }
        if let Some(product_type) = $wish.parent {
            // One of which no client has said a type may be of any.
            let is_of = client_products::product_type.eq(product_type);
            query = query.filter(is_of.or(client_products::product_type.is_null()));
        }
        query
    }};
}

/// A part of the products that may be seen, in the order of their making.
pub fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    scope: &ProductScope,
    wish: &Wish,
    part: Part,
) -> QueryResult<Vec<NumberedProduct>> {
    let columns = (Product::as_select(), Option::<ProductNumber>::as_select());
    let query = wished!(organization, scope, wish, columns);
    query.order(products::id).limit(part.limit).offset(part.offset).load(conn)
}

/// How many there are.
pub fn count(conn: &mut Conn, organization: OrganizationId, scope: &ProductScope, wish: &Wish) -> QueryResult<i64> {
    wished!(organization, scope, wish, count_star()).get_result(conn)
}

/// The number of a product.
pub fn find(conn: &mut Conn, organization: OrganizationId, id: ProductId) -> QueryResult<Option<ProductNumber>> {
    client_products::table
        .filter(client_products::organization_id.eq(organization).and(client_products::product_id.eq(id)))
        .select(ProductNumber::as_select())
        .first(conn)
        .optional()
}

/// Gives those of the products numbers that have none.
pub fn number(conn: &mut Conn, organization: OrganizationId, ids: &[ProductId]) -> QueryResult<()> {
    let first = take_numbers(conn, organization, ids.len())?;
    let rows: Vec<ProductNumber> = (first..)
        .zip(ids)
        .map(|(number, id)| ProductNumber {
            organization_id: organization,
            number,
            product_id: *id,
            product_type: None,
        })
        .collect();
    on_backend!(conn, |c| {
        diesel::insert_into(client_products::table).values(&rows).on_conflict_do_nothing().execute(c)
    })?;
    Ok(())
}

/// Says of which product type a product is.
pub fn set_type(
    conn: &mut Conn,
    organization: OrganizationId,
    product: ProductId,
    product_type: i64,
) -> QueryResult<usize> {
    let own = client_products::table
        .filter(client_products::organization_id.eq(organization))
        .filter(client_products::product_id.eq(product));
    diesel::update(own).set(client_products::product_type.eq(product_type)).execute(conn)
}
