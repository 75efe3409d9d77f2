//! Where a result is: files relative to the root of what was scanned, lines, code, logical names.

use crate::reports::parsers::sarif::run::Context;
use crate::reports::parsers::sarif::schema::{ArtifactLocation, Location, RunResult};
use crate::reports::read::json::Object;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::Finding;

/// Most base URIs of a run that are searched per result: a bound on hostile files.
const BASES_SEARCHED: usize = 20;

impl<'a> Context<'_, 'a> {
    pub fn locate(&self, finding: &mut Finding, location: &Location<'a>) {
        let physical = &location.physical_location;
        let path = self.path(&physical.artifact_location);
        if path.starts_with("http://") || path.starts_with("https://") {
            finding.location.url = Some(path);
        } else {
            finding.location.file = text::some(path);
        }
        finding.location.line = physical.region.start_line.positive();
        finding.location.end_line = physical.region.end_line.positive();
        let snippet = physical.region.snippet.text.or(&physical.context_region.snippet.text);
        finding.location.snippet = snippet.some_text();
        if let Some(logical) = location.logical_locations.first()
            && let Some(name) = logical.fully_qualified_name.or(&logical.name).some_line()
        {
            finding.facts.push(("logical_location", name));
        }
    }

    /// The path of a file: relative to the root of what was scanned where the report allows it.
    fn path(&self, location: &ArtifactLocation<'a>) -> String {
        let by_index = || self.run.artifacts.get(location.index.index()?).map(|artifact| &artifact.location.0);
        let location = if location.uri.is_empty() { by_index().unwrap_or(location) } else { location };
        let mut path = location.uri.line();
        if !path.contains("://") {
            self.prepend_bases(&mut path, &location.uri_base_id);
        }
        let path = self.without_root(path);
        if path.contains('%') { words::percent_decoded(&path) } else { path }
    }

    fn bases(&self) -> impl Iterator<Item = &(Text<'a>, Object<ArtifactLocation<'a>>)> {
        self.run.original_uri_base_ids.0.iter().take(BASES_SEARCHED)
    }

    /// Puts relative bases before a path (`src/` of `SRCROOT`); an absolute one is where the build happened to run.
    fn prepend_bases(&self, path: &mut String, base: &Text<'a>) {
        let mut base = base;
        // A base may have a base; a circle ends after as many steps as there are bases.
        for _ in 0..self.bases().count() {
            let Some((_, next)) = self.bases().find(|(name, _)| name == base) else { return };
            let prefix = next.uri.line();
            if prefix.is_empty() || prefix.contains(':') || path.len() > text::LINE_LIMIT {
                return;
            }
            path.insert_str(0, &prefix);
            base = &next.uri_base_id;
        }
    }

    /// An absolute `file:` URI as a path, relative to a base of the run that holds it.
    fn without_root(&self, path: String) -> String {
        let Some(absolute) = path.strip_prefix("file:") else {
            return path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
        };
        let roots = self.bases().map(|(_, base)| base.uri.as_str());
        let inside = roots.filter(|root| root.starts_with("file:")).filter_map(|root| path.strip_prefix(root));
        match inside.min_by_key(|rest| rest.len()) {
            Some(rest) => rest.trim_start_matches('/').to_owned(),
            None => format!("/{}", absolute.trim_start_matches('/')),
        }
    }
}

/// What its first place is called, apart from any file.
pub fn logical_name<'t, 'a>(result: &'t RunResult<'a>) -> &'t str {
    let mut names = result.locations.iter().flat_map(|location| location.logical_locations.iter());
    names.next().map_or("", |logical| logical.fully_qualified_name.or(&logical.name))
}
