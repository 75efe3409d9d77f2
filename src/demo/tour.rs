//! What the demo prints: what was imported, which tickets there would be, and what to try.

use std::fmt::Write as _;

use super::{Made, ORGANIZATION};
use crate::scans::model::ScanCounts;
use crate::trackers::preview::Preview;

/// The tour of a filled server at `url`.
#[must_use]
pub fn tour(made: &Made, url: &str) -> String {
    let mut text = String::new();
    write_all(&mut text, made, url).expect("a String takes every write");
    text
}

fn write_all(text: &mut String, made: &Made, url: &str) -> std::fmt::Result {
    writeln!(text, "\nImported, as any upload is:")?;
    for (product, file, scan) in &made.imports {
        writeln!(text, "  {product:12} {file:32} {:8} {}", scan.tool, counts(&scan.counts))?;
    }
    for (product, preview) in &made.tickets {
        tickets(text, product, preview)?;
    }
    log_in(text, made, url)?;
    commands(text, made, url)
}

fn counts(counts: &ScanCounts) -> String {
    let words = [
        ("new", counts.observations_new),
        ("updated", counts.observations_updated),
        ("unchanged", counts.observations_unchanged),
        ("reopened", counts.observations_reopened),
        ("resolved", counts.observations_resolved),
    ];
    let said = words.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}"));
    said.collect::<Vec<_>>().join(", ")
}

fn tickets(text: &mut String, product: &str, preview: &Preview) -> std::fmt::Result {
    writeln!(text, "\nTickets that {product} would have (its tracker config is a dry run, so nothing is sent):")?;
    for item in &preview.items {
        let request = item.requests.first().map(|request| format!("{} {}", request.method, request.url));
        writeln!(text, "  {} {}\n         {}", item.step, item.title, request.unwrap_or_default())?;
    }
    Ok(())
}

fn log_in(text: &mut String, made: &Made, url: &str) -> std::fmt::Result {
    let password = made.admin.made_up_password.as_ref().map_or("", |password| password.expose());
    writeln!(text, "\nAdministrator: {}, password {password}", made.admin.email)?;
    writeln!(text, "Swagger UI:    {url}/docs/  (Authorize, then paste the token below)")
}

fn commands(text: &mut String, made: &Made, url: &str) -> std::fmt::Result {
    let api = format!("{url}/api/v1/organizations/{ORGANIZATION}");
    writeln!(text, "\nTo paste:\n  export TOKEN={}", made.token.expose())?;
    for command in [
        format!("'{api}/observations?status=open&sort=-severity&limit=5'"),
        format!("'{api}/products'"),
        format!("'{api}/scans'"),
        format!("-F file=@report.sarif -F product='Web shop' '{api}/scans'"),
    ] {
        writeln!(text, "  curl -sS -H \"Authorization: Bearer $TOKEN\" {command}")?;
    }
    writeln!(text, "\nEverything here goes when you press Ctrl-C.")
}
