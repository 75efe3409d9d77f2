//! The parts of CycloneDX that are read, for JSON and XML alike.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

/// A bill of materials.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Bom<'a> {
    #[serde(borrow)]
    pub metadata: Object<Metadata<'a>>,
    #[serde(borrow)]
    pub components: List<Component<'a>>,
    #[serde(borrow)]
    pub vulnerabilities: Entries<'a, BomVulnerability<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Metadata<'a> {
    #[serde(borrow)]
    pub timestamp: Text<'a>,
    #[serde(borrow)]
    pub tools: Tools<'a>,
    #[serde(borrow)]
    pub component: Object<Component<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Component<'a> {
    #[serde(borrow, rename = "bom-ref")]
    pub bom_ref: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub purl: Text<'a>,
    #[serde(borrow)]
    pub components: List<Component<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tool<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct BomVulnerability<'a> {
    #[serde(borrow, rename = "bom-ref")]
    pub bom_ref: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub source: Object<Source<'a>>,
    #[serde(borrow)]
    pub references: List<Reference<'a>>,
    #[serde(borrow)]
    pub ratings: List<Rating<'a>>,
    #[serde(borrow)]
    pub cwes: List<Text<'a>>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub detail: Text<'a>,
    #[serde(borrow)]
    pub recommendation: Text<'a>,
    #[serde(borrow)]
    pub workaround: Text<'a>,
    #[serde(borrow)]
    pub advisories: List<Advisory<'a>>,
    #[serde(borrow)]
    pub analysis: Object<VexAnalysis<'a>>,
    #[serde(borrow)]
    pub affects: List<Affected<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Source<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Reference<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub source: Object<Source<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Rating<'a> {
    pub score: Number,
    #[serde(borrow)]
    pub severity: Text<'a>,
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub vector: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Advisory<'a> {
    #[serde(borrow)]
    pub url: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct VexAnalysis<'a> {
    #[serde(borrow)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub justification: Text<'a>,
    #[serde(borrow)]
    pub detail: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Affected<'a> {
    #[serde(borrow, rename = "ref")]
    pub reference: Text<'a>,
    #[serde(borrow)]
    pub versions: List<AffectedVersion<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AffectedVersion<'a> {
    #[serde(borrow)]
    pub status: Text<'a>,
}

/// `metadata.tools`: a list until 1.4, since 1.5 also an object of `components` and `services`.
#[derive(Default)]
pub struct Tools<'a>(pub Vec<Tool<'a>>);

impl<'a> Tools<'a> {
    /// The first tool that has a name.
    pub fn first(&self) -> Option<&Tool<'a>> {
        self.0.iter().find(|tool| !tool.name.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tools<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToolsVisitor)
    }
}

struct ToolsVisitor;

impl<'de> Visitor<'de> for ToolsVisitor {
    type Value = Tools<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tools")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut tools = Vec::new();
        while let Some(tool) = seq.next_element::<Object<Tool<'de>>>()? {
            tools.push(tool.0);
        }
        Ok(Tools(tools))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut tools = Vec::new();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if matches!(key.as_str(), "components" | "services") {
                tools.extend(map.next_value::<List<Tool<'de>>>()?.0);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Tools(tools))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Tools::default())
    }
}
