//! The parts of ZAP's reports that are read. The XML is read into the structs of the JSON.

use serde::Deserialize;

use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Text;
use crate::reports::read::xml::Element;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File<'a> {
    #[serde(borrow, rename = "@version")]
    pub version: Text<'a>,
    #[serde(borrow, rename = "@generated")]
    pub generated: Text<'a>,
    #[serde(borrow, rename = "site")]
    pub sites: List<Site<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Site<'a> {
    #[serde(borrow, rename = "@name")]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub alerts: Entries<'a, Alert<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Alert<'a> {
    #[serde(borrow, rename = "pluginid")]
    pub plugin_id: Text<'a>,
    #[serde(borrow, rename = "alertRef")]
    pub alert_ref: Text<'a>,
    #[serde(borrow)]
    pub alert: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, rename = "riskcode")]
    pub risk_code: Text<'a>,
    #[serde(borrow)]
    pub confidence: Text<'a>,
    #[serde(borrow)]
    pub desc: Text<'a>,
    #[serde(borrow)]
    pub instances: List<Instance<'a>>,
    #[serde(borrow)]
    pub solution: Text<'a>,
    #[serde(borrow, rename = "otherinfo")]
    pub other_info: Text<'a>,
    #[serde(borrow)]
    pub reference: Text<'a>,
    #[serde(borrow, rename = "cweid")]
    pub cwe_id: Text<'a>,
    #[serde(borrow, rename = "wascid")]
    pub wasc_id: Text<'a>,
    /// In the longer reports only.
    #[serde(borrow)]
    pub tags: List<Object<Tag<'a>>>,
    /// Reports before version 2.4 have one alert per place, with its parts in the alert itself.
    #[serde(skip)]
    pub lone: Instance<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tag<'a> {
    #[serde(borrow)]
    pub tag: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Instance<'a> {
    #[serde(borrow)]
    pub uri: Text<'a>,
    #[serde(borrow)]
    pub method: Text<'a>,
    #[serde(borrow)]
    pub param: Text<'a>,
    #[serde(borrow)]
    pub attack: Text<'a>,
    #[serde(borrow)]
    pub evidence: Text<'a>,
    #[serde(borrow, rename = "otherinfo")]
    pub other_info: Text<'a>,
}

/// An alert of the XML.
pub fn alert<'a>(element: &Element<'a>) -> Alert<'a> {
    let instances = element.inside("instances", "instance");
    Alert {
        plugin_id: element.text_at("pluginid"),
        alert_ref: element.text_at("alertRef"),
        alert: element.text_at("alert"),
        name: element.text_at("name"),
        risk_code: element.text_at("riskcode"),
        confidence: element.text_at("confidence"),
        desc: element.text_at("desc"),
        instances: instances.map(instance).collect(),
        solution: element.text_at("solution"),
        other_info: element.text_at("otherinfo"),
        reference: element.text_at("reference"),
        cwe_id: element.text_at("cweid"),
        wasc_id: element.text_at("wascid"),
        tags: element.inside("tags", "tag").map(|tag| Object(Tag { tag: tag.text_at("tag") })).collect(),
        lone: instance(element),
    }
}

fn instance<'a>(element: &Element<'a>) -> Instance<'a> {
    Instance {
        uri: element.text_at("uri"),
        method: element.text_at("method"),
        param: element.text_at("param"),
        attack: element.text_at("attack"),
        evidence: element.text_at("evidence"),
        other_info: element.text_at("otherinfo"),
    }
}
