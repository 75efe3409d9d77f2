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
pub fn read(text: &str) -> Result<Bom<'static>, ParseError> {
    let mut bom = Bom::default();
    xml::each(text, &["metadata", "component", "vulnerability"], |_, element| {
        match element.name.as_str() {
            "metadata" => metadata(&mut bom, &element),
            "component" => add_component(&mut bom, &element),
            _ => bom.vulnerabilities.0.push(Ok(vulnerability(&element))),
        }
        Ok(())
    })?;
    Ok(bom)
}

fn metadata(bom: &mut Bom<'static>, element: &Element) {
    bom.metadata.0.timestamp = at(element, "timestamp");
    if let Some(component) = element.child("component") {
        bom.metadata.0.component = Object(one_component(component));
    }
    let tools = element.child("tools");
    let listed = tools.into_iter().flat_map(|tools| tools.all("tool"));
    let components = tools.and_then(|tools| tools.child("components"));
    let components = components.into_iter().flat_map(|components| components.all("component"));
    let tool = |tool: &Element| Tool { name: at(tool, "name"), version: at(tool, "version") };
    bom.metadata.0.tools = Tools(listed.chain(components).map(tool).collect());
}

/// Adds a component, those inside it, and the vulnerabilities that older versions write inside their component.
fn add_component(bom: &mut Bom<'static>, element: &Element) {
    let component = one_component(element);
    for entry in inside(element, "vulnerabilities", "vulnerability") {
        let mut entry = vulnerability(entry);
        entry.affects = List(vec![Affected { reference: component.bom_ref.clone(), ..Affected::default() }]);
        bom.vulnerabilities.0.push(Ok(entry));
    }
    bom.components.0.push(component);
    for nested in inside(element, "components", "component") {
        add_component(bom, nested);
    }
}

fn one_component(element: &Element) -> Component<'static> {
    let named = owned(element.attribute("bom-ref"));
    Component {
        // Without a reference of its own, a component is known by what it is.
        bom_ref: if named.is_empty() {
            owned(&format!("{}@{}", element.at("name"), element.at("version")))
        } else {
            named
        },
        kind: owned(element.attribute("type")),
        group: at(element, "group"),
        name: at(element, "name"),
        version: at(element, "version"),
        purl: at(element, "purl"),
        components: List::default(),
    }
}

fn vulnerability(element: &Element) -> BomVulnerability<'static> {
    let recommendation = at(element, "recommendation");
    BomVulnerability {
        bom_ref: owned(element.attribute("bom-ref")),
        id: at(element, "id"),
        source: Object(source(element)),
        references: inside(element, "references", "reference")
            .map(|reference| Reference { id: at(reference, "id"), source: Object(source(reference)) })
            .collect(),
        ratings: inside(element, "ratings", "rating").map(rating).collect(),
        cwes: inside(element, "cwes", "cwe").map(|cwe| owned(&cwe.text)).collect(),
        description: at(element, "description"),
        detail: at(element, "detail"),
        recommendation: recommendation.or(&at(element, "recommendations/recommendation")).clone(),
        workaround: at(element, "workaround"),
        advisories: inside(element, "advisories", "advisory").map(advisory).collect(),
        analysis: Object(VexAnalysis {
            state: at(element, "analysis/state"),
            justification: at(element, "analysis/justification"),
            detail: at(element, "analysis/detail"),
        }),
        affects: inside(element, "affects", "target").map(affected).collect(),
    }
}

fn rating(element: &Element) -> Rating<'static> {
    let score = at(element, "score").number();
    Rating {
        score: Number(score.or_else(|| at(element, "score/base").number())),
        severity: at(element, "severity"),
        method: at(element, "method"),
        vector: at(element, "vector"),
    }
}

fn source(element: &Element) -> Source<'static> {
    let source = element.child("source");
    let named = source.map_or("", |source| source.attribute("url"));
    Source { url: if named.is_empty() { at(element, "source/url") } else { owned(named) } }
}

fn advisory(element: &Element) -> Advisory<'static> {
    let url = at(element, "url");
    Advisory { url: if url.is_empty() { owned(&element.text) } else { url } }
}

fn affected(element: &Element) -> Affected<'static> {
    let versions = inside(element, "versions", "version");
    Affected {
        reference: at(element, "ref"),
        versions: versions.map(|version| AffectedVersion { status: at(version, "status") }).collect(),
    }
}

fn inside<'e>(element: &'e Element, list: &str, item: &'e str) -> impl Iterator<Item = &'e Element> {
    element.child(list).into_iter().flat_map(move |list| list.all(item))
}

fn at(element: &Element, path: &str) -> Text<'static> {
    owned(element.at(path))
}

fn owned(text: &str) -> Text<'static> {
    Text::from(text.trim().to_owned())
}
