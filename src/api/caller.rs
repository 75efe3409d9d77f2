//! Who calls: the extractors of [`Caller`] (in the organization of the path) and [`SignedIn`] (a person, wherever).

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::access::authentication;
use crate::access::model::{Caller, SignedIn};
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::secret::Secret;
use crate::workloads::exchange::{self, Desk};

const NO_CREDENTIAL: ApiError =
    ApiError::Unauthenticated("send `Authorization: Bearer` with an access token or an API token");

/// What clients of other servers call a bearer token. Their paths name no organization.
const COMPATIBLE_SCHEMES: &[&str] = &["bearer", "token", "apitoken"];

type Finding<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Finding<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { find(&request).await })
    }
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Finding<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (app, bearer) = (app(&request)?, bearer(&request)?);
            authentication::sign_in(&app.db, &app.keys, &bearer, app.clock.now()).await
        })
    }
}

/// Finds the caller once per request: the middleware that counts and the handler ask for the same one.
async fn find(request: &HttpRequest) -> Result<Caller, ApiError> {
    if let Some(known) = request.extensions().get::<Caller>() {
        return Ok(known.clone());
    }
    let app = app(request)?;
    let now = app.clock.now();
    let organization = request.match_info().get("organization");
    let credential = match organization {
        Some(_) => bearer(request)?,
        None => credential(request, COMPATIBLE_SCHEMES)?,
    };
    let workload = exchange::authenticate(workload_desk(&app), &credential, organization, now).await?;
    let caller = match (workload, organization) {
        (Some(caller), _) => caller,
        (None, Some(organization)) => {
            authentication::authenticate(&app.db, &app.keys, &credential, organization, now).await?
        }
        (None, None) => authentication::authenticate_at_home(&app.db, &app.keys, &credential, now).await?,
    };
    request.extensions_mut().insert(caller.clone());
    Ok(caller)
}

/// Where the tokens of workloads are believed.
pub(super) fn workload_desk(app: &App) -> Desk<'_> {
    Desk { db: &app.db, egress: &app.egress, issuers: &app.issuers, public_url: &app.config.public_url }
}

fn app(request: &HttpRequest) -> Result<Data<App>, ApiError> {
    request.app_data::<Data<App>>().cloned().ok_or_else(|| ApiError::internal("the server was given no application"))
}

/// The credential of a request.
///
/// # Errors
/// `Unauthenticated` without one.
pub fn bearer(request: &HttpRequest) -> Result<Secret<String>, ApiError> {
    credential(request, &["bearer"])
}

fn credential(request: &HttpRequest, schemes: &[&str]) -> Result<Secret<String>, ApiError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else { return Err(NO_CREDENTIAL) };
    let (scheme, credential) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(NO_CREDENTIAL)?;
    if !schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(NO_CREDENTIAL);
    }
    Ok(Secret::new(credential.trim().to_owned()))
}
