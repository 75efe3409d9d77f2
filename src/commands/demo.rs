//! `patchbay demo`.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use super::serve::{THREADS_END_WITHIN, public_url, run, runtime, where_everything_is};
use super::{Done, open};
use crate::app::App;
use crate::config::Config;
use crate::demo::{self, tour};
use crate::{server, telemetry};

pub(super) fn demo(mut config: Config) -> Done {
    let folder = tempfile::Builder::new().prefix("patchbay-demo-").tempdir()?;
    // Whatever else is configured: the demo touches nothing that is there.
    config.data_folder = folder.path().to_owned();
    config.keys_file = folder.path().join("keys.json");
    config.database_url = None;
    config.keys = None;
    telemetry::log(&config);
    let app = open::app(config)?;
    let runtime = runtime()?;
    let shown = runtime.block_on(show(app));
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    shown?;
    folder.close()?;
    Ok(ExitCode::SUCCESS)
}

async fn show(app: App) -> Result<(), Box<dyn Error>> {
    let listening = server::listen(app.clone())?;
    let made = demo::fill(&app).await?;
    let url = public_url(&app, &listening);
    print!("{}{}", where_everything_is(&app, &listening), tour::tour(&made, &url));
    io::stdout().flush()?;
    Ok(run(app, listening).await?)
}
