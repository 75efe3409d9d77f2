//! Product types.

use diesel::prelude::*;

use super::take_numbers;
use crate::base::ids::OrganizationId;
use crate::clients::model::{Part, ProductType, Wish};
use crate::db::conn::{Conn, MultiBackend};
use crate::db::schema::client_product_types::{self as types, table};
use crate::on_backend;
use crate::products::model::name_key;

fn wished<'a>(organization: OrganizationId, wish: &Wish) -> types::BoxedQuery<'a, MultiBackend> {
    let mut query = table.filter(types::organization_id.eq(organization)).into_boxed::<MultiBackend>();
    if let Some(number) = wish.number {
        query = query.filter(types::number.eq(number));
    }
    if let Some(name) = &wish.name {
        query = query.filter(types::name_key.eq(name_key(name)));
    }
    query
}

/// A part of the product types, in the order of their numbers.
pub fn list(conn: &mut Conn, organization: OrganizationId, wish: &Wish, part: Part) -> QueryResult<Vec<ProductType>> {
    let query = wished(organization, wish).order(types::number).limit(part.limit).offset(part.offset);
    query.select(ProductType::as_select()).load(conn)
}

/// How many there are.
pub fn count(conn: &mut Conn, organization: OrganizationId, wish: &Wish) -> QueryResult<i64> {
    wished(organization, wish).count().get_result(conn)
}

/// The product type with a name.
pub fn find_by_name(conn: &mut Conn, organization: OrganizationId, name: &str) -> QueryResult<Option<ProductType>> {
    let wish = Wish { name: Some(name.to_owned()), ..Wish::default() };
    wished(organization, &wish).select(ProductType::as_select()).first(conn).optional()
}

/// Finds the product type with a name, or makes it.
pub fn find_or_make(conn: &mut Conn, organization: OrganizationId, name: &str) -> QueryResult<ProductType> {
    if let Some(found) = find_by_name(conn, organization, name)? {
        return Ok(found);
    }
    let number = take_numbers(conn, organization, 1)?;
    let name = name.trim();
    let made = ProductType { organization_id: organization, number, name: name.to_owned(), name_key: name_key(name) };
    on_backend!(conn, |c| diesel::insert_into(table).values(&made).on_conflict_do_nothing().execute(c))?;
    // Read back: another request may have been first.
    find_by_name(conn, organization, name)?.ok_or(diesel::result::Error::NotFound)
}
