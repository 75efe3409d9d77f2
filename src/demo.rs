//! `patchbay demo`: an organization with two products, reports of three scanners imported as any upload is, and a
//! tracker that only pretends. Everything is in a folder that goes when the demo ends.

use std::fmt;

use sha2::{Digest, Sha256};
use url::Url;

use crate::access::model::{Caller, SignedIn};
use crate::access::permission::{Permissions, Role, TokenScope};
use crate::access::repo;
use crate::access::service::first_start::{self, NewAdmin};
use crate::access::service::organizations::{self, NewOrganization};
use crate::access::service::tokens::{self, NewToken};
use crate::app::App;
use crate::base::actor::Actor;
use crate::base::error::ApiError;
use crate::base::ids::{ProductId, SessionId};
use crate::base::page::Window;
use crate::base::scope::ProductScope;
use crate::base::secret::Secret;
use crate::base::severity::Severity;
use crate::base::tracker_kind::TrackerKind;
use crate::base::version::IfMatch;
use crate::connections::service::NewConnection;
use crate::connections::settings::Settings;
use crate::products;
use crate::products::model::{IdOrName, NewProduct};
use crate::products::target::Wanted;
use crate::reports::decode::Source;
use crate::scans::model::{Scan, UploadSettings};
use crate::scans::service::{self as scans, Submission};
use crate::tracker_configs::model::ConfigSettings;
use crate::tracker_configs::service::{self as tracker_configs, Account};
use crate::trackers::preview::{self, Preview};
use crate::trackers::sync::Tools;

pub mod tour;

/// The organization of the demo.
pub const ORGANIZATION: &str = "acme";
const ADMIN: &str = "admin@acme.example";

/// A report to import: its product, its name, its text.
struct Sample {
    product: &'static str,
    name: &'static str,
    text: &'static str,
}

const SHOP: &str = "Web shop";
const PAYMENTS: &str = "Payment API";

/// In the order of their imports: of the web shop's scans, the second resolves some findings and brings a new one, the
/// third finds one of the resolved again.
const SAMPLES: &[Sample] = &[
    Sample { product: SHOP, name: "web-shop-1.sarif", text: include_str!("demo/samples/web-shop-1.sarif") },
    Sample { product: SHOP, name: "web-shop-2.sarif", text: include_str!("demo/samples/web-shop-2.sarif") },
    Sample { product: SHOP, name: "web-shop-3.sarif", text: include_str!("demo/samples/web-shop-3.sarif") },
    Sample {
        product: PAYMENTS,
        name: "payment-api.trivy.json",
        text: include_str!("demo/samples/payment-api.trivy.json"),
    },
    Sample {
        product: PAYMENTS,
        name: "payment-api.gitlab-secrets.json",
        text: include_str!("demo/samples/payment-api.gitlab-secrets.json"),
    },
];

/// What the demo made, for the tour.
pub struct Made {
    /// The administrator and their password.
    pub admin: NewAdmin,
    /// A token that may upload, read and write.
    pub token: Secret<String>,
    /// Every import, in order: product, file, and its scan.
    pub imports: Vec<(&'static str, &'static str, Scan)>,
    /// What the pretended tracker would be sent, by product.
    pub tickets: Vec<(&'static str, Preview)>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "demo with {} imports", self.imports.len())
    }
}

/// Fills an empty application.
///
/// # Errors
/// `Internal` if the samples could not be imported.
pub async fn fill(app: &App) -> Result<Made, ApiError> {
    let (admin, caller) = found(app).await?;
    for name in [SHOP, PAYMENTS] {
        product(app, &caller, name).await?;
    }
    let mut imports = Vec::new();
    for sample in SAMPLES {
        imports.push((sample.product, sample.name, import(app, &caller, sample).await?));
    }
    let mut tickets = Vec::new();
    for name in [SHOP, PAYMENTS] {
        tickets.push((name, preview(app, &caller, name).await?));
    }
    Ok(Made { token: token(app, &caller).await?, admin, imports, tickets })
}

/// The administrator and their organization.
async fn found(app: &App) -> Result<(NewAdmin, Caller), ApiError> {
    let now = app.clock.now();
    let found = move |conn: &mut _| {
        let admin = first_start::create_admin(conn, ADMIN, None, now)?;
        let user = repo::users::find_by_email(conn, ADMIN)?.ok_or_else(|| ApiError::not_found("user", ADMIN))?;
        let person = SignedIn { session: SessionId::generate(), user: user.id, is_superuser: true };
        let acme = NewOrganization { slug: ORGANIZATION.to_owned(), name: "Acme".to_owned() };
        let organization = organizations::create(conn, &person, &acme, now)?.id;
        let permissions = Permissions::of_role(Role::Admin);
        let caller = Caller {
            organization,
            actor: Actor::User(user.id),
            permissions,
            products: ProductScope::all(),
            branch: None,
        };
        Ok((admin, caller))
    };
    app.db.write(found).await
}

/// A product whose tickets are only shown, never sent.
async fn product(app: &App, caller: &Caller, name: &'static str) -> Result<(), ApiError> {
    let (caller, keys, now) = (caller.clone(), app.keys.clone(), app.clock.now());
    let project = format!("acme/{}", name.to_lowercase().replace(' ', "-"));
    let base_url = Url::parse("https://api.github.com").map_err(ApiError::internal)?;
    let connection = NewConnection {
        label: format!("GitHub of {name}"),
        kind: TrackerKind::GitHub,
        base_url,
        username: None,
        credential: Secret::new("not-a-token".to_owned()),
        is_enabled: true,
        settings: Settings::default(),
    };
    let wanted = tracker_configs::Wanted {
        is_active: true,
        is_dry_run: true,
        auto_sync: true,
        push_all: true,
        require_verified: false,
        project_key: project,
        minimum_severity: Severity::Medium,
        settings: ConfigSettings { labels: vec!["security".to_owned()], ..ConfigSettings::default() },
    };
    let make = move |conn: &mut _| {
        let new = NewProduct {
            name: name.to_owned(),
            description: String::new(),
            is_restricted: false,
            team_ids: Vec::new(),
        };
        let product = products::service::create(conn, &caller, new, now)?.product.id;
        let with = (Account::New(Box::new(connection)), wanted);
        tracker_configs::put(conn, &caller, &keys, product, with, &IfMatch::Any, now).map(drop)
    };
    app.db.write(make).await
}

async fn import(app: &App, caller: &Caller, sample: &Sample) -> Result<Scan, ApiError> {
    let bytes = sample.text.as_bytes();
    let submission = Submission {
        wanted: wanted(sample.product),
        settings: UploadSettings::default(),
        file: Source::Bytes(bytes.to_vec()),
        size_bytes: bytes.len() as u64,
        file_hash: Sha256::digest(bytes).into(),
    };
    let running = scans::submit(app, caller.clone(), submission, app.clock.now()).await?;
    running.task.await.map_err(ApiError::internal)??;
    let (caller, upload) = (caller.clone(), running.upload);
    let (_, scans) = app.db.read(move |conn| scans::get_upload(conn, &caller, upload)).await?;
    scans.into_iter().next().ok_or_else(|| ApiError::not_found("scan of upload", upload))
}

fn wanted(product: &str) -> Wanted {
    Wanted { product: IdOrName::Name(product.to_owned()), branch: None, engagement: None, create_missing: false }
}

async fn preview(app: &App, caller: &Caller, product: &'static str) -> Result<Preview, ApiError> {
    let (reader, now) = (caller.clone(), app.clock.now());
    let find = move |conn: &mut _| products::target::resolve(conn, &reader, &wanted(product), now);
    let id: ProductId = app.db.write(find).await?.product.id;
    let window = Window { limit: 100, after: None };
    preview::preview(&Tools::of(app), caller, id, window, None).await
}

async fn token(app: &App, caller: &Caller) -> Result<Secret<String>, ApiError> {
    let (caller, now) = (caller.clone(), app.clock.now());
    let new = NewToken {
        name: "demo".to_owned(),
        scopes: vec![TokenScope::Upload, TokenScope::Read, TokenScope::Write],
        product_id: None,
        expires_at: None,
    };
    Ok(app.db.write(move |conn| tokens::create(conn, &caller, new, now)).await?.1)
}
