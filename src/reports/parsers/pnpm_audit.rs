//! pnpm's audit as JSON: the registry's advisories, without what npm would do about them.

use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::npm_advisory;
use crate::reports::report::Report;

/// pnpm.
pub const PARSER: Parser = Parser {
    name: "pnpm_audit",
    title: "pnpm audit JSON",
    tool: "pnpm",
    content_types: &["application/json"],
    defectdojo_names: &["pnpm Audit Scan"],
    example: r#"{"advisories": {"1096465": {"id": 1096465, "module_name": "minimist", "title": "Prototype pollution",
  "severity": "moderate", "findings": [{"version": "1.2.0", "paths": [".>minimist"]}], "patched_versions": ">=1.2.3",
  "github_advisory_id": "GHSA-vh95-rmgr-6w4m"}}, "metadata": {"vulnerabilities": {"moderate": 1}, "totalDependencies": 1}}"#,
    shapes: &[
        &[Sign::Has("advisories.*.module_name"), Sign::Says("advisories.*.findings[].paths[]", ".")],
        &[
            Sign::Object("advisories"),
            Sign::Has("metadata.totalDependencies"),
            Sign::Lacks("actions"),
            Sign::Lacks("muted"),
        ],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    npm_advisory::read(text, "pnpm")
}
