//! Small SARIF reports that say only what matters to a test.

use serde_json::{Value, json};

/// One result: a rule at a place.
#[derive(Clone)]
pub struct Found(Value);

/// A result of `rule` in `file`, at `line`.
pub fn found(rule: &str, file: &str, line: u32) -> Found {
    Found(json!({
        "ruleId": rule,
        "level": "error",
        "message": { "text": format!("{rule} in {file}") },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": file },
            "region": { "startLine": line, "snippet": { "text": format!("call_{rule}()") } },
        }}],
    }))
}

impl Found {
    /// With another level: `error`, `warning`, `note`, `none`.
    pub fn level(mut self, level: &str) -> Self {
        self.0["level"] = json!(level);
        self
    }
}

/// A report that is being made.
pub struct Sarif(Value);

/// A report of `Lint` with these results.
pub fn sarif(results: &[Found]) -> Sarif {
    let results: Vec<&Value> = results.iter().map(|found| &found.0).collect();
    Sarif(json!({
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": { "name": "Lint", "version": "1.0" } }, "results": results }],
    }))
}

/// A report of `Lint` with this many results, all different.
pub fn sarif_of(count: usize) -> Sarif {
    let results: Vec<Found> =
        (0..count).map(|n| found(&format!("rule-{}", n % 7), &format!("src/{n}.rs"), 3)).collect();
    sarif(&results)
}

impl Sarif {
    /// Of another tool.
    pub fn tool(mut self, name: &str) -> Self {
        self.0["runs"][0]["tool"]["driver"]["name"] = json!(name);
        self
    }

    /// Run at this time.
    pub fn at(mut self, time: &str) -> Self {
        self.0["runs"][0]["invocations"] = json!([{ "executionSuccessful": true, "endTimeUtc": time }]);
        self
    }

    /// By a run that says it failed.
    pub fn failed(mut self) -> Self {
        self.0["runs"][0]["invocations"] = json!([{ "executionSuccessful": false }]);
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap()
    }
}
