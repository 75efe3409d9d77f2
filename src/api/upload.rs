//! The body of an upload: multipart with a part `file`, or the bare file; encoded or not.

use actix_multipart::Multipart;
use actix_web::dev::{Decompress, Payload};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt;
use url::form_urlencoded;

use super::body::unpacked;
use super::idempotency;
use super::spool::{Received, Spool};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::app::App;
use crate::base::error::ApiError;
use crate::config::Config;

/// The most that the text parts of a form may hold together, with their names.
const MAX_FIELDS_BYTES: usize = 16 * 1024;
/// What a part costs beside its name and text, so that parts of nothing have an end, too.
const PART_BYTES: usize = 16;
/// The most of a file's name that is kept.
const MAX_FILE_NAME_CHARS: usize = 200;
/// The most that a form may hold beside the file.
const FORM_BYTES: u64 = 1 << 20;

/// A received upload.
#[derive(Debug)]
pub struct Upload {
    /// The file.
    pub file: Received,
    /// The last part of the file's name, as the client calls it: a label, never a path.
    pub file_name: Option<String>,
    /// The query and the text parts, as one query string.
    pub fields: String,
}

/// Receives the body of a request and answers it with `work`: once for each `Idempotency-Key`.
///
/// # Errors
/// `Forbidden` without the permission to upload, before the body is read; as [`receive`] and `work`; `Conflict` and
/// `Unprocessable` for a key that is in use, or was used for something else.
pub async fn once<F: Future<Output = Result<HttpResponse, ApiError>> + 'static>(
    app: &App,
    caller: &Caller,
    request: &HttpRequest,
    payload: Payload,
    work: impl FnOnce(Upload) -> F,
) -> Result<HttpResponse, ApiError> {
    caller.require(Permission::Upload)?;
    let upload = receive(request, payload, &app.config).await?;
    let name = upload.file_name.as_deref().unwrap_or_default();
    let hash = idempotency::hash_of(request, &[upload.fields.as_bytes(), name.as_bytes(), &upload.file.hash]);
    idempotency::run(request, caller, hash, work(upload)).await
}

/// Receives the body of a request.
///
/// # Errors
/// `TooLarge` beyond the limit, before much more than the limit is read; `Invalid` without a file or for a broken body.
pub async fn receive(request: &HttpRequest, payload: Payload, config: &Config) -> Result<Upload, ApiError> {
    refuse_early(request, config.max_upload_bytes)?;
    let is_form = content_type(request).starts_with("multipart/form-data");
    let body = unpacked(request, payload);
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields.extend_pairs(form_urlencoded::parse(request.query_string().as_bytes()));
    let file = if is_form {
        let form = Multipart::new(request.headers(), body);
        read_form(form, &mut fields, config).await?
    } else {
        Some((read_bare(body, config).await?, None))
    };
    let (file, file_name) =
        file.ok_or_else(|| ApiError::invalid("file", "is missing: send the report as the part `file`"))?;
    if file.size_bytes == 0 {
        return Err(ApiError::invalid("file", "is empty: send the report that the tool wrote"));
    }
    Ok(Upload { file, file_name, fields: fields.finish() })
}

fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_ascii_lowercase()
}

/// A body that says how long it is need not be read to be refused.
fn refuse_early(request: &HttpRequest, limit_bytes: u64) -> Result<(), ApiError> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit_bytes + FORM_BYTES) {
        return Err(ApiError::TooLarge { limit_bytes });
    }
    let expects = request.headers().get(EXPECT).and_then(|value| value.to_str().ok());
    match expects {
        None => Ok(()),
        Some(expects) if expects.eq_ignore_ascii_case("100-continue") => Ok(()),
        Some(_) => Err(ApiError::invalid("Expect", "must be 100-continue")),
    }
}

async fn read_bare(mut body: Decompress<Payload>, config: &Config) -> Result<Received, ApiError> {
    let mut spool = Spool::new(config);
    while let Some(bytes) = body.try_next().await.map_err(broken_body)? {
        spool.take(bytes).await?;
    }
    spool.finish().await
}

async fn read_form(
    mut form: Multipart,
    fields: &mut form_urlencoded::Serializer<'_, String>,
    config: &Config,
) -> Result<Option<(Received, Option<String>)>, ApiError> {
    let (mut file, mut left) = (None, MAX_FIELDS_BYTES);
    while let Some(mut part) = form.try_next().await.map_err(broken_form)? {
        let name = part.name().unwrap_or_default().to_owned();
        left = left.checked_sub(name.len() + PART_BYTES).ok_or_else(too_long)?;
        if name == "file" {
            if file.is_some() {
                return Err(ApiError::invalid("file", "must be sent once"));
            }
            let file_name = part.content_disposition().and_then(|of| of.get_filename()).and_then(label);
            let mut spool = Spool::new(config);
            while let Some(bytes) = part.try_next().await.map_err(broken_form)? {
                spool.take(bytes).await?;
            }
            file = Some((spool.finish().await?, file_name));
            continue;
        }
        let mut text = Vec::new();
        while let Some(bytes) = part.try_next().await.map_err(broken_form)? {
            left = left.checked_sub(bytes.len()).ok_or_else(too_long)?;
            text.extend_from_slice(&bytes);
        }
        let text = String::from_utf8(text).map_err(|_| ApiError::invalid(name.as_str(), "must be UTF-8"))?;
        fields.append_pair(&name, &text);
    }
    Ok(file)
}

/// The last part of a path of any system.
fn label(path: &str) -> Option<String> {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|letter| !letter.is_control()).take(MAX_FILE_NAME_CHARS).collect();
    Some(kept.trim().to_owned()).filter(|name| !name.is_empty())
}

fn too_long() -> ApiError {
    let detail =
        format!("has text parts with more than {MAX_FIELDS_BYTES} bytes together: send what is asked for only");
    ApiError::invalid("body", detail)
}

fn broken_body(error: PayloadError) -> ApiError {
    ApiError::invalid("body", format!("could not be read: {error}"))
}

fn broken_form(error: actix_multipart::MultipartError) -> ApiError {
    ApiError::invalid("body", format!("is not a readable form: {error}"))
}
