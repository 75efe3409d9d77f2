//! CycloneDX as XML, read into the structs of the JSON.

use crate::reports::error::ParseError;
use crate::reports::parsers::cyclonedx::schema::{
    Advisory, Affected, AffectedVersion, Bom, BomVulnerability, Component, Rating, Reference, Source, Tool, Tools,
    VexAnalysis,
};
use crate::reports::read::json::{List, Object};
use crate::reports::read::text::{Number, Text};
use crate::reports::read::xml::{self, Element};

/// Reads a bill of materials.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str) -> Result<Bom<'_>, ParseError> {
    let mut bom = Bom::default();
    xml::each(text, &["metadata", "component", "vulnerability"], |_, element| {
        match element.name {
            "metadata" => metadata(&mut bom, &element),
            "component" => add_component(&mut bom, &element),
            _ => bom.vulnerabilities.push(vulnerability(&element)),
        }
        Ok(())
    })?;
    Ok(bom)
}

fn metadata<'a>(bom: &mut Bom<'a>, element: &Element<'a>) {
    bom.metadata.0.timestamp = element.text_at("timestamp");
    if let Some(component) = element.child("component") {
        bom.metadata.0.component = Object(one_component(component));
    }
    let tools = element.child("tools");
    let listed = tools.into_iter().flat_map(|tools| tools.all("tool"));
    let components = tools.and_then(|tools| tools.child("components"));
    let components = components.into_iter().flat_map(|components| components.all("component"));
    let tool = |tool: &Element<'a>| Tool { name: tool.text_at("name"), version: tool.text_at("version") };
    bom.metadata.0.tools = Tools(listed.chain(components).map(tool).collect());
}

/// Adds a component, those inside it, and the vulnerabilities that older versions write inside their component.
fn add_component<'a>(bom: &mut Bom<'a>, element: &Element<'a>) {
    let component = one_component(element);
    for entry in element.inside("vulnerabilities", "vulnerability") {
        let mut entry = vulnerability(entry);
        entry.affects = List(vec![Affected { reference: component.bom_ref.clone(), ..Affected::default() }]);
        bom.vulnerabilities.push(entry);
    }
    bom.components.0.push(component);
    for nested in element.inside("components", "component") {
        add_component(bom, nested);
    }
}

fn one_component<'a>(element: &Element<'a>) -> Component<'a> {
    let named = element.text_of("bom-ref");
    Component {
        // Without a reference of its own, a component is known by what it is.
        bom_ref: if named.is_empty() {
            Text::from(format!("{}@{}", element.at("name"), element.at("version")))
        } else {
            named
        },
        kind: element.text_of("type"),
        group: element.text_at("group"),
        name: element.text_at("name"),
        version: element.text_at("version"),
        purl: element.text_at("purl"),
        components: List::default(),
    }
}

/// A vulnerability of any version; older ones name their component by an attribute.
fn vulnerability<'a>(element: &Element<'a>) -> BomVulnerability<'a> {
    let recommendation = element.text_at("recommendation");
    let mut affects: List<Affected<'a>> = element.inside("affects", "target").map(affected).collect();
    let reference = element.text_of("ref");
    if affects.is_empty() && !reference.is_empty() {
        affects.0.push(Affected { reference, ..Affected::default() });
    }
    BomVulnerability {
        bom_ref: element.text_of("bom-ref"),
        id: element.text_at("id"),
        source: Object(source(element)),
        references: element
            .inside("references", "reference")
            .map(|reference| Reference { id: reference.text_at("id"), source: Object(source(reference)) })
            .collect(),
        ratings: element.inside("ratings", "rating").map(rating).collect(),
        cwes: element.inside("cwes", "cwe").map(|cwe| cwe.own_text()).collect(),
        description: element.text_at("description"),
        detail: element.text_at("detail"),
        recommendation: recommendation.or(&element.text_at("recommendations/recommendation")).clone(),
        workaround: element.text_at("workaround"),
        advisories: element.inside("advisories", "advisory").map(advisory).collect(),
        analysis: Object(VexAnalysis {
            state: element.text_at("analysis/state"),
            justification: element.text_at("analysis/justification"),
            detail: element.text_at("analysis/detail"),
        }),
        affects,
    }
}

fn rating<'a>(element: &Element<'a>) -> Rating<'a> {
    let score = element.text_at("score").number();
    Rating {
        score: Number(score.or_else(|| element.text_at("score/base").number())),
        severity: element.text_at("severity"),
        method: element.text_at("method"),
        vector: element.text_at("vector"),
    }
}

fn source<'a>(element: &Element<'a>) -> Source<'a> {
    let source = element.child("source");
    let named = source.map_or("", |source| source.attribute("url"));
    Source { url: if named.is_empty() { element.text_at("source/url") } else { Text::from(named.to_owned()) } }
}

fn advisory<'a>(element: &Element<'a>) -> Advisory<'a> {
    let url = element.text_at("url");
    Advisory { url: if url.is_empty() { element.own_text() } else { url } }
}

fn affected<'a>(element: &Element<'a>) -> Affected<'a> {
    let versions = element.inside("versions", "version");
    Affected {
        reference: element.text_at("ref"),
        versions: versions.map(|version| AffectedVersion { status: version.text_at("status") }).collect(),
    }
}
