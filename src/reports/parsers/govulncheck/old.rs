//! What govulncheck wrote before version 0.2: one object at first, then messages of whole vulnerabilities.

use serde::Deserialize;

use crate::reports::parsers::govulncheck::schema::{Frame, Osv};
use crate::reports::parsers::govulncheck::{Level, Reached};
use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::words;
use crate::reports::report::Location;

/// The whole file.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Old<'a> {
    #[serde(borrow, default)]
    pub vulns: Entries<'a, OldHit<'a>>,
    #[serde(borrow, default)]
    pub modules: List<Object<Module<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OldHit<'a> {
    #[serde(borrow, rename = "OSV")]
    pub osv: Osv<'a>,
    #[serde(borrow, default)]
    pub symbol: Text<'a>,
    #[serde(borrow, default)]
    pub pkg_path: Text<'a>,
    #[serde(borrow, default)]
    pub mod_path: Text<'a>,
    #[serde(default)]
    pub call_sink: Number,
    #[serde(default)]
    pub import_sink: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Module<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
}

/// A vulnerability with the modules that have it, as version 0.1 wrote it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct OldVulnerability<'a> {
    #[serde(borrow)]
    pub osv: Osv<'a>,
    #[serde(borrow)]
    modules: List<Object<OldModule<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldModule<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    found_version: Text<'a>,
    #[serde(borrow)]
    fixed_version: Text<'a>,
    #[serde(borrow)]
    packages: List<Object<OldPackage<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldPackage<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(borrow)]
    callstacks: List<Object<CallStack<'a>>>,
}

/// From the code that was scanned to what is vulnerable.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CallStack<'a> {
    #[serde(borrow)]
    frames: List<Frame<'a>>,
}

/// How the first versions said how close a vulnerability comes: by sinks in their graphs.
pub fn reached<'a>(hit: &OldHit<'a>, version: Text<'a>, place: String) -> Reached<'a> {
    let level = match (hit.call_sink.positive(), hit.import_sink.positive()) {
        (Some(_), _) => Level::Symbol,
        (None, Some(_)) => Level::Package,
        (None, None) => Level::Module,
    };
    let symbols = vec![format!("{}.{}", hit.pkg_path.line(), hit.symbol.line())];
    Reached {
        id: hit.osv.id.clone(),
        module: hit.mod_path.clone(),
        version,
        level,
        symbols,
        place,
        ..Reached::default()
    }
}

/// Each module with a vulnerability. All that were listed are imported; what is called has a stack.
pub fn in_modules<'a>(old: &OldVulnerability<'a>, place: &str) -> Vec<Reached<'a>> {
    let reached = |module: &Object<OldModule<'a>>| {
        let stacks = || module.packages.iter().flat_map(|package| package.callstacks.iter().map(move |s| (package, s)));
        let symbols = stacks().filter_map(|(package, stack)| {
            let sink = stack.frames.last()?;
            let parts = [&package.path, &sink.receiver, &sink.function].into_iter().filter_map(Text::some_line);
            Some(parts.collect::<Vec<_>>().join("."))
        });
        let frames = stacks().flat_map(|(_, stack)| stack.frames.iter());
        let caller = frames.map(|frame| &frame.position).find(|position| !position.filename.is_empty());
        Reached {
            id: old.osv.id.clone(),
            module: module.path.clone(),
            version: module.found_version.clone(),
            fixed: module.fixed_version.clone(),
            level: if stacks().next().is_some() { Level::Symbol } else { Level::Package },
            symbols: symbols.take(words::LIST_LIMIT).collect(),
            location: caller.map_or_else(Location::default, |position| Location {
                file: words::file_path(&position.filename),
                line: position.line.positive(),
                ..Location::default()
            }),
            place: place.to_owned(),
        }
    };
    old.modules.iter().map(reached).collect()
}
