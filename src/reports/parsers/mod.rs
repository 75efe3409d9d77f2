//! The formats, one file each, and how one is picked: by what the content shows, or by name.

mod acunetix;
mod anchore_engine;
mod anchore_grype;
mod aqua;
mod arachni;
mod asff;
mod aws_inspector2;
mod aws_prowler;
mod aws_prowler_v3plus;
mod awssecurityhub;
mod bandit;
mod blackduck;
mod brakeman;
mod bundler_audit;
mod burp;
mod cargo_audit;
mod checkmarx;
mod checkmarx_one;
mod checkov;
mod clair;
mod composer_audit;
mod csaf;
mod cyclonedx;
mod dependency_check;
mod dependency_track;
mod detect_secrets;
mod dockerbench;
mod dockle;
mod eslint;
mod fortify;
mod generic;
mod generic_csv;
mod generic_json;
mod ggshield;
mod github_sast;
mod github_secrets_detection_report;
mod github_vulnerability;
mod gitlab;
mod gitleaks;
mod gosec;
mod govulncheck;
mod h1;
mod hadolint;
mod harbor_vulnerability;
mod horusec;
mod jfrog_xray_unified;
mod jfrogxray;
mod kics;
mod kubeaudit;
mod kubebench;
mod kubescape;
mod mend;
mod nexpose;
mod nikto;
mod nmap;
mod npm_advisory;
mod npm_audit;
mod npm_audit_7_plus;
mod nuclei;
mod openvas;
mod openvex;
mod osv_scanner;
mod patchbay_csv;
mod pip_audit;
mod pmd;
mod pnpm_audit;
mod prowler;
mod qualys;
mod qualys_webapp;
mod retirejs;
mod sarif;
mod scout_suite;
mod semgrep;
mod semgrep_pro;
mod snyk;
mod sonarqube;
mod spdx;
mod spotbugs;
mod sslyze;
mod stackhawk;
mod sysdig_reports;
mod tenable;
mod terrascan;
mod testssl;
mod tfsec;
mod trivy;
mod trivy_operator;
mod trufflehog;
mod twistlock;
mod veracode;
mod veracode_sca;
mod wapiti;
mod wiz;
mod wpscan;
mod yarn_audit;
mod zap;

use std::borrow::Cow;

use crate::reports::builder::ReportBuilder;
use crate::reports::companion::{Companion, Notes};
use crate::reports::decode::{self, Document, Source};
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::{json, text};
use crate::reports::report::{ParsedFile, Report, Warning};
use crate::reports::sniff::{Sniff, Syntax};

/// Every format, by name.
pub const PARSERS: &[Parser] = &[
    acunetix::PARSER,
    anchore_engine::PARSER,
    anchore_grype::PARSER,
    aqua::PARSER,
    arachni::PARSER,
    asff::PARSER,
    aws_inspector2::PARSER,
    aws_prowler::PARSER,
    aws_prowler_v3plus::PARSER,
    awssecurityhub::PARSER,
    bandit::PARSER,
    blackduck::PARSER,
    brakeman::PARSER,
    bundler_audit::PARSER,
    burp::PARSER,
    cargo_audit::PARSER,
    checkmarx::PARSER,
    checkmarx_one::PARSER,
    checkov::PARSER,
    clair::PARSER,
    composer_audit::PARSER,
    csaf::PARSER,
    cyclonedx::PARSER,
    dependency_check::PARSER,
    dependency_track::PARSER,
    detect_secrets::PARSER,
    dockerbench::PARSER,
    dockle::PARSER,
    eslint::PARSER,
    fortify::PARSER,
    generic_csv::PARSER,
    generic_json::PARSER,
    ggshield::PARSER,
    github_sast::PARSER,
    github_secrets_detection_report::PARSER,
    github_vulnerability::PARSER,
    gitlab::PARSER,
    gitleaks::PARSER,
    gosec::PARSER,
    govulncheck::PARSER,
    h1::PARSER,
    hadolint::PARSER,
    harbor_vulnerability::PARSER,
    horusec::PARSER,
    jfrog_xray_unified::PARSER,
    jfrogxray::PARSER,
    kics::PARSER,
    kubeaudit::PARSER,
    kubebench::PARSER,
    kubescape::PARSER,
    mend::PARSER,
    nexpose::PARSER,
    nikto::PARSER,
    nmap::PARSER,
    npm_audit::PARSER,
    npm_audit_7_plus::PARSER,
    nuclei::PARSER,
    openvas::PARSER,
    openvex::PARSER,
    osv_scanner::PARSER,
    patchbay_csv::PARSER,
    pip_audit::PARSER,
    pmd::PARSER,
    pnpm_audit::PARSER,
    prowler::PARSER,
    qualys::PARSER,
    qualys_webapp::PARSER,
    retirejs::PARSER,
    sarif::PARSER,
    scout_suite::PARSER,
    semgrep::PARSER,
    semgrep_pro::PARSER,
    snyk::PARSER,
    sonarqube::PARSER,
    spdx::PARSER,
    spotbugs::PARSER,
    sslyze::PARSER,
    stackhawk::PARSER,
    sysdig_reports::PARSER,
    tenable::PARSER,
    terrascan::PARSER,
    testssl::PARSER,
    tfsec::PARSER,
    trivy::PARSER,
    trivy_operator::PARSER,
    trufflehog::PARSER,
    twistlock::PARSER,
    veracode::PARSER,
    veracode_sca::PARSER,
    wapiti::PARSER,
    wiz::PARSER,
    wpscan::PARSER,
    yarn_audit::PARSER,
    zap::PARSER,
];

/// What else of an archive is read, beside reports.
const COMPANIONS: &[Companion] = &[blackduck::FILES, fortify::VERDICTS];

/// Reads a report of the given format, or of the one that its content shows.
///
/// # Errors
/// See [`ParseError`]; each names its place or what is missing.
pub fn parse(bytes: &[u8], format: Option<&str>) -> Result<ParsedFile, ParseError> {
    let text = text_of(bytes);
    let parser = choose(&text, format.map(by_name).transpose()?)?;
    Ok(ParsedFile { format: parser.name, reports: read(parser, &text)? })
}

/// The format that was asked for, if the content shows something of it, or the one that the content shows.
fn choose(text: &str, asked: Option<&'static Parser>) -> Result<&'static Parser, ParseError> {
    match asked {
        Some(parser) => expect_signs(parser, text).map(|()| parser),
        None => recognise(text),
    }
}

/// Reads a text. Where that costs an entry or more it may be for half a character in a string, which a tool cut there:
/// then the text is read again without such.
fn read(parser: &Parser, text: &str) -> Result<Vec<Report>, ParseError> {
    let first = (parser.parse)(text);
    let has_lost = |report: &Report| report.warnings.iter().any(|warning| warning.lost_entry);
    if first.as_ref().is_ok_and(|reports| !reports.iter().any(has_lost)) {
        return first;
    }
    json::without_lone_surrogates(text).map_or(first, |mended| (parser.parse)(&mended))
}

/// That the content shows something of the format that was asked for. A proxy's page of regret or an API's refusal would
/// else count as a report without findings, since most of a format may be missing.
fn expect_signs(parser: &Parser, text: &str) -> Result<(), ParseError> {
    let first = Sniff::first(text);
    let shows = |sniff: &Sniff<'_>| {
        let mut shapes = parser.shapes.iter();
        // A table may be cut off behind the columns that it is known by; but some tools end a header without rows so, too.
        let may_be_full = sniff.syntax() != Syntax::Table || !text.contains(['\n', '\r']);
        let is_full = |shape: &[Sign]| may_be_full && shape.iter().all(|sign| sign.holds(sniff));
        shapes.any(|shape| is_full(shape) || shape.iter().any(|sign| sign.begins(sniff)))
    };
    // Go's tools write `null` for a list of nothing.
    if first.says_nothing()
        || text.trim() == "null"
        || shows(&first)
        || (!first.is_whole() && shows(&Sniff::whole(text)))
    {
        return Ok(());
    }
    Err(ParseError::unfit("file", format!("nothing in it is of the format {}", parser.name)))
}

/// Reads an upload: plain, compressed, or a zip of reports, whose reports are put together.
///
/// A zip member of no known format is a warning, as long as another one is a report, unless the archive is of a tool's own
/// making. An archive of folders alone is what a pipeline packs that found no report; it stands for a run that failed, so
/// that nothing is resolved by it.
///
/// # Errors
/// See [`ParseError`]; `TooLarge` beyond `limit_bytes` decoded bytes.
pub fn parse_source(source: Source, format: Option<&str>, limit_bytes: u64) -> Result<ParsedFile, ParseError> {
    let asked = format.map(by_name).transpose()?;
    let mut upload = Upload::default();
    decode::documents(source, limit_bytes, &mut |document| upload.take(document, asked))?;
    upload.finish(asked)
}

/// What was read of an upload.
#[derive(Default)]
struct Upload {
    whole: Option<ParsedFile>,
    notes: Vec<(&'static Companion, Notes)>,
    /// The members that are no report, and why not.
    strangers: Vec<(String, ParseError)>,
}

impl Upload {
    fn take(&mut self, document: Document, asked: Option<&'static Parser>) -> Result<(), ParseError> {
        let text = text_of(&document.bytes);
        let chosen = choose(&text, asked);
        let is_chosen = chosen.is_ok();
        let error = match chosen.and_then(|parser| Ok((parser.name, read(parser, &text)?))) {
            Ok((format, mut reports)) => {
                let member = document.member.as_deref().and_then(text::some_line);
                reports.iter_mut().for_each(|report| report.member.clone_from(&member));
                let whole = self.whole.get_or_insert_with(|| ParsedFile { format, ..ParsedFile::default() });
                whole.reports.extend(reports);
                return Ok(());
            }
            Err(error) => error,
        };
        let is_broken = is_chosen && !matches!(error, ParseError::Unrecognised { .. }) && !text.trim().is_empty();
        let Some(member) = document.member.filter(|_| !is_broken) else { return Err(error) };
        let sniff = Sniff::first(&text);
        match COMPANIONS.iter().find(|companion| companion.fits(&sniff)) {
            Some(companion) => self.notes.push((companion, (companion.read)(&text)?)),
            None => self.strangers.push((member, error)),
        }
        Ok(())
    }

    fn finish(mut self, asked: Option<&'static Parser>) -> Result<ParsedFile, ParseError> {
        let Some(mut whole) = self.whole else {
            return match (self.notes.first(), self.strangers.pop()) {
                (Some((companion, _)), _) => Err(without_report(&format!("only what goes with {}", companion.of))),
                (None, Some((_, error))) if self.strangers.is_empty() => Err(error),
                (None, Some((member, error))) => Err(without_report(&format!("{member}: {error}"))),
                (None, None) => Ok(folders_alone(asked)),
            };
        };
        self.notes.retain(|(companion, _)| companion.of == whole.format);
        for (companion, notes) in &mut self.notes {
            whole.reports.iter_mut().for_each(|report| notes.add_to(report, companion.name));
        }
        // What else is in an archive of a tool's own making is known to be no report.
        let is_own = COMPANIONS.iter().any(|companion| companion.of == whole.format);
        if let Some(report) = whole.reports.first_mut().filter(|_| !is_own) {
            report.warnings.extend(self.strangers.into_iter().map(|(place, error)| Warning {
                place,
                detail: error.to_string(),
                lost_entry: false,
            }));
        }
        Ok(whole)
    }
}

fn without_report(what: &str) -> ParseError {
    ParseError::Unrecognised { detail: format!("no file in the archive is a report; {what}") }
}

fn folders_alone(asked: Option<&'static Parser>) -> ParsedFile {
    let mut builder = ReportBuilder::new(asked.map_or("unknown", |parser| parser.tool));
    builder.head().failed = true;
    builder.warn("archive", "there is no file in it");
    ParsedFile { format: asked.map_or("", |parser| parser.name), reports: vec![builder.finish()] }
}

/// The bytes as text. UTF-8 is the rule; a stray byte becomes `U+FFFD` and costs nothing else.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The lossy reader goes byte by byte even where nothing is to be replaced.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The format of a name: its own, or a scan-type name of DefectDojo.
///
/// # Errors
/// `UnknownFormat` with the nearest names.
pub fn by_name(name: &str) -> Result<&'static Parser, ParseError> {
    let wanted = name.trim().to_lowercase().replace([' ', '-'], "_");
    let answers_to = |parser: &&Parser| {
        parser.name == wanted || parser.defectdojo_names.iter().any(|known| known.eq_ignore_ascii_case(name.trim()))
    };
    PARSERS.iter().find(answers_to).ok_or_else(|| {
        let mut names: Vec<&'static str> = PARSERS.iter().map(|parser| parser.name).collect();
        names.sort_by(|a, b| strsim::jaro_winkler(b, &wanted).total_cmp(&strsim::jaro_winkler(a, &wanted)));
        names.truncate(3);
        ParseError::UnknownFormat { name: name.chars().take(80).collect(), nearest: names }
    })
}

/// The format whose signs the content shows. Reads the first kilobytes; only if they show none, all of it.
///
/// # Errors
/// `Unrecognised`, with the nearest candidates and what each misses.
pub fn recognise(text: &str) -> Result<&'static Parser, ParseError> {
    let first = Sniff::first(text);
    match pick(&first) {
        Err(_) if !first.is_whole() && first.syntax() == Syntax::Json => pick(&Sniff::whole(text)),
        picked => picked,
    }
}

/// One shape of one format, compared with the content.
struct Candidate {
    parser: &'static Parser,
    weight: u32,
    missing: Vec<Sign>,
    total: usize,
}

impl Candidate {
    fn of(parser: &'static Parser, shape: &[Sign], sniff: &Sniff<'_>) -> Self {
        let (shown, missing): (Vec<Sign>, Vec<Sign>) = shape.iter().partition(|sign| sign.holds(sniff));
        Self { parser, weight: shown.iter().map(Sign::weight).sum(), missing, total: shape.len() }
    }

    fn is_full(&self) -> bool {
        self.missing.is_empty()
    }

    fn describe(&self) -> String {
        let missing: Vec<String> = self.missing.iter().map(Sign::to_string).collect();
        format!("{} (missing {})", self.parser.name, missing.join(", "))
    }
}

fn pick(sniff: &Sniff<'_>) -> Result<&'static Parser, ParseError> {
    if sniff.syntax() == Syntax::Empty {
        return Err(ParseError::Unrecognised { detail: "the file is empty".to_owned() });
    }
    let mut candidates: Vec<Candidate> = PARSERS
        .iter()
        .flat_map(|parser| parser.shapes.iter().map(|shape| Candidate::of(parser, shape, sniff)))
        .filter(|candidate| candidate.weight > 0)
        .collect();
    candidates.sort_by_key(|candidate| (!candidate.is_full(), std::cmp::Reverse(candidate.weight)));
    let mut full = candidates.iter().filter(|candidate| candidate.is_full());
    match (full.next(), full.find(|other| other.parser.name != candidates[0].parser.name)) {
        (Some(best), Some(second)) if best.weight == second.weight => Err(ambiguous(best, second)),
        (Some(best), _) => Ok(best.parser),
        (None, _) => Err(unrecognised(sniff, &candidates)),
    }
}

fn ambiguous(best: &Candidate, second: &Candidate) -> ParseError {
    let (best, second) = (best.parser.name, second.parser.name);
    ParseError::Unrecognised {
        detail: format!("the content fits both {best} and {second}; say which with format={best}"),
    }
}

fn unrecognised(sniff: &Sniff<'_>, candidates: &[Candidate]) -> ParseError {
    let syntax = match sniff.syntax() {
        Syntax::Json => "JSON",
        Syntax::Xml => "XML",
        Syntax::Table | Syntax::Empty => "text",
    };
    let mut near: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.missing.len() < candidate.total).collect();
    near.sort_by_key(|candidate| {
        (candidate.missing.len() * 100 / candidate.total, std::cmp::Reverse(candidate.weight))
    });
    let near: Vec<String> = near.into_iter().take(3).map(Candidate::describe).collect();
    let seen = match sniff.first_level() {
        keys if keys.is_empty() => String::new(),
        keys => format!(" with {}", text::title(&keys.join(", "))),
    };
    let nearest = if near.is_empty() { String::new() } else { format!("; nearest: {}", near.join("; ")) };
    ParseError::Unrecognised { detail: format!("no known report format: {syntax}{seen}{nearest}") }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::reports::report::AnalysisState;

    #[test]
    fn every_example_is_recognised_and_read() {
        for parser in PARSERS {
            let parsed =
                parse(parser.example.as_bytes(), None).unwrap_or_else(|error| panic!("{}: {error}", parser.name));
            assert_eq!(parsed.format, parser.name);
            assert!(!parsed.reports.is_empty(), "{}", parser.name);
        }
    }

    fn zip(members: &[(&str, &str)]) -> Source {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        Source::Bytes(writer.finish().unwrap().into_inner())
    }

    #[test]
    fn an_archive_of_folders_alone_is_a_run_that_failed() {
        for (format, tool) in [(None, "unknown"), (Some("sarif"), by_name("sarif").unwrap().tool)] {
            let parsed = parse_source(zip(&[("reports/", "")]), format, 1_000).unwrap();
            assert_eq!(parsed.format, format.unwrap_or_default());
            let report = &parsed.reports[0];
            assert_eq!((report.tool.as_str(), report.failed, report.warnings.len()), (tool, true, 1));
        }
    }

    #[test]
    fn an_archive_without_a_report_says_so() {
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[], "the archive is empty"),
            (&[("a.json", "{}")], "no known report format"),
            (&[("a.txt", "a"), ("b.txt", "b")], "no file in the archive is a report; b.txt: "),
            (&[("VERSION", "4.4"), ("audit.xml", VERDICTS)], "only what goes with fortify"),
        ];
        for (members, expected) in cases {
            for format in [None, Some("fortify")] {
                let error = parse_source(zip(members), format, 1_000).expect_err(expected).to_string();
                assert!(format.is_some() || error.contains(expected), "{error}");
            }
        }
    }

    const VERDICTS: &str = r#"<a:Audit xmlns:a="xmlns://www.fortify.com/schema/audit"><a:IssueList>
        <a:Issue instanceId="1" suppressed="true"/><a:Issue instanceId="2"/></a:IssueList></a:Audit>"#;

    #[test]
    fn what_else_is_in_an_archive_speaks_of_its_findings_whatever_the_order() {
        let scan = r#"<FVDL><Vulnerability><ClassInfo><Type>A</Type></ClassInfo><InstanceInfo><InstanceID>1</InstanceID>
            </InstanceInfo></Vulnerability></FVDL>"#;
        let (scan, verdicts, version) = (("audit.fvdl", scan), ("audit.xml", VERDICTS), ("VERSION", "4.4"));
        for members in [[scan, verdicts, version], [version, verdicts, scan]] {
            for format in [None, Some("Fortify Scan")] {
                let parsed = parse_source(zip(&members), format, 10_000).unwrap();
                let [report] = &parsed.reports[..] else { panic!("{} reports", parsed.reports.len()) };
                let state = report.findings.at(0).analysis.as_ref().map(|analysis| analysis.state);
                assert_eq!((state, &report.warnings[..]), (Some(AnalysisState::RiskAccepted), &[][..]));
            }
        }
    }

    #[test]
    fn the_files_of_a_component_come_from_the_table_beside_its_vulnerabilities() {
        let security = "Project id,Channel version id,Project name,Channel version origin id,Vulnerability id,Security Risk\n\
                        p,c1,zlib,zlib/1.2,CVE-2026-10001,HIGH\np,c2,pad,pad/1,CVE-2026-10002,LOW\n";
        let files = "Project id,Channel version id,Match content,Path,Archive context\n\
                     p,c1,,/lib/z.so,/web.zip!\np,c1,,/lib/a.so,\np,c3,,/lib/c.so,\n";
        for format in [None, Some("Blackduck Hub Scan")] {
            let members = [("files.csv", files), ("version.csv", ""), ("security.csv", security), ("a.csv", "Notes\n")];
            let parsed = parse_source(zip(&members), format, 10_000).unwrap();
            let [report] = &parsed.reports[..] else { panic!("{} reports", parsed.reports.len()) };
            let files: Vec<_> = report.findings.iter().map(|finding| finding.location.file).collect();
            assert_eq!(files, [Some("/lib/a.so"), None]);
            assert!(report.findings.at(0).facts.contains(&("instance", "/web.zip!/lib/z.so")));
        }
    }

    #[test]
    fn what_is_no_report_beside_one_is_a_warning_also_where_the_format_is_named() {
        for other in ["read me", "", "{}"] {
            let members = [("other", other), ("report.json", by_name("bandit").unwrap().example)];
            for format in [None, Some("bandit")] {
                let parsed =
                    parse_source(zip(&members), format, 10_000).unwrap_or_else(|error| panic!("{other}: {error}"));
                let found: usize = parsed.reports.iter().map(|report| report.findings.len()).sum();
                assert_eq!((parsed.format, found), ("bandit", 1), "{other}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_sorted() {
        for pair in PARSERS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn a_format_answers_to_its_name_and_its_scan_type() {
        assert_eq!(by_name("SARIF").unwrap().name, "sarif");
        let error = by_name("sariff").unwrap_err();
        assert!(matches!(&error, ParseError::UnknownFormat { nearest, .. } if nearest[0] == "sarif"), "{error}");
    }

    #[test]
    fn says_what_unknown_content_misses() {
        let error = parse(br#"{"version": "2.0.0", "runs": [{"tool": {}}]}"#, None).unwrap_err().to_string();
        assert!(error.contains("nearest: sarif (missing"), "{error}");
        let error = parse(b"  ", None).unwrap_err().to_string();
        assert_eq!(error, "the file is empty");
    }
}
