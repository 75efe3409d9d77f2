//! What a result's rule means: its texts, ids, CWEs and severity.

use crate::base::severity::Severity;
use crate::reports::parsers::sarif::run::Context;
use crate::reports::parsers::sarif::schema::{Message, Reference, Rule, RunResult};
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::Vulnerability;

/// Most message strings of a rule that are searched per result: a bound on hostile files.
const STRINGS_SEARCHED: usize = 500;

impl<'r, 'a> Context<'r, 'a> {
    pub fn rule_of(&self, result: &RunResult<'a>) -> Option<&'r Rule<'a>> {
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

    pub fn message(&self, message: &Message<'a>, rule: Option<&Rule<'a>>) -> String {
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

    pub fn vulnerability(
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

/// A result's `ruleId` may be longer than its rule's by hierarchical segments (`CA1000/1`). Section 3.27.5.
fn is_of_rule(result: &str, rule: &str) -> bool {
    result == rule || result.strip_prefix(rule).is_some_and(|rest| rest.starts_with('/'))
}

/// `security-severity` before the level; of a level, the result's before the rule's; `warning` when neither says.
/// A `note` asks for attention but names no danger, so it is informational.
pub fn severity(result: &RunResult<'_>, rule: Option<&Rule<'_>>) -> Severity {
    let mut properties = [Some(&result.properties), rule.map(|rule| &rule.properties)].into_iter().flatten();
    if let Some(score) = properties.find_map(|properties| properties.security_severity.number()) {
        return Severity::from_score(score);
    }
    let of_rule = rule.map_or("", |rule| rule.default_configuration.level.as_str());
    let level = if result.level.is_empty() { of_rule } else { &result.level };
    // Some tools write their own words, or the right ones in another case.
    words::severity(level).filter(|known| *known != Severity::Unknown).unwrap_or(Severity::Medium)
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
}
