//! Dependency-Check's XML, each dependency read into the structs of the JSON.

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parsers::dependency_check::schema::{
    Cvss, Dependency, Known, Package, ProjectInfo, Reference, Related, ScanInfo,
};
use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::Number;
use crate::reports::read::xml::{self, Element};

/// Reads a report.
///
/// # Errors
/// See [`xml::each`].
pub fn read(text: &str, builder: &mut ReportBuilder) -> Result<(), ParseError> {
    let mut number = 0;
    xml::each(text, &["scanInfo", "projectInfo", "dependency"], |_, element| {
        match element.name {
            "scanInfo" => super::note_scan(builder, &ScanInfo { engine_version: element.text_at("engineVersion") }),
            "projectInfo" => {
                let (name, report_date) = (element.text_at("name"), element.text_at("reportDate"));
                super::note_project(builder, &ProjectInfo { name, report_date });
            }
            _ => {
                super::add_dependency(builder, dependency(&element), &format!("/dependencies/{number}"));
                number += 1;
            }
        }
        Ok(())
    })
}

fn dependency<'a>(element: &Element<'a>) -> Dependency<'a> {
    let mut packages = Vec::new();
    if let Some(identifiers) = element.child("identifiers") {
        collect_packages(identifiers, &mut packages);
    }
    let identifiers = element.inside("identifiers", "identifier");
    let maven = identifiers.into_iter().find(|identifier| identifier.attribute("type") == "maven");
    Dependency {
        file_name: element.text_at("fileName"),
        file_path: element.text_at("filePath"),
        sha1: element.text_at("sha1"),
        packages: List(packages),
        vulnerabilities: Entries::of(element.inside("vulnerabilities", "vulnerability").map(known)),
        suppressed: Entries::of(element.inside("vulnerabilities", "suppressedVulnerability").map(known)),
        related: element
            .inside("relatedDependencies", "relatedDependency")
            .map(|related| Related { file_path: related.text_at("filePath") })
            .collect(),
        maven: maven.map(|identifier| identifier.text_at("name")).unwrap_or_default(),
    }
}

/// Packages stand in `identifiers`, which one version wrote inside itself.
fn collect_packages<'a>(identifiers: &Element<'a>, packages: &mut Vec<Package<'a>>) {
    packages.extend(identifiers.all("package").map(|package| Package { id: package.text_at("id") }));
    for nested in identifiers.all("identifiers") {
        collect_packages(nested, packages);
    }
}

fn known<'a>(element: &Element<'a>) -> Result<Known<'a>, Box<str>> {
    let name = element.text_at("name");
    if name.is_empty() {
        return Err("no name".into());
    }
    let lone_cwe = element.all("cwe").map(|cwe| cwe.own_text());
    Ok(Known {
        source: element.text_of("source"),
        name,
        severity: element.text_at("severity"),
        cvss2: Object(element.child("cvssV2").map(cvss).unwrap_or_default()),
        cvss3: Object(element.child("cvssV3").map(cvss).unwrap_or_default()),
        cvss4: Object(element.child("cvssV4").map(cvss).unwrap_or_default()),
        cwes: element.inside("cwes", "cwe").map(|cwe| cwe.own_text()).chain(lone_cwe).collect(),
        description: element.text_at("description"),
        notes: element.text_at("notes"),
        references: element
            .inside("references", "reference")
            .map(|reference| Reference { url: reference.text_at("url") })
            .collect(),
        known_exploited: element.all("knownExploitedVulnerability").map(|_| serde::de::IgnoredAny).collect(),
        cvss_score: Number(element.text_at("cvssScore").number()),
    })
}

fn cvss<'a>(element: &Element<'a>) -> Cvss<'a> {
    let number = |path| Number(element.text_at(path).number());
    let confidentiality = element.text_at("confidentialityImpact");
    Cvss {
        score: number("score"),
        base_score: number("baseScore"),
        version: element.text_at("version"),
        severity: element.text_at("severity"),
        base_severity: element.text_at("baseSeverity"),
        vector_string: element.text_at("vectorString"),
        access_vector: element.text_at("accessVector"),
        access_complexity: element.text_at("accessComplexity"),
        authentication: element.text_at("authenticationr"),
        attack_vector: element.text_at("attackVector"),
        attack_complexity: element.text_at("attackComplexity"),
        privileges_required: element.text_at("privilegesRequired"),
        user_interaction: element.text_at("userInteraction"),
        scope: element.text_at("scope"),
        confidentiality_impact: confidentiality.or(&element.text_at("confidentialImpact")).clone(),
        integrity_impact: element.text_at("integrityImpact"),
        availability_impact: element.text_at("availabilityImpact"),
    }
}
