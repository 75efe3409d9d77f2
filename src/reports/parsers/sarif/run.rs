//! The results of one run, as findings.

use std::collections::HashMap;

use crate::base::severity::Severity;
use crate::reports::builder::ReportBuilder;
use crate::reports::parsers::sarif::package;
use crate::reports::parsers::sarif::schema::{
    ArtifactLocation, Location, Message, Reference, Rule, Run, RunResult, Suppression,
};
use crate::reports::read::json::{Entries, Object};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{Analysis, AnalysisState, AssetKind, Finding, Vulnerability};

/// Most message strings of a rule and base URIs of a run that are searched per result: a bound on hostile files.
const STRINGS_SEARCHED: usize = 500;
const BASES_SEARCHED: usize = 20;

/// What a run says beside its results.
pub struct Context<'r, 'a> {
    run: &'r Run<'a>,
    number: usize,
    tool: String,
    rules: HashMap<&'r str, &'r Rule<'a>>,
}

/// What a rule means for its findings, worked out once per rule.
#[derive(Clone)]
struct Meaning {
    vulnerability: usize,
    severity: Severity,
    title: Option<String>,
}

/// Adds the results of a run to a report.
pub fn read_results<'r, 'a>(
    context: &'r Context<'r, 'a>,
    results: Entries<'a, RunResult<'a>>,
    builder: &mut ReportBuilder,
) {
    let repository = context.run.version_control_provenance.first().map(|provenance| provenance.repository_uri.line());
    let asset = repository.and_then(|uri| builder.asset(AssetKind::Repository, &uri));
    let mut meanings = HashMap::new();
    for (index, entry) in results.into_iter().enumerate() {
        let place = format!("/runs/{}/results/{index}", context.number);
        let Some(result) = builder.keep(entry, &place).filter(reports_a_fault) else { continue };
        let rule = context.rule_of(&result);
        let message = context.message(&result.message, rule);
        let named = result.rule_id.or(&result.rule.id);
        let id = if named.is_empty() { rule.map_or("", |rule| rule.id.as_str()) } else { named };
        if id.is_empty() && message.is_empty() {
            builder.lose(place, "neither rule nor message");
            continue;
        }
        let severity = severity(&result, rule);
        let known = if id.is_empty() { None } else { meanings.get(id) };
        let meaning: Meaning = known.cloned().unwrap_or_else(|| {
            let meaning = add_meaning(builder, context.vulnerability(id, rule, &result, &message, severity));
            meanings.insert(id.to_owned(), meaning.clone());
            meaning
        });
        let is_known = !builder.head().vulnerabilities.at(meaning.vulnerability).ids.is_empty();
        let package = is_known.then(|| package::named(&message, logical_name(&result))).flatten().unwrap_or_default();
        let finding = Finding {
            vulnerability: meaning.vulnerability,
            component: builder.component(package.name, package.version, ""),
            fixed_version: text::some_line(package.fixed_version),
            asset,
            severity: (meaning.severity != severity).then_some(severity),
            title: meaning.title,
            description: text::some(message),
            analysis: analysis(&result),
            found_at: result.provenance.first_detection_time_utc.time(),
            place: Some(place.into()),
            facts: facts(&result),
            ..Finding::default()
        };
        add_at_each_place(context, finding, &result, id, builder);
    }
}

/// What its first place is called, apart from any file.
fn logical_name<'t, 'a>(result: &'t RunResult<'a>) -> &'t str {
    let mut names = result.locations.iter().flat_map(|location| location.logical_locations.iter());
    names.next().map_or("", |logical| logical.fully_qualified_name.or(&logical.name))
}

fn add_meaning(builder: &mut ReportBuilder, vulnerability: Vulnerability) -> Meaning {
    let (key, title) = (vulnerability.key.clone(), vulnerability.title.clone());
    let index = builder.vulnerability(&key, || vulnerability);
    let known = builder.head().vulnerabilities.at(index);
    Meaning { vulnerability: index, severity: known.severity, title: (known.title != title).then_some(title) }
}

fn add_at_each_place<'a>(
    context: &Context<'_, 'a>,
    finding: Finding,
    result: &RunResult<'a>,
    rule: &str,
    builder: &mut ReportBuilder,
) {
    let locations = result.locations.iter().map(Some);
    let count = result.locations.len().max(1);
    // Only a result at several places needs copies.
    for (number, (location, mut finding)) in
        locations.chain([None]).zip(std::iter::repeat_n(finding, count)).enumerate()
    {
        if let Some(location) = location {
            context.locate(&mut finding, location);
        }
        finding.fingerprint = fingerprint(result, rule, finding.location.file.as_deref(), number);
        builder.add(finding);
    }
}

impl<'r, 'a> Context<'r, 'a> {
    /// The context of a run, the `number`th of its file.
    pub fn new(run: &'r Run<'a>, number: usize, tool: String) -> Self {
        let components = std::iter::once(&run.tool.driver.0).chain(run.tool.extensions.iter());
        let mut rules = HashMap::new();
        for rule in components.flat_map(|component| component.rules.iter()) {
            rules.entry(rule.id.as_str()).or_insert(rule);
        }
        Self { run, number, tool, rules }
    }

    fn rule_of(&self, result: &RunResult<'a>) -> Option<&'r Rule<'a>> {
        let id = result.rule_id.or(&result.rule.id);
        // A wrong index is a known fault of converters: the id decides where both are given.
        let by_index = self.rule_by_index(result).filter(|rule| id.is_empty() || is_of_rule(id, &rule.id));
        by_index.or_else(|| self.rules.get(id.as_str()).copied())
    }

    fn rule_by_index(&self, result: &RunResult<'a>) -> Option<&'r Rule<'a>> {
        let component = match result.rule.tool_component.index.index() {
            Some(extension) => self.run.tool.extensions.get(extension)?,
            None => &self.run.tool.driver,
        };
        component.rules.get(result.rule_index.index().or(result.rule.index.index())?)
    }

    fn message(&self, message: &Message<'a>, rule: Option<&Rule<'a>>) -> String {
        let own = message.text.or(&message.markdown);
        let template = if own.is_empty() {
            let strings = rule.into_iter().flat_map(|rule| &rule.message_strings.0);
            let mut all = strings.chain(&self.run.tool.driver.global_message_strings.0).take(STRINGS_SEARCHED);
            all.find(|(id, _)| *id == message.id).map_or(own, |(_, found)| found.text.or(&found.markdown))
        } else {
            own
        };
        if message.arguments.is_empty() {
            template.text()
        } else {
            text::text(&with_arguments(template, &message.arguments))
        }
    }

    fn vulnerability(
        &self,
        id: &str,
        rule: Option<&Rule<'a>>,
        result: &RunResult<'a>,
        message: &str,
        severity: Severity,
    ) -> Vulnerability {
        let fallback = text::title(if id.is_empty() { message } else { id });
        let mut vulnerability =
            Vulnerability { severity, ids: ids(id, rule), cwes: self.cwes(rule, result), ..Vulnerability::default() };
        if let Some(rule) = rule {
            describe(&mut vulnerability, rule);
        }
        if vulnerability.title.is_empty() {
            vulnerability.title.clone_from(&fallback);
        }
        let own_key = || format!("{}:{fallback}", self.tool);
        vulnerability.key = words::best_id(&vulnerability.ids).cloned().unwrap_or_else(own_key);
        vulnerability
    }

    fn cwes(&self, rule: Option<&Rule<'a>>, result: &RunResult<'a>) -> Vec<u32> {
        let mut cwes = words::cwes(result.rule_id.or(&result.rule.id));
        for properties in rule.map(|rule| &rule.properties).into_iter().chain([&result.properties]) {
            cwes.extend(properties.tags.iter().chain(properties.cwe.iter()).flat_map(|text| words::cwes(text)));
        }
        let related = rule.into_iter().flat_map(|rule| rule.relationships.iter().map(|relation| &relation.target.0));
        cwes.extend(related.chain(result.taxa.iter()).filter_map(|reference| self.cwe_taxon(reference)));
        words::each_once(cwes)
    }

    fn cwe_taxon(&self, reference: &Reference<'a>) -> Option<u32> {
        let component = &reference.tool_component;
        let taxonomy = match component.index.index().filter(|_| component.name.is_empty()) {
            Some(index) => self.run.taxonomies.get(index),
            None => self.run.taxonomies.iter().find(|taxonomy| taxonomy.name == component.name),
        };
        let name = taxonomy.map_or(&component.name, |taxonomy| &taxonomy.name);
        if !name.eq_ignore_ascii_case("cwe") {
            return words::cwes(&reference.id).first().copied();
        }
        let by_index = || Some(&taxonomy?.taxa.get(reference.index.index()?)?.id);
        words::cwe(if reference.id.is_empty() { by_index()? } else { &reference.id })
    }

    fn locate(&self, finding: &mut Finding, location: &Location<'a>) {
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

/// The ids of the vulnerability that a rule stands for, if it does. Snyk's rules are named by its own ids, and their full
/// descriptions begin with the CVEs in brackets.
fn ids(id: &str, rule: Option<&Rule<'_>>) -> Vec<String> {
    let mut ids = words::ids_in(id);
    if ids.is_empty() && words::is_vulnerability_id(id) {
        ids.push(text::line(id));
    }
    let Some(rule) = rule.filter(|_| !ids.is_empty()) else { return ids };
    let others = rule.deprecated_ids.iter().filter(|other| words::is_vulnerability_id(other));
    ids.extend(others.filter_map(Text::some_line));
    let bracketed = rule.full_description.text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    ids.extend(bracketed.into_iter().flat_map(|(inside, _)| words::ids_in(inside)));
    words::each_once(ids)
}

fn describe(vulnerability: &mut Vulnerability, rule: &Rule<'_>) {
    let full = rule.full_description.text.or(&rule.full_description.markdown);
    vulnerability.title = text::title(rule.short_description.text.or(&rule.name).or(full));
    vulnerability.description = full.text();
    vulnerability.remediation = rule.help.markdown.or(&rule.help.text).some_text();
    vulnerability.references = rule.help_uri.some_line().into_iter().collect();
    // For a rule of code the number ranks the rule; only for a known vulnerability is it a CVSS score.
    if !vulnerability.ids.is_empty() {
        let score = rule.properties.security_severity.number();
        vulnerability.cvss_score = score.filter(|score| (0.0..=10.0).contains(score));
    }
}

/// Whether the result says that something is wrong, or may be. Source: SARIF 2.1.0, sections 3.27.9 and 3.27.24.
fn reports_a_fault(result: &RunResult<'_>) -> bool {
    let says = |kind: &&str| kind.eq_ignore_ascii_case(&result.kind);
    let is_fault = result.kind.is_empty() || ["fail", "open", "review"].iter().any(says);
    is_fault && !result.baseline_state.eq_ignore_ascii_case("absent")
}

/// A result's `ruleId` may be longer than its rule's by hierarchical segments (`CA1000/1`). Section 3.27.5.
fn is_of_rule(result: &str, rule: &str) -> bool {
    result == rule || result.strip_prefix(rule).is_some_and(|rest| rest.starts_with('/'))
}

/// `security-severity` before the level; of a level, the result's before the rule's; `warning` when neither says.
/// A `note` asks for attention but names no danger, so it is informational.
fn severity(result: &RunResult<'_>, rule: Option<&Rule<'_>>) -> Severity {
    let mut properties = [Some(&result.properties), rule.map(|rule| &rule.properties)].into_iter().flatten();
    if let Some(score) = properties.find_map(|properties| properties.security_severity.number()) {
        return Severity::from_score(score);
    }
    let of_rule = rule.map_or("", |rule| rule.default_configuration.level.as_str());
    let level = if result.level.is_empty() { of_rule } else { &result.level };
    // Some tools write their own words, or the right ones in another case.
    words::severity(level).filter(|known| *known != Severity::Unknown).unwrap_or(Severity::Medium)
}

/// Suppressed when every suppression is accepted; one without a status counts as accepted. Section 3.27.23.
fn analysis(result: &RunResult<'_>) -> Option<Analysis> {
    let accepts = |suppression: &Suppression<'_>| matches!(suppression.status.as_str(), "" | "accepted");
    if result.suppressions.is_empty() || !result.suppressions.iter().all(accepts) {
        let is_undecided = matches!(result.kind.as_str(), "open" | "review");
        return is_undecided.then_some(Analysis { state: AnalysisState::InReview, justification: None });
    }
    let justification = result.suppressions.iter().find_map(|suppression| suppression.justification.some_text());
    let plain = justification.as_deref().unwrap_or_default().to_ascii_lowercase().replace(['_', '-'], " ");
    let state =
        if plain.starts_with("false positive") { AnalysisState::FalsePositive } else { AnalysisState::RiskAccepted };
    Some(Analysis { state, justification })
}

/// Facts that Gitleaks writes among the partial fingerprints, though they change with every commit.
const FACTS: [(&str, &str); 5] = [
    ("commitSha", "commit"),
    ("author", "committer"),
    ("email", "committer_email"),
    ("date", "commit_date"),
    ("commitMessage", "commit_message"),
];

fn facts(result: &RunResult<'_>) -> Vec<(&'static str, String)> {
    let fact = |key: &str| FACTS.iter().find(|(name, _)| *name == key).map(|(_, fact)| *fact);
    let prints = result.partial_fingerprints.0.iter();
    prints.filter_map(|(key, value)| Some((fact(key)?, value.some_line()?))).collect()
}

/// The tool's own fingerprint: a full one as it is; a partial one, which only adds to rule and file, with both.
fn fingerprint(result: &RunResult<'_>, rule: &str, file: Option<&str>, number: usize) -> Option<String> {
    let print = match best_print(&result.fingerprints.0) {
        Some(full) => full.line(),
        None => {
            let partial = best_print(&result.partial_fingerprints.0)?;
            [text::line(rule).as_str(), file.unwrap_or_default(), partial.line().as_str()].join("|")
        }
    };
    Some(if number == 0 { print } else { format!("{print}#{}", number + 1) })
}

/// The print of the primary location, else the first by name, so that their order in the file does not matter.
fn best_print<'t, 'a>(prints: &'t [(Text<'a>, Text<'a>)]) -> Option<&'t Text<'a>> {
    let is_print = |key: &str, value: &str| !value.is_empty() && FACTS.iter().all(|(name, _)| *name != key);
    let prints = prints.iter().filter(|(key, value)| is_print(key, value));
    prints.min_by_key(|(key, _)| (!key.starts_with("primaryLocation"), key)).map(|(_, value)| value)
}

/// Puts arguments in the place of `{0}`, `{1}`; doubled braces stand for themselves. Section 3.11.5.
fn with_arguments(template: &str, arguments: &[Text<'_>]) -> String {
    let (mut filled, mut rest) = (String::with_capacity(template.len()), template);
    while let Some(at) = rest.find(['{', '}'])
        && filled.len() <= text::TEXT_LIMIT
    {
        let (plain, tail) = rest.split_at(at);
        filled.push_str(plain);
        let argument = || {
            let (number, after) = tail.strip_prefix('{')?.split_once('}')?;
            Some((arguments.get(number.parse::<usize>().ok()?)?, after))
        };
        if tail.starts_with("{{") || tail.starts_with("}}") {
            filled.push_str(&tail[..1]);
            rest = &tail[2..];
        } else if let Some((argument, after)) = argument() {
            filled.push_str(argument);
            rest = after;
        } else {
            filled.push_str(&tail[..1]);
            rest = &tail[1..];
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_arguments_into_a_message() {
        let arguments = [Text::from("a"), Text::from("b")];
        for (template, expected) in
            [("{0} and {1}", "a and b"), ("{{0}}", "{0}"), ("{2} { }", "{2} { }"), ("{1}{1}", "bb"), ("{", "{")]
        {
            assert_eq!(with_arguments(template, &arguments), expected, "{template}");
        }
    }

    #[test]
    fn a_fingerprint_is_not_what_changes_with_every_commit() {
        let pair = |key, value| (Text::from(key), Text::from(value));
        let prints =
            [pair("author", "Ann"), pair("zHash", "2"), pair("primaryLocationLineHash", "1"), pair("aHash", "3")];
        assert_eq!(best_print(&prints).map(Text::as_str), Some("1"));
        assert_eq!(best_print(&prints[..2]).map(Text::as_str), Some("2"));
        assert_eq!(best_print(&prints[..1]), None);
    }
}
