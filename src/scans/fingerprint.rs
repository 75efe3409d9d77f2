//! What makes two findings the same, scan after scan. Pure and versioned.
//!
//! Two prints per finding. The *computed* one is made of the vulnerability and its normalised place: asset, component
//! with version, file without line plus the code there, URL without query. The *tool's* one is what the tool itself
//! calls the finding. Either may match, so a tool that changes its prints does not reopen the world, and a finding
//! that moves by some lines stays what it is. Equals are told apart by their order: two results of one rule in one
//! file stay two.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Binary;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use crate::base::severity::Severity;
use crate::reports::report::{Finding, Glance, Report};

/// The version of the recipe below, mixed into every print.
const VERSION: u8 = 1;

/// A hash map for keys that are hashes already.
pub type PrintMap<V> = HashMap<Print, V, BuildHasherDefault<PrintHasher>>;

/// Takes the first eight bytes of a print as they are: they are evenly spread.
#[derive(Default)]
pub struct PrintHasher(u64);

impl Hasher for PrintHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, head: u64) {
        self.0 = head;
    }
}

/// A fingerprint: 128 bits, stored as 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct Print([u8; 16]);

impl Print {
    /// The print of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes).to_be_bytes())
    }

    /// As stored.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// The print of the `ordinal`-th finding with this print: the first keeps it.
    #[must_use]
    pub fn nth(self, ordinal: u32) -> Self {
        if ordinal == 0 {
            return self;
        }
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(&self.0);
        bytes[16..].copy_from_slice(&ordinal.to_be_bytes());
        Self::of(&bytes)
    }
}

impl Hash for Print {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl<DB: Backend> ToSql<Binary, DB> for Print
where
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.as_slice().to_sql(out)
    }
}

impl<DB: Backend> FromSql<Binary, DB> for Print
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, DB>>::from_sql(bytes)?;
        let bytes = bytes.try_into().map_err(|bytes: Vec<u8>| format!("a fingerprint of {} bytes", bytes.len()))?;
        Ok(Self(bytes))
    }
}

/// The prints of one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prints {
    /// Made by Patchbay.
    pub computed: Print,
    /// Made by the tool, where it makes one.
    pub tool: Option<Print>,
    /// Of all that a scan writes to the observation.
    pub content: i64,
}

/// The prints of a report's findings, in their order. `default_asset` names the asset of findings that name none.
#[must_use]
pub fn of_report(report: &Report, default_asset: &str) -> Vec<Prints> {
    let mut seen: PrintMap<u32> =
        HashMap::with_capacity_and_hasher(report.findings.len(), BuildHasherDefault::default());
    let mut ordinal = |print: Print| {
        let count = seen.entry(print).or_insert(0);
        let nth = print.nth(*count);
        *count += 1;
        nth
    };
    let subjects: Vec<Subject> =
        (0..report.vulnerabilities.len()).map(|index| Subject::of(report.glance(index))).collect();
    let mut buffer = Vec::with_capacity(1024);
    let mut prints = Vec::with_capacity(report.findings.len());
    for finding in report.findings.iter() {
        let subject = subjects.get(finding.vulnerability).copied().unwrap_or_default();
        start(&mut buffer, subject, &finding, report, default_asset);
        let shared = buffer.len();
        put_place(&mut buffer, &finding);
        let computed = ordinal(Print::of(&buffer));
        let tool = finding.fingerprint.map(|own| {
            buffer.truncate(shared);
            put(&mut buffer, b'T', own.as_bytes());
            ordinal(Print::of(&buffer))
        });
        prints.push(Prints { computed, tool, content: content(&finding, subject) });
    }
    prints
}

/// What of its vulnerability goes into a finding's prints.
#[derive(Debug, Clone, Copy, Default)]
struct Subject {
    key: u64,
    severity: Severity,
}

impl Subject {
    fn of(vulnerability: Glance<'_>) -> Self {
        Self { key: xxh3_64(vulnerability.key.as_bytes()), severity: vulnerability.severity }
    }
}

/// The part that both prints share: which vulnerability, on what.
fn start(buffer: &mut Vec<u8>, subject: Subject, finding: &Finding<&str>, report: &Report, default_asset: &str) {
    buffer.clear();
    buffer.push(VERSION);
    buffer.extend_from_slice(&subject.key.to_be_bytes());
    let asset = finding.asset.and_then(|index| report.assets.get(index));
    put(buffer, b'a', asset.map_or(default_asset, |asset| asset.name).as_bytes());
    if let Some(component) = finding.component.and_then(|index| report.components.get(index)) {
        put(buffer, b'c', component.name.as_bytes());
        put(buffer, b'v', component.version.unwrap_or_default().as_bytes());
    }
}

fn put_place(buffer: &mut Vec<u8>, finding: &Finding<&str>) {
    let location = &finding.location;
    let mut put_text = |tag, text: Option<&str>| {
        if let Some(text) = text {
            put(buffer, tag, text.as_bytes());
        }
    };
    put_text(b'f', location.file);
    put_text(b'm', location.method);
    put_text(b'p', location.parameter);
    put_text(b'o', location.port);
    put_text(b'r', location.resource);
    if let Some(url) = location.url {
        put(buffer, b'u', url.split(['?', '#']).next().unwrap_or_default().as_bytes());
    }
    if let (Some(_), Some(snippet)) = (location.file, location.snippet) {
        put_squeezed(buffer, snippet);
    }
}

/// Code without its white space: a reformatted line is the same line.
fn put_squeezed(buffer: &mut Vec<u8>, code: &str) {
    buffer.push(b's');
    buffer.extend(code.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    buffer.push(0);
}

fn put(buffer: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    buffer.push(tag);
    buffer.extend_from_slice(bytes);
    buffer.push(0);
}

/// A hash of all that a scan writes: tells an updated observation from an unchanged one.
fn content(finding: &Finding<&str>, subject: Subject) -> i64 {
    let mut hasher = Xxh3::new();
    hasher.update(&subject.key.to_be_bytes());
    hasher.update(&finding.severity.unwrap_or(subject.severity).rank().to_be_bytes());
    let location = &finding.location;
    let texts = [
        finding.title,
        finding.description,
        finding.fixed_version,
        location.file,
        location.snippet,
        location.url,
        location.method,
        location.parameter,
        location.port,
        location.resource,
    ];
    for (tag, text) in (0u8..).zip(texts) {
        if let Some(text) = text {
            hasher.update(&[0, tag]);
            hasher.update(text.as_bytes());
        }
    }
    for number in [location.line, location.end_line].into_iter().flatten() {
        hasher.update(&number.to_be_bytes());
    }
    if let Some(analysis) = &finding.analysis {
        hasher.update(&[0xff, analysis.state as u8]);
        hasher.update(analysis.justification.unwrap_or_default().as_bytes());
    }
    for (name, value) in &finding.facts {
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        hasher.update(value.as_bytes());
    }
    hasher.digest().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::report::{Location, Vulnerability};

    fn report(findings: Vec<Finding>) -> Report {
        let rule = Vulnerability { key: "tool:rule".to_owned(), ..Vulnerability::default() };
        let (vulnerabilities, findings) = ([rule].into_iter().collect(), findings.into_iter().collect());
        Report { vulnerabilities, findings, ..Report::default() }
    }

    fn at(file: &str, line: u32, snippet: &str) -> Finding {
        let location = Location {
            file: Some(file.to_owned()),
            line: Some(line),
            snippet: Some(snippet.to_owned()),
            ..Location::default()
        };
        Finding { location, ..Finding::default() }
    }

    #[test]
    fn a_finding_that_moves_by_lines_keeps_its_print_but_not_its_content() {
        let before = of_report(&report(vec![at("a.rs", 10, "x = f(y)")]), "shop");
        let after = of_report(&report(vec![at("a.rs", 14, "    x = f(y)")]), "shop");
        assert_eq!(before[0].computed, after[0].computed);
        assert_ne!(before[0].content, after[0].content);
    }

    #[test]
    fn equals_in_one_file_stay_apart() {
        let prints = of_report(&report(vec![at("a.rs", 1, "f()"), at("a.rs", 9, "f()")]), "shop");
        assert_ne!(prints[0].computed, prints[1].computed);
    }

    #[test]
    fn place_and_asset_tell_findings_apart() {
        let here = of_report(&report(vec![at("a.rs", 1, "f()")]), "shop")[0].computed;
        assert_ne!(here, of_report(&report(vec![at("b.rs", 1, "f()")]), "shop")[0].computed);
        assert_ne!(here, of_report(&report(vec![at("a.rs", 1, "g()")]), "shop")[0].computed);
        assert_ne!(here, of_report(&report(vec![at("a.rs", 1, "f()")]), "mail")[0].computed);
    }
}
