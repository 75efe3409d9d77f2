//! Trivy's own JSON: images, file systems, repositories, clusters; and the bare list that it wrote before 2021.
//!
//! Misconfigurations count when they failed. A vulnerability of a cluster is on the resource that runs the image.

mod result;
mod schema;

use crate::reports::builder::ReportBuilder;
use crate::reports::error::ParseError;
use crate::reports::parser::{Parser, Sign};
use crate::reports::read::json;
use crate::reports::read::text::{self, Text};
use crate::reports::read::words;
use crate::reports::report::{AssetKind, Report};
use result::Within;
use schema::{File, ScanResult};

/// Trivy.
pub const PARSER: Parser = Parser {
    name: "trivy",
    title: "Trivy JSON",
    tool: "Trivy",
    content_types: &["application/json"],
    defectdojo_names: &["Trivy Scan"],
    example: r#"{"SchemaVersion": 2, "ArtifactName": "web:1.2", "ArtifactType": "container_image", "Results": [
  {"Target": "web:1.2 (alpine 3.20)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [
    {"VulnerabilityID": "CVE-2026-10001", "PkgName": "zlib", "InstalledVersion": "1.2", "Severity": "HIGH"}]}]}"#,
    shapes: &[
        &[Sign::Has("SchemaVersion"), Sign::Has("ArtifactName")],
        &[Sign::Has("ArtifactName"), Sign::List("Results")],
        // What has no name, as an SBOM from a pipe, is written without one.
        &[Sign::Has("SchemaVersion"), Sign::Has("ArtifactType")],
        &[Sign::Has("Results[].Target"), Sign::Has("Results[].Class")],
        &[Sign::Has("ClusterName"), Sign::Lacks("controls")],
        &[Sign::Has("[].Target"), Sign::Has("[].Vulnerabilities")],
        &[Sign::Has("[].Target"), Sign::Has("[].Type"), Sign::Has("[].Class")],
    ],
    parse,
};

fn parse(text: &str) -> Result<Vec<Report>, ParseError> {
    let mut builder = ReportBuilder::new("Trivy");
    if text.trim_start().starts_with('[') {
        let results: Vec<ScanResult<'_>> = json::read(text)?;
        let asset = results.iter().find_map(|result| system_image(&result.target)).map(words::image_name);
        builder.head().target = asset.and_then(text::some_line);
        let asset = asset.and_then(|image| builder.asset(AssetKind::Image, image));
        add_results(&mut builder, results, asset, false, "");
        return Ok(vec![builder.finish()]);
    }
    let file: File<'_> = json::read(text)?;
    let head = builder.head();
    head.tool_version = file.trivy.version.some_line();
    head.reported_at = file.created_at.time();
    if !file.cluster_name.is_empty() {
        head.target = file.cluster_name.some_line();
    }
    let asset = artifact(&mut builder, &file);
    add_results(&mut builder, file.results.0, asset, false, "/Results");
    let lists = [
        ("Resources", file.resources),
        ("Findings", file.findings),
        ("Vulnerabilities", file.vulnerabilities),
        ("Misconfigurations", file.misconfigurations),
    ];
    for (name, list) in lists {
        for (number, resource) in list.0.into_iter().enumerate() {
            let parts = [&resource.namespace, &resource.kind, &resource.name];
            let parts: Vec<String> = parts.into_iter().filter_map(Text::some_line).collect();
            let asset = builder.asset(AssetKind::Resource, &parts.join("/"));
            add_results(&mut builder, resource.results.0, asset, true, &format!("/{name}/{number}/Results"));
        }
    }
    Ok(vec![builder.finish()])
}

/// The scanned thing: an image without its tag, a repository by its URL, a folder by its name if that says anything.
fn artifact(builder: &mut ReportBuilder, file: &File<'_>) -> Option<usize> {
    let empty = Text::default();
    let name = file.artifact_name.or(file.metadata.repo_tags.first().unwrap_or(&empty)).line();
    let (kind, name) = match file.artifact_type.as_str() {
        "container_image" => (AssetKind::Image, words::image_name(&name)),
        "vm" | "rootfs" => (AssetKind::Host, name.as_str()),
        "aws_account" => (AssetKind::Resource, name.as_str()),
        // Where the build ran says nothing about what was built.
        "filesystem" if name.starts_with(['.', '/']) => return None,
        _ => (AssetKind::Repository, name.as_str()),
    };
    builder.head().target = text::some_line(name);
    builder.asset(kind, name)
}

/// The image in a target like `web:1.2 (alpine 3.20)`, which stands for the packages of its system.
fn system_image(target: &str) -> Option<&str> {
    target.strip_suffix(')')?.split_once(" (").map(|(image, _)| image)
}

/// Adds results; those of a cluster are on its resource and name the image as the place.
fn add_results(
    builder: &mut ReportBuilder,
    results: Vec<ScanResult<'_>>,
    asset: Option<usize>,
    is_cluster: bool,
    path: &str,
) {
    for (number, result) in results.into_iter().enumerate() {
        let path = format!("{path}/{number}");
        let (target, kind) = (result.target.line(), result.kind.line());
        let is_os = result.class.as_str() == "os-pkgs" || result.class.is_empty() && system_image(&target).is_some();
        Within { is_os, builder, target, kind, asset, is_cluster, suppressed: None }.add(result, &path);
    }
}
