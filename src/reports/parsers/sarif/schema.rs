//! The parts of SARIF 2.1.0 that are read, borrowed from the text. What is not named here is skipped.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object, Pairs};
use crate::reports::read::text::{Number, Text};

#[derive(Deserialize)]
pub struct Log<'a> {
    #[serde(borrow)]
    pub runs: List<Run<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run<'a> {
    #[serde(borrow, default)]
    pub tool: Object<Tool<'a>>,
    #[serde(borrow, default)]
    pub results: Entries<'a, RunResult<'a>>,
    #[serde(borrow, default)]
    pub artifacts: List<Artifact<'a>>,
    #[serde(borrow, default)]
    pub automation_details: Object<Automation<'a>>,
    #[serde(borrow, default)]
    pub invocations: List<Invocation<'a>>,
    #[serde(borrow, default)]
    pub original_uri_base_ids: Pairs<Text<'a>, Object<ArtifactLocation<'a>>>,
    #[serde(borrow, default)]
    pub taxonomies: List<ToolComponent<'a>>,
    #[serde(borrow, default)]
    pub version_control_provenance: List<Provenance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    #[serde(borrow)]
    pub driver: Object<ToolComponent<'a>>,
    #[serde(borrow)]
    pub extensions: List<ToolComponent<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolComponent<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub semantic_version: Text<'a>,
    #[serde(borrow)]
    pub rules: List<Rule<'a>>,
    #[serde(borrow)]
    pub taxa: List<Rule<'a>>,
    #[serde(borrow)]
    pub global_message_strings: Pairs<Text<'a>, Object<Message<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Other names; OSV-Scanner writes the aliases of a vulnerability here.
    #[serde(borrow)]
    pub deprecated_ids: List<Text<'a>>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub short_description: Object<Message<'a>>,
    #[serde(borrow)]
    pub full_description: Object<Message<'a>>,
    #[serde(borrow)]
    pub help: Object<Message<'a>>,
    #[serde(borrow)]
    pub help_uri: Text<'a>,
    #[serde(borrow)]
    pub default_configuration: Object<Configuration<'a>>,
    #[serde(borrow)]
    pub message_strings: Pairs<Text<'a>, Object<Message<'a>>>,
    #[serde(borrow)]
    pub relationships: List<Relationship<'a>>,
    #[serde(borrow)]
    pub properties: Object<Properties<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Configuration<'a> {
    #[serde(borrow)]
    pub level: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relationship<'a> {
    #[serde(borrow)]
    pub target: Object<Reference<'a>>,
}

/// A reference to a rule or taxon: by id, by index, or both.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reference<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    pub index: Number,
    #[serde(borrow)]
    pub tool_component: Object<ComponentReference<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ComponentReference<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    pub index: Number,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Properties<'a> {
    #[serde(borrow, rename = "security-severity")]
    pub security_severity: Text<'a>,
    #[serde(borrow)]
    pub tags: List<Text<'a>>,
    #[serde(borrow)]
    pub cwe: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Message<'a> {
    #[serde(borrow)]
    pub text: Text<'a>,
    #[serde(borrow)]
    pub markdown: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub arguments: List<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunResult<'a> {
    #[serde(borrow, default)]
    pub rule_id: Text<'a>,
    #[serde(default)]
    pub rule_index: Number,
    #[serde(borrow, default)]
    pub rule: Object<Reference<'a>>,
    #[serde(borrow, default)]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub level: Text<'a>,
    #[serde(borrow, default)]
    pub message: Object<Message<'a>>,
    #[serde(borrow, default)]
    pub locations: List<Location<'a>>,
    #[serde(borrow, default)]
    pub fingerprints: Pairs<Text<'a>, Text<'a>>,
    #[serde(borrow, default)]
    pub partial_fingerprints: Pairs<Text<'a>, Text<'a>>,
    #[serde(borrow, default)]
    pub suppressions: List<Suppression<'a>>,
    #[serde(borrow, default)]
    pub baseline_state: Text<'a>,
    #[serde(borrow, default)]
    pub taxa: List<Reference<'a>>,
    #[serde(borrow, default)]
    pub provenance: Object<ResultProvenance<'a>>,
    #[serde(borrow, default)]
    pub properties: Object<Properties<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResultProvenance<'a> {
    #[serde(borrow)]
    pub first_detection_time_utc: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Location<'a> {
    #[serde(borrow)]
    pub physical_location: Object<PhysicalLocation<'a>>,
    #[serde(borrow)]
    pub logical_locations: List<LogicalLocation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhysicalLocation<'a> {
    #[serde(borrow)]
    pub artifact_location: Object<ArtifactLocation<'a>>,
    #[serde(borrow)]
    pub region: Object<Region<'a>>,
    #[serde(borrow)]
    pub context_region: Object<Region<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogicalLocation<'a> {
    #[serde(borrow)]
    pub fully_qualified_name: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactLocation<'a> {
    #[serde(borrow)]
    pub uri: Text<'a>,
    #[serde(borrow)]
    pub uri_base_id: Text<'a>,
    pub index: Number,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Region<'a> {
    pub start_line: Number,
    pub end_line: Number,
    #[serde(borrow)]
    pub snippet: Object<Snippet<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Snippet<'a> {
    #[serde(borrow)]
    pub text: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Artifact<'a> {
    #[serde(borrow)]
    pub location: Object<ArtifactLocation<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Automation<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Invocation<'a> {
    pub execution_successful: Option<bool>,
    #[serde(borrow)]
    pub start_time_utc: Text<'a>,
    #[serde(borrow)]
    pub end_time_utc: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Provenance<'a> {
    #[serde(borrow)]
    pub repository_uri: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Suppression<'a> {
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow)]
    pub justification: Text<'a>,
}
