//! What the agent writes (`srcclr scan --json`): libraries and vulnerabilities, which refer to those by their places.

use serde::Deserialize;

use crate::reports::builder::ReportBuilder;
use crate::reports::parsers::veracode_sca::add;
use crate::reports::parsers::veracode_sca::schema::{Issue, Library, Link, Links, Subject};
use crate::reports::read::json::{Entries, List, Object};
use crate::reports::read::text::{Number, Text};

/// A scan.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Record<'a> {
    #[serde(borrow)]
    libraries: List<Object<Found<'a>>>,
    #[serde(borrow)]
    vulnerabilities: Entries<'a, Known<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    coordinate_type: Text<'a>,
    #[serde(borrow)]
    coordinate1: Text<'a>,
    #[serde(borrow)]
    coordinate2: Text<'a>,
    #[serde(borrow)]
    versions: List<Object<Version<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Version<'a> {
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known<'a> {
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow, default)]
    cve: Text<'a>,
    #[serde(borrow, default)]
    overview: Text<'a>,
    #[serde(default)]
    cvss_score: Number,
    #[serde(default)]
    cvss3_score: Number,
    #[serde(borrow, default)]
    libraries: List<Object<Affected<'a>>>,
    #[serde(borrow, rename = "_links", default)]
    links: Object<Page<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Affected<'a> {
    #[serde(borrow)]
    details: List<Object<Detail<'a>>>,
    #[serde(borrow, rename = "_links")]
    links: Object<Page<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Detail<'a> {
    #[serde(borrow)]
    update_to_version: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page<'a> {
    #[serde(borrow)]
    html: Text<'a>,
    /// `/records/0/libraries/5/versions/0`
    #[serde(borrow, rename = "ref")]
    place: Text<'a>,
}

/// Adds a scan: an issue for each library that a vulnerability refers to.
pub fn add_record(builder: &mut ReportBuilder, record: Record<'_>, number: usize, path: &str) {
    let Record { libraries, vulnerabilities } = record;
    builder.each(vulnerabilities, &format!("{path}/vulnerabilities"), |builder, known, place| {
        for affected in known.libraries.iter() {
            let library = library(&libraries, &affected.links.place, number);
            if library.is_none() {
                builder.warn(&place, &format!("no library at {}", affected.links.place.line()));
            }
            add(builder, &issue(known, affected, library.unwrap_or_default()), place.clone());
        }
    });
}

fn library<'a>(libraries: &[Object<Found<'a>>], place: &str, record: usize) -> Option<Library<'a>> {
    let inside = place.strip_prefix(&format!("/records/{record}/libraries/"))?;
    let (library, version) = inside.split_once("/versions/")?;
    let found = libraries.get(library.parse::<usize>().ok()?)?;
    let version = found.versions.get(version.parse::<usize>().ok()?).map(|version| version.version.clone());
    let coordinates = [&found.coordinate_type, &found.coordinate1, &found.coordinate2].map(Text::line);
    Some(Library {
        coordinates: Text::from(coordinates.join(":").trim_end_matches(':').to_owned()),
        name: found.name.clone(),
        version: version.unwrap_or_default(),
        ..Library::default()
    })
}

fn issue<'a>(known: &Known<'a>, affected: &Affected<'a>, library: Library<'a>) -> Issue<'a> {
    Issue {
        kind: Text::from("vulnerability"),
        library: Object(library),
        vulnerability: Object(Subject {
            title: known.title.clone(),
            cve: known.cve.clone(),
            overview: known.overview.clone(),
            cvss2_score: known.cvss_score,
            cvss3_score: known.cvss3_score,
            ..Subject::default()
        }),
        fixed_version: affected.details.first().map(|detail| detail.update_to_version.clone()).unwrap_or_default(),
        links: Object(Links { html: Object(Link { href: known.links.html.clone() }) }),
        ..Issue::default()
    }
}
