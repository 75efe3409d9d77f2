//! Builds a [`Report`]: each vulnerability, asset and component once, findings by index, losses as warnings.

use std::borrow::Cow;
use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use crate::base::severity::Severity;
use crate::reports::additions::Additions;
use crate::reports::error::ParseError;
use crate::reports::packed::Packed;
use crate::reports::read::json::{self, Entries};
use crate::reports::read::{text, words};
use crate::reports::report::{Asset, AssetKind, Component, Finding, Glance, Location, Report, Vulnerability, Warning};

/// Most warnings kept per report; the rest is counted in one last warning.
pub const WARNING_LIMIT: usize = 200;

/// Builds a [`Report`].
#[derive(Debug, Default)]
pub struct ReportBuilder {
    report: Report,
    vulnerabilities: Index,
    assets: Index,
    components: Index,
    /// The findings of [`Self::add_once`].
    once: HashMap<Print, u32>,
    more_vulnerabilities: Additions<Vulnerability>,
    more_findings: Additions<Finding>,
    fingerprints: usize,
    warnings_left_out: usize,
    lost_left_out: bool,
}

impl ReportBuilder {
    /// A report of the named tool.
    pub fn new(tool: impl Into<String>) -> Self {
        Self { report: Report { tool: tool.into(), ..Report::default() }, ..Self::default() }
    }

    /// The report's head, to fill in: version, target, time, failure.
    pub fn head(&mut self) -> &mut Report {
        &mut self.report
    }

    /// The index of the vulnerability with this key, made by `make` when it is new. `make` need not set the key.
    pub fn vulnerability(&mut self, key: &str, make: impl FnOnce() -> Vulnerability) -> usize {
        if !text::is_line(key) {
            let made = make();
            return self.known(&self.sound_key(key, &made.title), || made);
        }
        self.known(key, make)
    }

    fn known(&mut self, key: &str, make: impl FnOnce() -> Vulnerability) -> usize {
        let known = &mut self.report.vulnerabilities;
        let index = self.vulnerabilities.of(&key, known.len(), |index| known.key(index));
        if index == known.len() {
            known.push(&cleaned(Vulnerability { key: key.to_owned(), ..make() }));
        }
        index
    }

    /// Adds ids that a vulnerability has here: one entry may know others than the next.
    pub fn add_ids(&mut self, vulnerability: usize, ids: &[String]) {
        let known = self.report.vulnerabilities.get(vulnerability).map(|known| known.ids);
        let ids = unknown(ids, &known.unwrap_or_default());
        if !ids.is_empty() {
            self.more_vulnerabilities.push(vulnerability, &Vulnerability { ids, ..Vulnerability::default() });
        }
    }

    /// Adds links that a vulnerability has here.
    pub fn add_references(&mut self, vulnerability: usize, links: &[String]) {
        let known = self.report.vulnerabilities.get(vulnerability).map(|known| known.references);
        let references = unknown(links, &known.unwrap_or_default());
        if !references.is_empty() {
            self.more_vulnerabilities.push(vulnerability, &Vulnerability { references, ..Vulnerability::default() });
        }
    }

    /// Adds a fact to a finding that was added before.
    pub fn add_fact(&mut self, finding: usize, name: &'static str, value: &str) {
        if let Some(value) = text::some_text(value) {
            let facts = vec![(name, value)];
            self.more_findings.push(finding, &Finding { facts, ..Finding::default() });
        }
    }

    /// The index of an asset; `None` when it has no name.
    pub fn asset(&mut self, kind: AssetKind, name: &str) -> Option<usize> {
        let name = text::line(name);
        if name.is_empty() {
            return None;
        }
        let (asset, known) = (Asset { kind, name: name.as_str() }, &mut self.report.assets);
        let index = self.assets.of(&asset, known.len(), |index| known.at(index));
        if index == known.len() {
            known.push(&asset);
        }
        Some(index)
    }

    /// The index of a component; `None` when it has no name. Empty version and purl count as absent.
    pub fn component(&mut self, name: &str, version: &str, purl: &str) -> Option<usize> {
        let name = text::line(name);
        if name.is_empty() {
            return None;
        }
        let (version, purl) = (text::some_line(version), text::some_line(purl));
        let component = Component { name: name.as_str(), version: version.as_deref(), purl: purl.as_deref() };
        let known = &mut self.report.components;
        let index = self.components.of(&component, known.len(), |index| known.at(index));
        if index == known.len() {
            known.push(&component);
        }
        Some(index)
    }

    /// The index of what a URL is on: its scheme and host as an application, or the host alone where it has no scheme.
    pub fn asset_of_url(&mut self, url: &str) -> Option<usize> {
        let (kind, name) = asset_of_url(url);
        self.asset(kind, name)
    }

    /// Hands each entry that could be read to `take`, with its place (`/results/3`); the others are noted as lost.
    pub fn each<'a, T: Deserialize<'a>>(
        &mut self,
        entries: Entries<'a, T>,
        path: &str,
        mut take: impl FnMut(&mut Self, &T, Box<str>),
    ) {
        self.each_owned(entries, path, |builder, entry, place| take(builder, &entry, place));
    }

    /// Hands each entry over like [`Self::each`], for good.
    pub fn each_owned<'a, T: Deserialize<'a>>(
        &mut self,
        entries: Entries<'a, T>,
        path: &str,
        mut take: impl FnMut(&mut Self, T, Box<str>),
    ) {
        let mut place = format!("{path}/");
        let list = place.len();
        for (index, entry) in entries.into_iter().enumerate() {
            place.truncate(list);
            place.push_str(&index.to_string());
            if let Some(entry) = self.keep(entry, &place) {
                take(self, entry, place.as_str().into());
            }
        }
    }

    /// Hands each entry of a text to `take`, like [`Self::each`]: of a list, or of documents that follow each other. No
    /// document is what such a tool writes when it finds nothing.
    ///
    /// # Errors
    /// Where the JSON itself is broken or cut off.
    pub fn each_in<'a, T: Deserialize<'a>>(
        &mut self,
        text: &'a str,
        mut take: impl FnMut(&mut Self, &T, Box<str>),
    ) -> Result<(), ParseError> {
        if text.trim_start().starts_with('[') {
            self.each::<T>(json::read(text)?, "", take);
            return Ok(());
        }
        for document in json::documents(text) {
            let (line, entry) = document?;
            let place = format!("line {line}");
            if let Some(entry) = self.keep(entry, &place) {
                take(self, &entry, place.into());
            }
        }
        Ok(())
    }

    /// A key for a vulnerability whose own is no clean line: what is left of it, or its title.
    fn sound_key(&self, key: &str, title: &str) -> String {
        let key = text::line(key);
        if key.is_empty() { text::line(&words::key(&[], &self.report.tool, title)) } else { key }
    }

    /// Adds a finding. What is empty in it counts as absent, and what is put together of raw parts is cleaned.
    pub fn add(&mut self, mut finding: Finding) {
        clean(&mut finding);
        self.fingerprints += usize::from(finding.fingerprint.is_some());
        self.report.findings.push(&finding);
    }

    /// Adds a finding of a vulnerability, which is kept if its key is new; else what differs from the known one is
    /// noted with the finding, and further ids with the vulnerability.
    pub fn add_of(&mut self, vulnerability: Vulnerability, mut finding: Finding) {
        if !text::is_line(&vulnerability.key) {
            let key = self.sound_key(&vulnerability.key, &vulnerability.title);
            return self.add_of(Vulnerability { key, ..vulnerability }, finding);
        }
        let known = &mut self.report.vulnerabilities;
        finding.vulnerability =
            self.vulnerabilities.of(&vulnerability.key.as_str(), known.len(), |index| known.key(index));
        if finding.vulnerability == known.len() {
            known.push(&cleaned(vulnerability));
            return self.add(finding);
        }
        self.add_ids(finding.vulnerability, &vulnerability.ids);
        // What is said here goes before what the vulnerability is called elsewhere.
        let described = finding.description.take().unwrap_or(vulnerability.description);
        self.add_differing(finding, vulnerability.severity, &vulnerability.title, &described);
    }

    /// Adds a finding like [`Self::add_of`], unless there is one that is the same by this print: then what is said here is
    /// added there, with its place if that is another.
    pub fn add_once(&mut self, same: Print, vulnerability: Vulnerability, finding: Finding) {
        match self.once.entry(same) {
            Entry::Occupied(known) => {
                let known = *known.get() as usize;
                self.say_again(known, finding);
            }
            Entry::Vacant(new) => {
                new.insert(self.report.findings.len() as u32);
                self.add_of(vulnerability, finding);
            }
        }
    }

    fn say_again(&mut self, known: usize, finding: Finding) {
        let Some(before) = self.report.findings.get(known) else { return };
        let elsewhere = elsewhere(&before.location, &finding.location.view());
        let facts: Vec<_> = elsewhere.map(|place| ("instance", place)).into_iter().collect();
        let description = finding.description.as_deref().and_then(text::some_text);
        if description.is_some() || !facts.is_empty() {
            self.more_findings.push(known, &Finding { description, facts, ..Finding::default() });
        }
    }

    /// Adds a finding, and notes severity, title and description where they differ from its vulnerability's.
    pub fn add_differing(&mut self, mut finding: Finding, severity: Severity, title: &str, description: &str) {
        if let Some(vulnerability) = self.report.vulnerabilities.beginning::<Glance>(finding.vulnerability) {
            finding.severity = (vulnerability.severity != severity).then_some(severity);
            // Most are equal as they stand; only others are cleaned for the comparison.
            if title != vulnerability.title {
                finding.title = text::some(text::title(title)).filter(|title| *title != vulnerability.title);
            }
            if description != vulnerability.description {
                let cleaned = text::some(text::text(description));
                finding.description = cleaned.filter(|text| *text != vulnerability.description);
            }
        }
        self.add(finding);
    }

    /// The entry, if it could be read; else its loss is noted.
    pub fn keep<T>(&mut self, entry: Result<T, Box<str>>, place: impl fmt::Display) -> Option<T> {
        match entry {
            Ok(entry) => Some(entry),
            Err(detail) => {
                self.lose(place, &detail);
                None
            }
        }
    }

    /// Notes that an entry was lost.
    pub fn lose(&mut self, place: impl fmt::Display, detail: &str) {
        self.note(place, detail, true);
    }

    /// Notes a doubt that cost no entry.
    pub fn warn(&mut self, place: impl fmt::Display, detail: &str) {
        self.note(place, detail, false);
    }

    fn note(&mut self, place: impl fmt::Display, detail: &str, lost_entry: bool) {
        let detail = text::title(detail);
        if detail.is_empty() && !lost_entry {
            return;
        }
        if self.report.warnings.len() < WARNING_LIMIT {
            let place = text::title(&place.to_string());
            self.report.warnings.push(Warning { place, detail, lost_entry });
        } else {
            self.warnings_left_out += 1;
            self.lost_left_out |= lost_entry;
        }
    }

    /// The report.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.more_vulnerabilities.join_to(&mut self.report.vulnerabilities, join_vulnerability);
        self.more_findings.join_to(&mut self.report.findings, join_finding);
        self.drop_shared_fingerprints();
        if self.warnings_left_out > 0 {
            self.report.warnings.push(Warning {
                place: "file".to_owned(),
                detail: format!("{} more warnings like these", self.warnings_left_out),
                lost_entry: self.lost_left_out,
            });
        }
        self.report
    }

    /// A fingerprint that several findings share identifies none of them: some tools write the CVE there.
    fn drop_shared_fingerprints(&mut self) {
        if self.fingerprints < 2 {
            return;
        }
        let mut seen: HashMap<&str, bool> = HashMap::with_capacity(self.fingerprints);
        for print in self.report.findings.iter().filter_map(|finding| finding.fingerprint) {
            seen.entry(print).and_modify(|is_shared| *is_shared = true).or_insert(false);
        }
        let shared: HashSet<String> =
            seen.into_iter().filter(|(_, is_shared)| *is_shared).map(|(print, _)| print.to_owned()).collect();
        if !shared.is_empty() {
            self.report.findings.rewrite(|_, mut finding, kept| {
                finding.fingerprint = finding.fingerprint.filter(|print| !shared.contains(*print));
                kept.push(&finding);
            });
        }
    }
}

/// Leaves out what is empty, and cleans what is put together of raw parts.
fn clean(finding: &mut Finding) {
    let place = &mut finding.location;
    let lines = [&mut place.file, &mut place.url, &mut place.method, &mut place.parameter, &mut place.port];
    let others = [&mut place.resource, &mut finding.fingerprint, &mut finding.fixed_version];
    for line in lines.into_iter().chain(others) {
        if line.as_ref().is_some_and(|line| !text::is_line(line)) {
            *line = line.take().and_then(|line| text::some_line(&line));
        }
    }
    let justification = finding.analysis.as_mut().and_then(|analysis| analysis.justification.as_mut());
    let texts = finding.facts.iter_mut().map(|(_, value)| value).chain(justification);
    for text in texts.chain(&mut finding.description).filter(|text| !text::is_clean(text)) {
        *text = text::text(text);
    }
    finding.facts.retain(|(_, value)| !value.is_empty());
}

/// The lines that a list does not hold.
fn unknown(lines: &[String], known: &[&str]) -> Vec<String> {
    let lines = lines.iter().filter(|line| !known.contains(&line.as_str()));
    lines.filter_map(|line| text::some_line(line)).collect()
}

/// A vulnerability with what more is said of it. One entry may know other ids than the next.
fn join_vulnerability(
    known: Vulnerability<&str>,
    additions: &mut dyn Iterator<Item = Vulnerability<&str>>,
    kept: &mut Packed<Vulnerability>,
) {
    let mut known = known;
    for more in additions {
        for (list, items) in [(&mut known.ids, more.ids), (&mut known.references, more.references)] {
            for item in items {
                if list.len() < words::LIST_LIMIT && !list.contains(&item) {
                    list.push(item);
                }
            }
        }
    }
    kept.push(&known);
}

/// A finding with what more is said of it.
fn join_finding(known: Finding<&str>, additions: &mut dyn Iterator<Item = Finding<&str>>, kept: &mut Packed<Finding>) {
    let mut known = known;
    let mut said = known.description.map(Cow::Borrowed);
    for more in additions {
        for fact in more.facts {
            if known.facts.len() < words::LIST_LIMIT && !known.facts.contains(&fact) {
                known.facts.push(fact);
            }
        }
        match (&said, more.description) {
            (None, more) => said = more.map(Cow::Borrowed),
            (Some(before), Some(more)) if before.len() < text::TEXT_LIMIT && !before.contains(more) => {
                said = Some(text::text(&format!("{before}\n\n{more}")).into());
            }
            _ => {}
        }
    }
    kept.push(&Finding { description: said.as_deref(), ..known });
}

/// A vulnerability whose title, ids and links are one clean line each; those that say nothing are left out.
fn cleaned(mut vulnerability: Vulnerability) -> Vulnerability {
    if !text::is_title(&vulnerability.title) {
        vulnerability.title = text::title(&vulnerability.title);
    }
    for list in [&mut vulnerability.ids, &mut vulnerability.references] {
        for item in list.iter_mut().filter(|item| !text::is_line(item)) {
            *item = text::line(item);
        }
        list.retain(|item| !item.is_empty());
    }
    vulnerability
}

/// Finds what a list holds, without a second copy of it: by its hash, then by a look into the list.
#[derive(Debug, Default)]
struct Index {
    hasher: RandomState,
    /// Hashes with places. The table grows by the hashes alone.
    places: HashTable<(u32, u32)>,
}

impl Index {
    /// Where the item with this key is, by what `key_at` finds in the list; `next`, noted for it, when it is new.
    fn of<K: Hash + Eq>(&mut self, key: &K, next: usize, key_at: impl Fn(usize) -> K) -> usize {
        let hash = self.hasher.hash_one(key) as u32;
        let is_same = |(known, place): &(u32, u32)| *known == hash && key_at(*place as usize) == *key;
        let entry = self.places.entry(spread(hash), is_same, |(known, _)| spread(*known));
        entry.or_insert((hash, next as u32)).get().1 as usize
    }
}

/// A hash of 64 bits, both ends of which the table looks at. The factor is that of Fibonacci hashing.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What a URL is on: scheme and host, or the host alone.
fn asset_of_url(url: &str) -> (AssetKind, &str) {
    (if url.contains("://") { AssetKind::Application } else { AssetKind::Host }, words::origin(url))
}

/// Where something is found besides a known place: `GET https://shop.example.com/cart (id)`, `8443/tcp`.
fn elsewhere(known: &Location<&str>, other: &Location<&str>) -> Option<String> {
    if known == other {
        return None;
    }
    let parameter = other.parameter.map(|name| format!("({name})"));
    let parts = [other.method, other.url, parameter.as_deref(), other.port];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    text::some_line(&parts.join(" "))
}

/// What makes two entries the same: a print in place of their texts, of which a list would have a second copy.
pub type Print = [u8; 16];

/// The print of what makes two entries the same.
#[must_use]
pub fn print_of(same: impl Hash) -> Print {
    let mut hasher = Xxh3::new();
    same.hash(&mut hasher);
    hasher.digest128().to_be_bytes()
}

/// The facts that are known, of all that a format may give.
pub fn facts(known: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    let mut facts: Vec<_> = known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    facts.shrink_to_fit();
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_each_vulnerability_asset_and_component_once() {
        let mut builder = ReportBuilder::new("Tool");
        for _ in 0..3 {
            let vulnerability =
                builder.vulnerability("CVE-2026-1", || Vulnerability { title: "t".into(), ..Default::default() });
            let asset = builder.asset(AssetKind::Image, "web");
            let component = builder.component("zlib", "1.2", "");
            builder.add(Finding { vulnerability, asset, component, ..Finding::default() });
        }
        assert_eq!(builder.component(" ", "1", ""), None);
        let report = builder.finish();
        assert_eq!((report.vulnerabilities.len(), report.assets.len(), report.components.len()), (1, 1, 1));
        assert_eq!(report.findings.len(), 3);
        assert_eq!(report.vulnerabilities.key(0), "CVE-2026-1");
    }

    #[test]
    fn cuts_and_cleans_what_is_put_together_of_raw_parts() {
        let mut builder = ReportBuilder::new("Tool");
        let (long, ids) = (format!("a\n{}", "b".repeat(2 * text::LINE_LIMIT)), vec!["x".repeat(2 * text::LINE_LIMIT)]);
        let vulnerability = builder.vulnerability(&long.replace('\n', ""), || Vulnerability {
            title: long.replace('\n', ""),
            ids,
            ..Vulnerability::default()
        });
        let location = Location { url: Some(long.clone()), parameter: Some("\n".into()), ..Location::default() };
        builder.add(Finding { vulnerability, location, ..Finding::default() });
        let report = builder.finish();
        let (known, finding) = (report.vulnerabilities.at(0), report.findings.at(0));
        for (line, limit) in [(known.key, 4_096), (known.ids[0], 4_096), (known.title, 500)] {
            assert_eq!(line.len(), limit + '…'.len_utf8());
        }
        assert_eq!(finding.location.url, Some(text::line(&long).as_str()));
        assert_eq!(finding.location.parameter, None);
    }

    #[test]
    fn keeps_every_id_that_a_vulnerability_has_anywhere() {
        let mut builder = ReportBuilder::new("Tool");
        for ids in [["CVE-2026-1", "GHSA-aaaa-bbbb-cccc"], ["CVE-2026-1", "ELSA-2026-1"]] {
            let ids = ids.map(str::to_owned).to_vec();
            let vulnerability = Vulnerability { key: "CVE-2026-1".into(), ids, ..Default::default() };
            builder.add_of(vulnerability, Finding::default());
        }
        let report = builder.finish();
        assert_eq!(report.vulnerabilities.at(0).ids, ["CVE-2026-1", "GHSA-aaaa-bbbb-cccc", "ELSA-2026-1"]);
    }

    #[test]
    fn notes_only_what_differs_from_the_vulnerability() {
        let mut builder = ReportBuilder::new("Tool");
        let make = || Vulnerability { title: "t".into(), severity: Severity::Low, ..Default::default() };
        let vulnerability = builder.vulnerability("k", make);
        builder.add_differing(Finding { vulnerability, ..Finding::default() }, Severity::Low, "t", "");
        builder.add_differing(Finding { vulnerability, ..Finding::default() }, Severity::High, "u", "d");
        let report = builder.finish();
        let first = report.findings.at(0);
        assert_eq!((first.severity, first.title, first.description), (None, None, None));
        let second = report.findings.at(1);
        assert_eq!(second.severity, Some(Severity::High));
        assert_eq!((second.title, second.description), (Some("u"), Some("d")));
    }

    #[test]
    fn keeps_the_first_of_a_key_and_notes_how_the_next_differs() {
        let mut builder = ReportBuilder::new("Tool");
        for (severity, description) in [(Severity::Low, "d"), (Severity::High, "e")] {
            let (key, description) = ("k".to_owned(), description.to_owned());
            let vulnerability = Vulnerability { key, description, severity, ..Default::default() };
            builder.add_of(vulnerability, Finding { description: Some("said".into()), ..Finding::default() });
        }
        let report = builder.finish();
        assert_eq!(report.vulnerabilities.len(), 1);
        let severities: Vec<_> = report.findings.iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [None, Some(Severity::High)]);
        assert!(report.findings.iter().all(|finding| finding.description == Some("said")));
    }

    #[test]
    fn joins_what_is_said_of_one_finding_in_several_entries() {
        let mut builder = ReportBuilder::new("Tool");
        for (place, message) in [("a", Some("x")), ("b", None), ("a", Some("y")), ("a", Some("x")), ("b", Some("z"))] {
            let finding = Finding { description: message.map(str::to_owned), ..Finding::default() };
            builder.add_once(print_of(place), Vulnerability::default(), finding);
        }
        let report = builder.finish();
        let said: Vec<_> = report.findings.iter().map(|finding| finding.description).collect();
        assert_eq!(said, [Some("x\n\ny"), Some("z")]);
    }

    #[test]
    fn further_facts_are_noted_once_each_up_to_a_limit() {
        let mut builder = ReportBuilder::new("Tool");
        for _ in 0..2 {
            builder.add(Finding::default());
        }
        for number in (0..words::LIST_LIMIT + 50).chain(0..50) {
            builder.add_fact(1, "instance", &number.to_string());
        }
        builder.add_fact(0, "instance", "a");
        builder.add_fact(0, "instance", "a");
        builder.add_fact(0, "instance", " ");
        let report = builder.finish();
        assert_eq!(report.findings.at(0).facts, [("instance", "a")]);
        assert_eq!(report.findings.at(1).facts.len(), words::LIST_LIMIT);
    }

    #[test]
    fn a_fingerprint_that_two_findings_share_is_none() {
        let mut builder = ReportBuilder::new("Tool");
        for print in ["a", "b", "a"] {
            builder.add(Finding { fingerprint: Some(print.to_owned()), ..Finding::default() });
        }
        let report = builder.finish();
        let prints: Vec<_> = report.findings.iter().map(|finding| finding.fingerprint).collect();
        assert_eq!(prints, [None, Some("b"), None]);
    }

    #[test]
    fn a_flood_of_losses_is_counted_and_still_counts_as_loss() {
        let mut builder = ReportBuilder::new("Tool");
        for n in 0..WARNING_LIMIT {
            builder.warn(format_args!("line {n}"), "odd");
        }
        builder.lose("line 999", "broken");
        let warnings = builder.finish().warnings;
        assert_eq!(warnings.len(), WARNING_LIMIT + 1);
        assert!(warnings[WARNING_LIMIT].lost_entry);
    }

    #[test]
    fn a_url_is_on_its_host() {
        for (url, expected) in [
            ("https://shop.example.com:8443/a?b=c", (AssetKind::Application, "https://shop.example.com:8443")),
            ("localhost", (AssetKind::Host, "localhost")),
            ("10.0.0.1:80/x", (AssetKind::Host, "10.0.0.1:80")),
        ] {
            assert_eq!(asset_of_url(url), expected);
        }
    }
}
