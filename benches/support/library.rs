//! The library as the server uses it, without HTTP.

use std::path::Path;

use patchbay::access::model::Caller;
use patchbay::access::permission::{Permissions, Role};
use patchbay::app::App;
use patchbay::base::actor::Actor;
use patchbay::base::ids::OrganizationId;
use patchbay::base::scope::ProductScope;
use patchbay::base::time::Clock;
use patchbay::config::Config;
use patchbay::config::sources::Sources;
use patchbay::products::model::IdOrName;
use patchbay::products::target::Wanted;
use patchbay::reports::decode::Source;
use patchbay::scans::model::{ScanCounts, UploadSettings};
use patchbay::scans::service::{self, Submission};
use sha2::{Digest, Sha256};

/// Opens the application on this data.
pub fn open(folder: &Path, url: Option<String>) -> App {
    let mut environment = vec![("PATCHBAY_DATA_FOLDER".to_owned(), folder.display().to_string())];
    environment.extend(url.map(|url| ("PATCHBAY_DATABASE_URL".to_owned(), url)));
    let config = Config::read(&Sources { file: None, environment, flags: Vec::new() }).unwrap();
    App::open(config, Clock::system()).unwrap()
}

/// An organization, and somebody who may do everything there.
pub fn organization(runtime: &tokio::runtime::Runtime, app: &App) -> Caller {
    use diesel::prelude::*;
    use patchbay::db::schema::organizations as o;
    let (id, now) = (OrganizationId::generate(), app.clock.now());
    let made = app.db.write(move |conn| {
        let row = (o::id.eq(id), o::slug.eq("bench"), o::name.eq("Bench"), o::created_at.eq(now));
        diesel::insert_into(o::table).values(row).execute(conn)?;
        Ok(())
    });
    runtime.block_on(made).unwrap();
    Caller {
        organization: id,
        actor: Actor::System,
        permissions: Permissions::of_role(Role::Admin),
        products: ProductScope::all(),
        branch: None,
    }
}

/// Imports a report as an upload does.
pub async fn import(app: &App, caller: &Caller, product: &str, file: Vec<u8>) -> ScanCounts {
    let submission = Submission {
        wanted: Wanted {
            product: IdOrName::Name(product.to_owned()),
            branch: None,
            engagement: None,
            create_missing: true,
        },
        settings: UploadSettings::default(),
        size_bytes: file.len() as u64,
        file_hash: Sha256::digest(&file).into(),
        file: Source::Bytes(file),
    };
    let running = service::submit(app, caller.clone(), submission, app.clock.now()).await.unwrap();
    let upload = running.upload;
    running.task.await.unwrap().unwrap();
    let organization = caller.organization;
    let (_, scans) = app.db.read(move |conn| service::find_upload(conn, organization, upload)).await.unwrap();
    scans[0].counts
}
