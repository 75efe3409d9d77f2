//! Clients of other servers end their paths with a slash, or forget it. Both are served, and nothing is redirected: a
//! redirected POST would lose its file.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::middleware::Next;

const OF_OTHER_SERVERS: [&str; 3] = ["/api/v2/", "/api/import/", "/api/products/"];

/// Middleware: from here on, the paths of other servers' APIs have no slash at the end.
///
/// # Errors
/// Those of the framework.
pub async fn drop_last_slash(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let path = request.path();
    if let Some(path) = path.strip_suffix('/').filter(|_| OF_OTHER_SERVERS.iter().any(|start| path.starts_with(start)))
    {
        let query = request.query_string();
        let mark = if query.is_empty() { "" } else { "?" };
        if let Ok(uri) = format!("{path}{mark}{query}").parse::<Uri>() {
            request.match_info_mut().get_mut().update(&uri);
            request.head_mut().uri = uri;
        }
    }
    next.call(request).await
}
