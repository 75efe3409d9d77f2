//! npm's audit as JSON, up to npm 6: the registry's advisories, and what npm would do about them. Yarn 2 and 3 write
//! the same.

use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::parsers::npm_advisory;
use crate::reports::report::Report;

/// npm up to 6.
pub const PARSER: Parser = Parser {
    name: "npm_audit",
    title: "npm audit JSON (npm 6)",
    tool: "npm",
    content_types: &["application/json"],
    defectdojo_names: &["NPM Audit Scan"],
    example: r#"{"actions": [], "advisories": {"1096465": {"id": 1096465, "module_name": "minimist",
  "title": "Prototype pollution", "severity": "moderate", "findings": [{"version": "1.2.0", "paths": ["shop>minimist"]}],
  "github_advisory_id": "GHSA-vh95-rmgr-6w4m"}}, "muted": [], "metadata": {}}"#,
    shapes: &[
        &[Sign::List("actions"), Sign::Object("advisories"), Sign::Object("metadata")],
        &[Sign::List("muted"), Sign::Object("advisories")],
        // Wrappers of npm hand on the advisories alone.
        &[
            Sign::Has("advisories.*.module_name"),
            Sign::Has("advisories.*.severity"),
            Sign::Lacks("metadata.totalDependencies"),
        ],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    npm_advisory::read(text, "npm audit")
}
