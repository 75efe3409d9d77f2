//! What no handler need think of: unknown paths, methods that a path has not, `HEAD`, `OPTIONS`, queries where none is
//! understood.

use std::sync::OnceLock;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, ETAG, HeaderValue, IF_NONE_MATCH};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{PathItem, RefOr};

use super::openapi;
use super::problem::Problem;
use super::query;

/// A path of the document and the methods that it has.
struct Path {
    pattern: ResourceDef,
    methods: Vec<&'static str>,
    /// The methods that understand query parameters; their handlers refuse unknown ones.
    with_query: Vec<Method>,
}

/// The answer where no route serves a request.
pub async fn no_route(request: HttpRequest) -> HttpResponse {
    let path = paths().iter().find(|path| path.pattern.is_match(request.path()));
    let Some(path) = path else {
        return Problem::of_status(StatusCode::NOT_FOUND, format!("nothing is at {}", request.path())).respond();
    };
    let allow = HeaderValue::from_str(&path.methods.join(", ")).expect("methods are words");
    let mut response = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent().finish()
    } else {
        let detail = format!("{} is not one of {}", request.method(), path.methods.join(", "));
        Problem::of_status(StatusCode::METHOD_NOT_ALLOWED, detail).respond()
    };
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// The paths of the document: the same registration that serves the requests.
fn paths() -> &'static [Path] {
    static PATHS: OnceLock<Vec<Path>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let document = openapi::document();
        let path = |(path, item): (&String, &PathItem)| Path {
            pattern: ResourceDef::new(path.as_str()),
            methods: methods(item),
            with_query: with_query(item),
        };
        document.paths.paths.iter().map(path).collect()
    })
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let known = [
        ("GET, HEAD", item.get.is_some()),
        ("POST", item.post.is_some()),
        ("PUT", item.put.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
        ("OPTIONS", true),
    ];
    known.into_iter().filter(|(_, has)| *has).map(|(method, _)| method).collect()
}

fn with_query(item: &PathItem) -> Vec<Method> {
    let operations = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    let has_query = |operation: &Operation| {
        let in_query = |it: &RefOr<Parameter>| matches!(it, RefOr::T(it) if it.parameter_in == ParameterIn::Query);
        operation.parameters.iter().flatten().any(in_query)
    };
    operations.into_iter().filter(|(_, it)| it.as_ref().is_some_and(has_query)).map(|(method, _)| method).collect()
}

/// Middleware: where no query parameter is understood, each is a fault.
///
/// # Errors
/// Those of the framework.
pub async fn refuse_queries(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_understood = |path: &Path| path.with_query.contains(request.method());
    let path = || paths().iter().find(|path| path.pattern.is_match(request.path()));
    if request.query_string().is_empty() || path().is_none_or(is_understood) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    match query::refuse_all(request.query_string()) {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => Ok(request.error_response(error)),
    }
}

/// Middleware: `HEAD` is served like `GET`, whose body then is not sent; a `GET` for what the client has (`If-None-Match`)
/// is answered 304.
///
/// # Errors
/// Those of the framework.
pub async fn serve_reads(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let known = request.headers().get(IF_NONE_MATCH).filter(|_| request.method() == Method::GET).cloned();
    let response = next.call(request).await?.map_into_boxed_body();
    let etag = response.headers().get(ETAG).cloned();
    match (known, etag) {
        (Some(known), Some(etag)) if response.status() == StatusCode::OK && names(&known, &etag) => {
            let (request, _) = response.into_parts();
            let not_modified = HttpResponse::NotModified().insert_header((ETAG, etag)).finish();
            Ok(ServiceResponse::new(request, not_modified))
        }
        _ => Ok(response),
    }
}

/// Weak comparison: compression on the way may have made a tag weak.
fn names(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(known), Ok(etag)) = (known.to_str(), etag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
