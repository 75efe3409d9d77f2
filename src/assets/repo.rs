//! The table `assets`.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use super::model::AssetKind;
use crate::base::ids::{AssetId, OrganizationId};
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::schema::assets;
use crate::on_backend;

pub mod list;

const ROWS: usize = 1000;

/// Finds or makes the assets with these kinds and names; their ids in the same order.
///
/// New rows are inserted in the order of their keys, so that two imports that bring the same ones cannot wait for each
/// other.
pub fn resolve(
    conn: &mut Conn,
    organization: OrganizationId,
    named: &[(AssetKind, &str)],
    now: UtcTime,
) -> QueryResult<Vec<AssetId>> {
    use assets as a;
    let mut known = find(conn, organization, named)?;
    let missing: BTreeSet<(AssetKind, &str)> =
        named.iter().filter(|(kind, name)| !known.contains_key(&(*kind, (*name).to_owned()))).copied().collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.into_iter().collect();
        for missing in missing.chunks(ROWS) {
            let rows: Vec<_> = missing
                .iter()
                .map(|(kind, name)| {
                    (
                        (a::organization_id.eq(organization), a::id.eq(AssetId::generate()), a::version.eq(1i64)),
                        (
                            a::kind.eq(*kind),
                            a::name.eq(*name),
                            a::search.eq(name.to_lowercase()),
                            a::created_at.eq(now),
                        ),
                    )
                })
                .collect();
            on_backend!(conn, |conn| diesel::insert_into(a::table)
                .values(rows)
                .on_conflict_do_nothing()
                .execute(conn))?;
        }
        known.extend(find(conn, organization, &missing)?);
    }
    named
        .iter()
        .map(|(kind, name)| known.get(&(*kind, (*name).to_owned())).copied().ok_or(diesel::result::Error::NotFound))
        .collect()
}

fn find(
    conn: &mut Conn,
    organization: OrganizationId,
    named: &[(AssetKind, &str)],
) -> QueryResult<HashMap<(AssetKind, String), AssetId>> {
    use assets as a;
    let mut found = HashMap::with_capacity(named.len());
    for named in named.chunks(ROWS) {
        let kinds: BTreeSet<AssetKind> = named.iter().map(|(kind, _)| *kind).collect();
        let rows: Vec<(AssetKind, String, AssetId)> = a::table
            .filter(a::organization_id.eq(organization))
            .filter(a::kind.eq_any(kinds))
            .filter(a::name.eq_any(named.iter().map(|(_, name)| *name)))
            .select((a::kind, a::name, a::id))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(kind, name, id)| ((kind, name), id)));
    }
    Ok(found)
}
