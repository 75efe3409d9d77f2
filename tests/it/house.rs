//! The house: rooms stand on floors and import only what is below them. This test reads the sources and names whoever
//! does not keep to it. The rules and their reasons stand with each test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the ground up. A room imports only rooms on lower floors: never up, never sideways.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["db", "config", "keys", "egress", "reports"],
    &["oidc"],
    &["access", "observations", "outbox", "criteria", "templates", "idempotency", "inbox", "events"],
    &["products", "assets", "rules", "sla", "notifications", "tickets", "app"],
    &["issues", "connections", "clients", "workloads", "gates"],
    &["tracker_configs"],
    &["assessments"],
    &["scans", "trackers", "validation", "telemetry"],
    &["webhooks"],
    &["api", "worker"],
    &["server"],
    &["demo"],
    &["commands"],
    &["main"],
];

/// The doors may know HTTP and read the clock; so may what mounts and starts them.
const DOORS: &[&str] = &["api", "worker", "server", "demo", "commands", "main"];

/// Macros stand at the top of the crate wherever they are written.
const MACROS: &[(&str, &str)] =
    &[("on_backend", "db"), ("text_enum", "base"), ("id_type", "base"), ("in_scope", "base")];

/// Repositories that grew too long for one file.
const PARTS_OF_REPOSITORIES: &[&str] = &["observations/apply.rs", "observations/catalogue.rs"];

struct Source {
    /// From `src/`: `scans/import.rs`.
    path: String,
    room: String,
    /// Without comments.
    code: String,
    lines: usize,
}

impl Source {
    fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// The rooms that its code names, `crate::room` or (in `main.rs`) `patchbay::room`.
    fn rooms(&self) -> BTreeSet<String> {
        let start = if self.room == "main" { "patchbay::" } else { "crate::" };
        let rooms: BTreeSet<String> =
            split_at_word(&self.code, start).flat_map(|(_, rest)| first_names(rest)).collect();
        let known = |name: &str| MACROS.iter().find(|(name_of_macro, _)| *name_of_macro == name).map(|(_, room)| *room);
        rooms.into_iter().map(|name| known(&name).map_or(name, str::to_owned)).collect()
    }
}

/// What follows each `word` in the text, where it does not continue another word.
fn split_at_word<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).filter_map(move |(at, _)| {
        let continues = text[..at].ends_with(is_part);
        (!continues).then(|| (at, &text[at + word.len()..]))
    })
}

/// The first name of a path, or those of a group: `{a::x, b::{c, d}}` gives `a` and `b`.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut names, mut start) = (0_i32, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    files_under(&root, &mut files);
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let room = path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        Source { room, code: without_comments(&text), lines: text.lines().count(), path }
    };
    files.iter().map(read).filter(|source| source.room != "lib").collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Every offender at once, or the test ends well.
fn nobody(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}\n{}", offenders.join("\n"));
}

/// Whoever, outside of `allowed`, has one of `words` in the code.
fn with_words(words: &[&str], allowed: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut offenders = Vec::new();
    for source in sources().iter().filter(|source| !allowed(source)) {
        for word in words {
            for (at, _) in split_at_word(&source.code, word) {
                let line = source.code[..at].matches('\n').count() + 1;
                offenders.push(format!("src/{}:{line} has `{word}`", source.path));
            }
        }
    }
    offenders
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> = sources().into_iter().map(|source| source.room).collect();
    let homeless: Vec<String> = rooms.into_iter().filter(|room| floor(room).is_none()).collect();
    nobody(&homeless, "Give these rooms a floor in tests/it/house.rs:");
}

#[test]
fn a_room_imports_only_rooms_on_lower_floors() {
    let mut offenders = Vec::new();
    for source in sources() {
        let own = floor(&source.room);
        for room in source.rooms().iter().filter(|room| **room != source.room) {
            match floor(room) {
                None => offenders.push(format!("src/{} names crate::{room}, which is no room", source.path)),
                Some(other) if Some(other) >= own => {
                    offenders.push(format!("src/{} (floor {own:?}) imports {room} (floor {other})", source.path));
                }
                Some(_) => {}
            }
        }
    }
    nobody(&offenders, "A room imports only rooms on lower floors:");
}

/// Domain rooms serve two doors; only one of them speaks HTTP.
#[test]
fn only_the_doors_know_the_web_framework() {
    let allowed = |source: &Source| ["api", "server", "demo"].contains(&source.room.as_str());
    nobody(&with_words(&["actix_web", "actix_http", "actix_cors"], allowed), "Only api/ and the server import actix:");
}

/// Who else would read the tables would have to change with them.
#[test]
fn only_models_and_repositories_know_the_tables() {
    let allowed = |source: &Source| {
        let is_part = source.path.contains("/repo/") || PARTS_OF_REPOSITORIES.contains(&source.path.as_str());
        source.room == "db" || is_part || ["model.rs", "timeline.rs", "repo.rs"].contains(&source.file_name())
    };
    nobody(&with_words(&["db::schema"], allowed), "Only model.rs, timeline.rs, repo.rs and db/ import the schema:");
}

/// Bytes in, report out: so a report reads the same at every time and for everybody.
#[test]
fn reading_reports_needs_neither_database_nor_clock_nor_caller() {
    let words = ["diesel", "tokio", "rand", "std::time", "Utc::now", "Caller"];
    nobody(&with_words(&words, |source| source.room != "reports"), "reports/ is pure:");
}

/// They record that something changed; the worker carries it to whoever listens.
#[test]
fn issues_and_observations_do_not_know_who_listens() {
    let words = ["crate::trackers", "crate::notifications", "crate::validation"];
    let allowed = |source: &Source| !["issues", "observations"].contains(&source.room.as_str());
    nobody(&with_words(&words, allowed), "issues and observations only record changes:");
}

/// There the private-address guard, the time limits and the size limits are.
#[test]
fn only_the_egress_builds_an_http_client() {
    let words = ["reqwest::Client", "reqwest::get", "reqwest::ClientBuilder", "reqwest::blocking", "use reqwest"];
    nobody(&with_words(&words, |source| source.room == "egress"), "Only egress builds HTTP clients:");
}

/// Below the doors `now` is an argument, or for what takes long (imports, calls of trackers) the clock that the doors
/// were handed: tests can choose it.
#[test]
fn only_the_doors_read_the_clock() {
    let allowed = |source: &Source| DOORS.contains(&source.room.as_str()) || source.path == "base/time.rs";
    let words = ["Utc::now", "SystemTime::now", "Local::now", "Clock::system"];
    nobody(&with_words(&words, allowed), "Below the doors `now` is an argument:");
}

/// So the table in the README is complete. What the allocator reads is nobody's setting.
#[test]
fn only_the_configuration_reads_the_environment() {
    let words = ["env::var", "env::vars", "env::var_os", "env::vars_os"];
    let reads = |source: &Source| ["config", "main"].contains(&source.room.as_str());
    nobody(&with_words(&words, reads), "Only config reads variables:");
}

/// The table behind a short name: `use crate::db::schema::assets::dsl as a` makes `a` mean `assets`.
fn unaliased(code_before: &str, name: &str) -> String {
    let alias = [";", ",", "}"].iter().filter_map(|end| code_before.rfind(&format!(" as {name}{end}"))).max();
    let Some(at) = alias else { return name.to_owned() };
    let path = code_before[..at].trim_end_matches("::dsl");
    path.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(name).to_owned()
}

/// A table with two writers has two owners of its invariants.
#[test]
fn every_table_is_written_by_one_room() {
    let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.room != "db") {
        for start in ["insert_into(", "diesel::update(", "diesel::delete(", "INSERT INTO ", "DELETE FROM ", "UPDATE "] {
            for (at, rest) in split_at_word(&source.code, start) {
                let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_table = start.ends_with(' ') || rest.trim_start()[name.len()..].starts_with("::table");
                if is_table && !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    writers.entry(unaliased(&source.code[..at], &name)).or_default().insert(source.room.clone());
                }
            }
        }
    }
    let shared = writers.iter().filter(|(_, rooms)| rooms.len() > 1);
    let offenders: Vec<String> = shared.map(|(table, rooms)| format!("{table} is written by {rooms:?}")).collect();
    nobody(&offenders, "A table is written by its own room only:");
}

/// Shared words live in a sibling of `mod.rs`; that is how registries stay out of circles.
#[test]
fn the_first_file_of_a_domain_room_only_lists_its_parts() {
    let mut offenders = Vec::new();
    for source in sources() {
        let is_domain = floor(&source.room).is_some_and(|floor| (2..9).contains(&floor));
        if !is_domain || source.path != format!("{}/mod.rs", source.room) {
            continue;
        }
        let listing = |line: &&str| ["mod ", "pub mod ", "#["].iter().any(|start| line.starts_with(start));
        let other = source.code.lines().find(|line| !line.trim().is_empty() && !listing(line));
        offenders.extend(other.map(|line| format!("src/{} has `{line}`", source.path)));
    }
    nobody(&offenders, "mod.rs holds docs and `pub mod`:");
}

/// Somebody opens the file and has ten minutes.
#[test]
fn no_file_is_too_long_to_read() {
    let long = sources().into_iter().filter(|source| source.lines > 800 && source.path != "db/schema.rs");
    let offenders: Vec<String> = long.map(|source| format!("src/{}: {} lines", source.path, source.lines)).collect();
    nobody(&offenders, "Split these files:");
}

/// An exception has a reason, and ends when the reason does.
#[test]
fn nothing_is_allowed_silently_or_left_for_later() {
    let mut offenders = Vec::new();
    for source in sources() {
        for word in ["#[allow(", "#![allow(", "todo!(", "unimplemented!("] {
            if source.code.contains(word) {
                offenders.push(format!("src/{} has `{word}`", source.path));
            }
        }
    }
    nobody(&offenders, "Use #[expect(lint, reason = \"...\")], and finish what you begin:");
}

#[test]
fn the_reader_of_imports_sees_groups_and_ignores_comments() {
    let code =
        without_comments("// crate::hidden\nuse crate::{a::x, b::{c, d}, e};\nlet x = crate::f::g();\nmycrate::no");
    let source = Source { path: String::new(), room: String::new(), code, lines: 0 };
    assert_eq!(source.rooms().into_iter().collect::<Vec<_>>(), ["a", "b", "e", "f"]);
}
