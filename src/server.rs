//! The HTTP server: what is mounted, in which order a request passes, and how it stops.
//!
//! A request passes, from outside: [`observe`] (id, log, metrics), security headers, compression, the shape of
//! problems, CORS; then the route table of [`api`].

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::{self, ContentType};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Bytes, Data};
use actix_web::{App as WebApp, HttpResponse, HttpServer};
use utoipa_actix_web::AppExt;
use utoipa_swagger_ui::{Config as DocsConfig, SwaggerUi};

use crate::api;
use crate::app::App;
use crate::base::error::ApiError;
use crate::telemetry::Metrics;

mod headers;
mod observe;

use headers::{cors, secure};
use observe::observe;

/// Once nothing is in flight, connections that say nothing are cut after this, in seconds.
const IDLE_CONNECTIONS_S: u64 = 1;
/// Balancers ask every few seconds whether we are ready; those that ask often should hear "no" before we stop.
const READINESS_SEEN_WITHIN: Duration = Duration::from_secs(1);

/// A server that listens.
pub struct Listening {
    /// Where, with the port that the system gave if none was named.
    pub address: SocketAddr,
    app: App,
    servers: Vec<Server>,
}

/// Begins to listen. Requests are answered once [`Listening::serve`] runs.
///
/// # Errors
/// When an address is in use or may not be used.
pub fn listen(app: App) -> io::Result<Listening> {
    let listener = bind(app.config.listen)?;
    let address = listener.local_addr()?;
    let metrics = Metrics::start();
    let mut servers = vec![serve_api(listener, &app, &metrics)?];
    if let Some(address) = app.config.metrics_listen {
        servers.push(serve_metrics(bind(address)?, &app, &metrics)?);
    }
    Ok(Listening { address, app, servers })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

fn serve_api(listener: TcpListener, app: &App, metrics: &Metrics) -> io::Result<Server> {
    let (data, metrics) = (Data::new(app.clone()), Data::new(metrics.clone()));
    let document = Document::new();
    let server = HttpServer::new(move || {
        WebApp::new()
            .app_data(data.clone())
            .app_data(metrics.clone())
            .wrap(from_fn(api::compat::slashes::drop_last_slash))
            .wrap(from_fn(api::encodings::unpack_little_at_once))
            .wrap(cors(&data.config))
            .wrap(from_fn(api::problem::shape_problems))
            .wrap(Compress::default())
            .wrap(from_fn(secure))
            .wrap(from_fn(api::request_id::name_requests))
            .wrap(from_fn(observe))
            .into_utoipa_app()
            .configure(api::routes)
            .into_app()
            .app_data(Data::new(document.clone()))
            .route("/openapi.json", web::get().to(openapi))
            .route("/docs", web::get().to(docs_with_slash))
            .service(docs())
            .default_service(web::to(nothing_here))
    });
    // The end of an answer must not wait until the client has confirmed its beginning.
    let server = server.tcp_nodelay(true).disable_signals().shutdown_timeout(IDLE_CONNECTIONS_S);
    Ok(server.listen(listener)?.run())
}

fn serve_metrics(listener: TcpListener, app: &App, metrics: &Metrics) -> io::Result<Server> {
    async fn metrics_page(app: Data<App>, metrics: Data<Metrics>) -> HttpResponse {
        api::health::render_metrics(&app, &metrics).await
    }
    let (app, metrics) = (Data::new(app.clone()), Data::new(metrics.clone()));
    let server = HttpServer::new(move || {
        WebApp::new().app_data(app.clone()).app_data(metrics.clone()).route("/metrics", web::get().to(metrics_page))
    });
    Ok(server.workers(1).listen(listener)?.disable_signals().shutdown_timeout(IDLE_CONNECTIONS_S).run())
}

impl Listening {
    /// Serves until [`Stop::begin`](crate::base::stop::Stop::begin), and then: answers "not ready", takes no new
    /// connections, finishes what is in flight within the grace, cuts the rest. What is cut was not committed, and is
    /// done by who asks again, or by the worker that takes the lease over.
    ///
    /// # Errors
    /// When a server fails.
    pub async fn serve(self) -> io::Result<()> {
        let handles: Vec<ServerHandle> = self.servers.iter().map(Server::handle).collect();
        let stopping = tokio::spawn(stop_in_order(self.app, handles));
        for server in futures_util::future::join_all(self.servers).await {
            server?;
        }
        // It ended what was joined above, so it is done, or failed with it.
        drop(stopping.await);
        Ok(())
    }
}

async fn stop_in_order(app: App, servers: Vec<ServerHandle>) {
    app.stop.begun().await;
    let grace = app.config.shutdown;
    tracing::info!(in_flight = app.stop.in_flight(), grace_s = grace.as_secs(), "stopping");
    tokio::time::sleep(READINESS_SEEN_WITHIN.min(grace)).await;
    for server in &servers {
        server.pause().await;
    }
    if tokio::time::timeout(grace.saturating_sub(READINESS_SEEN_WITHIN), app.stop.all_done()).await.is_err() {
        tracing::warn!(in_flight = app.stop.in_flight(), "the grace is over: handing back what is in flight");
    }
    for server in servers {
        server.stop(true).await;
    }
    tracing::info!("stopped");
}

/// The document of the API, written once.
#[derive(Clone)]
struct Document(Bytes);

impl Document {
    fn new() -> Self {
        let text = serde_json::to_vec(&api::openapi::document()).expect("a document is JSON");
        Self(Bytes::from(text))
    }
}

async fn openapi(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(document.0.clone())
}

/// Swagger UI, from inside the binary. It reads our document only (`?url=` in its address is ignored), sends nothing
/// to a validator, and remembers a pasted token in the browser.
fn docs() -> SwaggerUi {
    let config = DocsConfig::from("../openapi.json")
        .query_config_enabled(false)
        .validator_url("none")
        .persist_authorization(true)
        .display_request_duration(true)
        .filter(true)
        .doc_expansion("none");
    SwaggerUi::new("/docs/{file:.*}").config(config)
}

async fn docs_with_slash() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found("page", "here: the API begins at /api/v1 and is described at /docs/"))
}
