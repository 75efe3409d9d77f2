//! The shared rows that observations point at: vulnerabilities with their aliases, and components.
//!
//! Written by the first source that reports them, read by all. Rows are inserted in the order of their keys, so that
//! two imports that bring the same ones cannot wait for each other.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::Vulnerability;
use crate::base::ids::{ComponentId, OrganizationId, VulnerabilityId};
use crate::db::conn::Conn;
use crate::db::schema::{components, vulnerabilities, vulnerability_aliases, vulnerability_cwes};
use crate::on_backend;

const ROWS: usize = 1000;
const KEYS: usize = 10_000;

/// The ids of the vulnerabilities with these keys; those not known are left out.
pub fn vulnerability_ids(
    conn: &mut Conn,
    organization: OrganizationId,
    keys: &[&str],
) -> QueryResult<HashMap<String, VulnerabilityId>> {
    use vulnerabilities as v;
    let mut found = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(KEYS) {
        let rows: Vec<(String, VulnerabilityId)> = v::table
            .filter(v::organization_id.eq(organization))
            .filter(v::vulnerability_key.eq_any(keys))
            .select((v::vulnerability_key, v::id))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Adds vulnerabilities; those that somebody added meanwhile stay as they are.
pub fn insert_vulnerabilities(conn: &mut Conn, rows: &mut [Vulnerability]) -> QueryResult<()> {
    rows.sort_by(|a, b| a.vulnerability_key.cmp(&b.vulnerability_key));
    for rows in rows.chunks(ROWS) {
        on_backend!(conn, |conn| diesel::insert_into(vulnerabilities::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}

/// Adds the further ids of vulnerabilities.
pub fn insert_aliases(
    conn: &mut Conn,
    organization: OrganizationId,
    aliases: &mut [(String, VulnerabilityId)],
) -> QueryResult<()> {
    use vulnerability_aliases as known;
    aliases.sort();
    for aliases in aliases.chunks(ROWS) {
        let rows: Vec<_> = aliases
            .iter()
            .map(|(alias, id)| {
                (known::organization_id.eq(organization), known::alias.eq(alias), known::vulnerability_id.eq(*id))
            })
            .collect();
        on_backend!(conn, |conn| diesel::insert_into(known::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}

/// Adds the CWEs of vulnerabilities that were just added.
pub fn insert_cwes(
    conn: &mut Conn,
    organization: OrganizationId,
    cwes: &mut [(i32, VulnerabilityId)],
) -> QueryResult<()> {
    use vulnerability_cwes as known;
    cwes.sort_unstable();
    for cwes in cwes.chunks(ROWS) {
        let rows: Vec<_> = cwes
            .iter()
            .map(|(cwe, id)| {
                (known::organization_id.eq(organization), known::cwe.eq(*cwe), known::vulnerability_id.eq(*id))
            })
            .collect();
        on_backend!(conn, |conn| diesel::insert_into(known::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}

/// What makes a component what it is: name, version, package URL; empty where a report has none.
pub type ComponentKey = (String, String, String);

/// The ids of these components; those not known are left out.
pub fn component_ids(
    conn: &mut Conn,
    organization: OrganizationId,
    keys: &[ComponentKey],
) -> QueryResult<HashMap<ComponentKey, ComponentId>> {
    use components as parts;
    let mut found = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(KEYS) {
        let names: Vec<&str> = keys.iter().map(|(name, _, _)| name.as_str()).collect();
        let rows: Vec<(String, String, String, ComponentId)> = parts::table
            .filter(parts::organization_id.eq(organization))
            .filter(parts::name.eq_any(names))
            .select((parts::name, parts::component_version, parts::purl, parts::id))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(name, version, purl, id)| ((name, version, purl), id)));
    }
    Ok(found)
}

/// Adds components; those that somebody added meanwhile stay as they are.
pub fn insert_components(conn: &mut Conn, organization: OrganizationId, keys: &[ComponentKey]) -> QueryResult<()> {
    use components as parts;
    let mut keys: Vec<&ComponentKey> = keys.iter().collect();
    keys.sort();
    for keys in keys.chunks(ROWS) {
        let rows: Vec<_> = keys
            .iter()
            .map(|(name, version, purl)| {
                (
                    parts::organization_id.eq(organization),
                    parts::id.eq(ComponentId::generate()),
                    parts::name.eq(name),
                    parts::component_version.eq(version),
                    parts::purl.eq(purl),
                )
            })
            .collect();
        on_backend!(conn, |conn| diesel::insert_into(parts::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(conn))?;
    }
    Ok(())
}
