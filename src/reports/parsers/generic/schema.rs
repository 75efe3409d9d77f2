//! The fields of DefectDojo's generic finding that are read.

use serde::Deserialize;

use crate::reports::read::json::List;
use crate::reports::read::text::{Number, Text};

/// A finding, by DefectDojo's names. Unknown fields are skipped, as there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct GenericFinding<'a> {
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub mitigation: Text<'a>,
    #[serde(borrow)]
    pub impact: Text<'a>,
    #[serde(borrow)]
    pub references: List<Text<'a>>,
    #[serde(borrow)]
    pub date: Text<'a>,
    #[serde(borrow)]
    pub cve: Text<'a>,
    #[serde(borrow)]
    pub vulnerability_ids: List<Text<'a>>,
    #[serde(borrow)]
    pub cwe: Text<'a>,
    #[serde(borrow)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow)]
    pub cvssv3: Text<'a>,
    pub cvssv3_score: Number,
    #[serde(borrow)]
    pub cvssv4: Text<'a>,
    pub cvssv4_score: Number,
    pub epss_score: Number,
    #[serde(borrow)]
    pub known_exploited: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    pub line: Number,
    #[serde(borrow)]
    pub component_name: Text<'a>,
    #[serde(borrow)]
    pub component_version: Text<'a>,
    #[serde(borrow)]
    pub endpoints: List<Endpoint<'a>>,
    #[serde(borrow)]
    pub param: Text<'a>,
    #[serde(borrow)]
    pub service: Text<'a>,
    #[serde(borrow)]
    pub fix_version: Text<'a>,
    #[serde(borrow)]
    pub unique_id_from_tool: Text<'a>,
    #[serde(borrow)]
    pub vuln_id_from_tool: Text<'a>,
    #[serde(borrow)]
    pub steps_to_reproduce: Text<'a>,
    #[serde(borrow)]
    pub severity_justification: Text<'a>,
    #[serde(borrow)]
    pub verified: Text<'a>,
    #[serde(borrow)]
    pub false_p: Text<'a>,
    #[serde(borrow)]
    pub risk_accepted: Text<'a>,
    #[serde(borrow)]
    pub out_of_scope: Text<'a>,
    #[serde(borrow)]
    pub under_review: Text<'a>,
    #[serde(borrow)]
    pub is_mitigated: Text<'a>,
}

/// An endpoint: a URL or host as text, or its parts.
#[derive(Debug, Default)]
pub struct Endpoint<'a> {
    pub protocol: Text<'a>,
    pub host: Text<'a>,
    pub port: Text<'a>,
    pub path: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Endpoint<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
        struct EndpointVisitor;
        impl<'de> Visitor<'de> for EndpointVisitor {
            type Value = Endpoint<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an endpoint")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Endpoint { host: Text::from(text), ..Endpoint::default() })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Endpoint { host: Text::from(text.to_owned()), ..Endpoint::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut endpoint = Endpoint::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    match key.as_str() {
                        "protocol" => endpoint.protocol = map.next_value()?,
                        "host" => endpoint.host = map.next_value()?,
                        "port" => endpoint.port = map.next_value()?,
                        "path" => endpoint.path = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(endpoint)
            }
        }
        deserializer.deserialize_any(EndpointVisitor)
    }
}

impl Endpoint<'_> {
    /// As a URL, or as host and port where no protocol is given.
    pub fn url(&self) -> String {
        let mut url = self.host.line();
        if let Some(protocol) = self.protocol.some_line() {
            url = format!("{protocol}://{url}");
        }
        if let Some(port) = self.port.some_line() {
            url = format!("{url}:{port}");
        }
        if let Some(path) = self.path.some_line() {
            url = format!("{url}/{}", path.trim_start_matches('/'));
        }
        url
    }
}
