//! What a report says about a finding beyond the columns of an observation: stored as one JSON object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Location parts, further facts and the report's reasons. Empty parts are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Evidence {
    /// The last line of the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 44)]
    pub end_line: Option<u32>,
    /// The URL, where `location` is not it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://shop.example.com/login")]
    pub url: Option<String>,
    /// The HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "POST")]
    pub method: Option<String>,
    /// The parameter of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "user")]
    pub parameter: Option<String>,
    /// The network port.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "443")]
    pub port: Option<String>,
    /// The resource inside the asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "deployment/shop")]
    pub resource: Option<String>,
    /// The reason that the report gives for the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "vulnerable_code_not_in_execute_path")]
    pub justification: Option<String>,
    /// Further facts by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

impl Evidence {
    /// The JSON to store; nothing when there is nothing to say.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::to_string(self).expect("strings and numbers only"))
    }

    /// What was stored.
    #[must_use]
    pub fn from_json(json: Option<&str>) -> Self {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}
