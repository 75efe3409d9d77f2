//! Many observations of every kind, written as imports would leave them.

use patchbay::assets;
use patchbay::assets::model::AssetKind;
use patchbay::base::ids::{
    AssetId, BranchId, ComponentId, EngagementId, ObservationId, OrganizationId, ProductId, ScanSourceId,
    VulnerabilityId,
};
use patchbay::base::severity::Severity;
use patchbay::base::time::UtcTime;
use patchbay::db::conn::Conn;
use patchbay::observations::model::{Observation, Vulnerability};
use patchbay::observations::repo::counts::Deltas;
use patchbay::observations::status::{self, ObservationStatus};
use patchbay::observations::ticket_state::TicketState;
use patchbay::observations::{apply, catalogue};

use diesel::prelude::*;
use patchbay::db::schema::{branches, engagements, organizations, products, scan_sources};

/// A source that rows are made for.
#[derive(Debug, Clone)]
pub struct Source {
    pub id: ScanSourceId,
    pub product: ProductId,
    pub branch: BranchId,
    pub engagement: Option<EngagementId>,
    pub tool: &'static str,
    pub latest_scan_at: UtcTime,
}

/// What the rows refer to.
#[derive(Debug, Clone)]
pub struct World {
    pub organization: OrganizationId,
    pub products: Vec<ProductId>,
    pub sources: Vec<Source>,
    pub assets: Vec<AssetId>,
    pub vulnerabilities: Vec<Vulnerability>,
    pub components: Vec<(ComponentId, String)>,
    pub rows: Vec<Observation>,
}

/// Numbers that look random and are the same every time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    /// Once in `sides` times.
    pub fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }
}

/// Minutes after a day in 2026.
pub fn minute(minutes: usize) -> UtcTime {
    let start = UtcTime::parse("2026-01-01").unwrap();
    UtcTime::from_micros(start.as_micros() + i64::try_from(minutes).unwrap() * 60_000_000)
}

const WORDS: [&str; 6] = ["Remote code execution", "SQL injection", "Path traversal", "Weak hash", "50% off", "Über"];
const TOOLS: [&str; 3] = ["Trivy", "Semgrep", "ZAP"];

/// An organization with `count` observations in three products.
pub fn world(conn: &mut Conn, slug: &str, count: usize) -> World {
    let organization = OrganizationId::generate();
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(organization),
            organizations::slug.eq(slug),
            organizations::name.eq(slug),
            organizations::created_at.eq(minute(0)),
        ))
        .execute(conn)
        .unwrap();
    let mut dice = Dice::new(7);
    let mut world = World {
        organization,
        products: Vec::new(),
        sources: Vec::new(),
        assets: Vec::new(),
        vulnerabilities: Vec::new(),
        components: Vec::new(),
        rows: Vec::new(),
    };
    for number in 0..3 {
        world.add_product(conn, number);
    }
    world.add_shared(conn);
    world.add_rows(conn, &mut dice, count);
    world
}

impl World {
    fn add_product(&mut self, conn: &mut Conn, number: usize) {
        let (organization, product) = (self.organization, ProductId::generate());
        let name = format!("product {number}");
        diesel::insert_into(products::table)
            .values((
                (products::organization_id.eq(organization), products::id.eq(product)),
                (products::name.eq(&name), products::name_key.eq(&name)),
                (products::created_at.eq(minute(0)), products::updated_at.eq(minute(0))),
            ))
            .execute(conn)
            .unwrap();
        let engagement = EngagementId::generate();
        diesel::insert_into(engagements::table)
            .values((
                (engagements::organization_id.eq(organization), engagements::id.eq(engagement)),
                (engagements::product_id.eq(product), engagements::name.eq("pentest")),
                (engagements::state.eq("active"), engagements::created_at.eq(minute(0))),
            ))
            .execute(conn)
            .unwrap();
        for name in ["", "main"] {
            let branch = BranchId::generate();
            diesel::insert_into(branches::table)
                .values((
                    (branches::organization_id.eq(organization), branches::id.eq(branch)),
                    (branches::product_id.eq(product), branches::name.eq(name)),
                    branches::created_at.eq(minute(0)),
                ))
                .execute(conn)
                .unwrap();
            for (n, tool) in TOOLS.into_iter().enumerate() {
                let engagement = (n == 2).then_some(engagement);
                self.add_source(conn, product, branch, engagement, tool);
            }
        }
        self.products.push(product);
    }

    fn add_source(
        &mut self,
        conn: &mut Conn,
        product: ProductId,
        branch: BranchId,
        engagement: Option<EngagementId>,
        tool: &'static str,
    ) {
        use scan_sources as s;
        let id = ScanSourceId::generate();
        // Some were scanned at the same time.
        let latest_scan_at = minute(1000 + self.sources.len() / 2);
        diesel::insert_into(s::table)
            .values((
                (s::organization_id.eq(self.organization), s::id.eq(id), s::product_id.eq(product)),
                (s::branch_id.eq(branch), s::engagement_id.eq(engagement), s::tool.eq(tool)),
                (s::engagement_key.eq(engagement.map(|id| id.to_string()).unwrap_or_default())),
                (s::latest_scan_at.eq(latest_scan_at), s::created_at.eq(minute(0))),
            ))
            .execute(conn)
            .unwrap();
        self.sources.push(Source { id, product, branch, engagement, tool, latest_scan_at });
    }

    fn add_shared(&mut self, conn: &mut Conn) {
        let named = ["shop", "blog", "api", "docs"].map(|name| (AssetKind::Repository, name));
        self.assets = assets::repo::resolve(conn, self.organization, &named, minute(0)).unwrap();
        let mut aliases = Vec::new();
        for number in 0..24usize {
            let vulnerability = vulnerability(self.organization, number);
            aliases.push((vulnerability.vulnerability_key.clone(), vulnerability.id));
            aliases.push((format!("GHSA-{number:04}"), vulnerability.id));
            self.vulnerabilities.push(vulnerability);
        }
        catalogue::insert_vulnerabilities(conn, &mut self.vulnerabilities.clone()).unwrap();
        let cwes = self.vulnerabilities.iter().filter_map(|vulnerability| Some((vulnerability.cwe?, vulnerability.id)));
        catalogue::insert_cwes(conn, self.organization, &mut cwes.collect::<Vec<_>>()).unwrap();
        catalogue::insert_aliases(conn, self.organization, &mut aliases).unwrap();
        let keys: Vec<_> = ["log4j-core", "openssl"]
            .into_iter()
            .flat_map(|name| ["1.0", "2.0"].map(|version| (name.to_owned(), version.to_owned(), String::new())))
            .collect();
        catalogue::insert_components(conn, self.organization, &keys).unwrap();
        let ids = catalogue::component_ids(conn, self.organization, &keys).unwrap();
        self.components = keys.into_iter().map(|key| (ids[&key], key.0)).collect();
    }

    fn add_rows(&mut self, conn: &mut Conn, dice: &mut Dice, count: usize) {
        for number in 0..count {
            let row = self.row(dice, number);
            self.rows.push(row);
        }
        let mut deltas = Deltas::default();
        for row in &self.rows {
            deltas.add(row.product_id, row.source_id, row.status, row.severity, 1);
        }
        apply::insert(conn, &self.rows).unwrap();
        deltas.apply(conn, self.organization).unwrap();
    }

    fn row(&self, dice: &mut Dice, number: usize) -> Observation {
        use ObservationStatus::{Affected, Duplicate, FalsePositive, RiskAccepted};
        let source = dice.pick(&self.sources).clone();
        let assessed_status = dice.one_in(12).then(|| *dice.pick(&[Affected, FalsePositive, RiskAccepted, Duplicate]));
        let is_present = !dice.one_in(4);
        let status = status::current(is_present, assessed_status, None);
        let scan_severity = *dice.pick(&Severity::ALL);
        let id = ObservationId::generate();
        let original = self.rows.first().map(|row| row.id);
        Observation {
            organization_id: self.organization,
            id,
            source_id: source.id,
            product_id: source.product,
            branch_id: source.branch,
            asset_id: *dice.pick(&self.assets),
            vulnerability_id: dice.pick(&self.vulnerabilities).id,
            component_id: dice.one_in(2).then(|| dice.pick(&self.components).0),
            fingerprint: id.0.as_bytes().to_vec(),
            tool_fingerprint: None,
            status,
            is_active: status.is_active(),
            severity: scan_severity,
            scan_severity,
            scan_status: None,
            assessed_status,
            assessed_severity: None,
            assessment_expires_at: None,
            duplicate_of: original.filter(|_| assessed_status == Some(Duplicate)),
            is_verified: dice.one_in(10),
            location: format!("src/{}/file{}.rs", dice.pick(&["a", "b%", "c_"]), number % 50),
            line: Some(i32::try_from(number).unwrap()),
            content_hash: 0,
            first_seen_at: minute(dice.roll(900)),
            last_seen_at: (!is_present).then(|| minute(990 + dice.roll(20))),
            status_changed_at: minute(5),
            version: 1,
            ticket_state: dice.one_in(6).then(|| *dice.pick(&TicketState::ALL)),
        }
    }

    /// A source of the world.
    pub fn source(&self, id: ScanSourceId) -> &Source {
        self.sources.iter().find(|source| source.id == id).unwrap()
    }

    /// A vulnerability of the world.
    pub fn vulnerability(&self, id: VulnerabilityId) -> &Vulnerability {
        self.vulnerabilities.iter().find(|vulnerability| vulnerability.id == id).unwrap()
    }

    /// When a row was last seen.
    pub fn last_seen(&self, row: &Observation) -> UtcTime {
        row.last_seen_at.unwrap_or(self.source(row.source_id).latest_scan_at)
    }
}

fn vulnerability(organization_id: OrganizationId, number: usize) -> Vulnerability {
    let key = format!("CVE-2026-{number:04}");
    let title = format!("{} in part {number}", WORDS[number % WORDS.len()]);
    Vulnerability {
        organization_id,
        id: VulnerabilityId::generate(),
        search: format!("{key} {title} GHSA-{number:04}").to_lowercase(),
        vulnerability_key: key,
        title,
        severity: Severity::ALL[number % 6],
        description: String::new(),
        remediation: None,
        cwe: Some(i32::try_from(number % 5).unwrap()),
        cwes_json: "[]".to_owned(),
        cvss2: None,
        cvss3: None,
        cvss4: None,
        cvss_score: None,
        epss: None,
        is_known_exploited: false,
        references_json: "[]".to_owned(),
        version: 1,
        created_at: minute(0),
    }
}
