//! One exchange with a tracker: send, and judge what came back by what to do about it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::super::ticket::{Answer, Attachment, Budget, ClientError, PlannedRequest};
use super::{limits, message};
use crate::base::error::ApiError;
use crate::base::secret::Secret;
use crate::egress::client::{
    ACCEPT, CONTENT_TYPE, Egress, EgressError, HeaderMap, HeaderName, HeaderValue, Incoming, Method, Outgoing, header,
};

/// What a request does when it is executed, and so what its lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads, or it sets what may be set twice: it can be repeated.
    Repeatable,
    /// It makes something new each time.
    Creates,
}

/// A request in the making.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    url: Url,
    body: Option<Value>,
    file: Option<Form>,
    effect: Effect,
    /// It is about one ticket, so that "not found" means this ticket.
    about_ticket: bool,
    /// It takes something away, so that "not found" means done.
    gone_is_done: bool,
}

impl Call {
    pub(super) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            file: None,
            effect: Effect::Repeatable,
            about_ticket: false,
            gone_is_done: false,
        }
    }

    pub(super) fn set(method: Method, url: Url, body: Value) -> Self {
        Self {
            method,
            url,
            body: Some(body),
            file: None,
            effect: Effect::Repeatable,
            about_ticket: false,
            gone_is_done: false,
        }
    }

    pub(super) fn create(url: Url, body: Value) -> Self {
        Self {
            method: Method::POST,
            url,
            body: Some(body),
            file: None,
            effect: Effect::Creates,
            about_ticket: false,
            gone_is_done: false,
        }
    }

    pub(super) fn delete(url: Url) -> Self {
        Self {
            method: Method::DELETE,
            url,
            body: None,
            file: None,
            effect: Effect::Repeatable,
            about_ticket: false,
            gone_is_done: false,
        }
    }

    /// Sends a file as the one part, `file`, of a form. A file that arrives twice is found by its name.
    pub(super) fn upload(url: Url, attachment: &Attachment) -> Self {
        Self { method: Method::POST, file: Some(Form::of(attachment)), ..Self::get(url) }
    }

    pub(super) fn about_ticket(mut self) -> Self {
        self.about_ticket = true;
        self
    }

    pub(super) fn gone_is_done(mut self) -> Self {
        self.gone_is_done = true;
        self
    }

    /// The same call with a query.
    pub(super) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.url.query_pairs_mut().extend_pairs(pairs);
        self
    }

    fn lost(&self, message: String) -> ClientError {
        match self.effect {
            Effect::Creates => ClientError::Uncertain { message },
            Effect::Repeatable => ClientError::Transient { message, retry_at: None },
        }
    }
}

/// A form with one file.
#[derive(Debug, Clone)]
struct Form {
    content_type: String,
    bytes: Vec<u8>,
}

impl Form {
    fn of(attachment: &Attachment) -> Self {
        let boundary = format!("patchbay-{:032x}", rand::random::<u128>());
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\ncontent-type: {}\r\n\r\n",
            attachment.name, attachment.content_type
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let bytes = [head.as_bytes(), &attachment.bytes, tail.as_bytes()].concat();
        Self { content_type: format!("multipart/form-data; boundary={boundary}"), bytes }
    }
}

/// An answer with a good status.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) budget: Option<Budget>,
    body: Vec<u8>,
    effect: Effect,
}

impl Reply {
    /// The body as `T`. A tracker that says "created" and then garbles the answer has created something.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("the answer cannot be read: {error}");
            match self.effect {
                Effect::Creates => ClientError::Uncertain { message },
                Effect::Repeatable => ClientError::Transient { message, retry_at: None },
            }
        })
    }

    /// The body as `T`, with the budget.
    pub(super) fn answer<T: DeserializeOwned>(&self) -> Result<Answer<T>, ClientError> {
        Ok(self.with(self.json()?))
    }

    /// A value, with the budget that this reply told.
    pub(super) fn with<T>(&self, value: T) -> Answer<T> {
        Answer { value, budget: self.budget, warnings: Vec::new() }
    }
}

/// A tracker's API, with the credential for it.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    egress: Egress,
    api: Url,
    account: Url,
    secret: Secret<String>,
    authorization: (HeaderName, HeaderValue),
    headers: HeaderMap,
}

impl Wire {
    /// A wire to the API at `api`; `account` is the path that answers who the credential belongs to.
    pub(super) fn new(
        egress: Egress,
        api: Url,
        account: &[&str],
        authorization: (&'static str, Secret<String>),
        secret: Secret<String>,
    ) -> Result<Self, ApiError> {
        let authorization = header(authorization.0, authorization.1.expose(), true)?;
        let account = join(&api, account);
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Ok(Self { egress, api, account, secret, authorization, headers })
    }

    /// The same wire that also sends this header.
    pub(super) fn sending(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The URL of a resource; each segment is percent-encoded on its own.
    pub(super) fn at(&self, segments: &[&str]) -> Url {
        join(&self.api, segments)
    }

    /// The call that asks who the credential belongs to.
    pub(super) fn account_call(&self) -> Call {
        Call::get(self.account.clone())
    }

    /// What the tracker says under these names about who the credential belongs to.
    pub(super) async fn account(&self, fields: &[&str]) -> Result<Answer<Vec<String>>, ClientError> {
        let account = self.send(&self.account_call()).await?.answer::<Value>()?;
        let named =
            |account: Value| fields.iter().filter_map(|field| account[*field].as_str().map(str::to_owned)).collect();
        Ok(account.map(named))
    }

    /// The request as it would be sent, without its credential.
    pub(super) fn plan(&self, call: &Call) -> PlannedRequest {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.headers_of(call) {
            headers.insert(name.to_string(), value.to_str().unwrap_or_default().to_owned());
        }
        PlannedRequest { method: call.method.to_string(), url: call.url.to_string(), headers, body: call.body.clone() }
    }

    fn headers_of(&self, call: &Call) -> HeaderMap {
        let mut headers = self.headers.clone();
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(content_type) = call.file.as_ref().and_then(|form| HeaderValue::try_from(&form.content_type).ok()) {
            headers.insert(CONTENT_TYPE, content_type);
            // Jira takes files from those only who say that they are no browser.
            headers.insert(HeaderName::from_static("x-atlassian-token"), HeaderValue::from_static("no-check"));
        }
        headers
    }

    /// Sends a call; anything but a good status is an error. A 403 that is no rate limit asks whether the account as a
    /// whole is refused, because then no other ticket will fare better.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply, ClientError> {
        let answer = self.exchange(call).await?;
        self.accept(call, answer).await
    }

    /// As [`Self::send`], for an answer that is here already.
    pub(super) async fn accept(&self, call: &Call, answer: Incoming) -> Result<Reply, ClientError> {
        match self.judge(call, answer) {
            Err(ClientError::PermanentForTicket { status: 403, message }) if call.url != self.account => {
                Err(self.account_refused(message).await)
            }
            judged => judged,
        }
    }

    async fn account_refused(&self, message: String) -> ClientError {
        let account = self.account_call();
        let probed = match self.exchange(&account).await {
            Ok(answer) => self.judge(&account, answer).map(drop),
            Err(error) => Err(error),
        };
        match probed {
            Err(
                ClientError::PermanentForConnection { status, .. } | ClientError::PermanentForTicket { status, .. },
            ) => ClientError::PermanentForConnection { status, message },
            Err(error) => error,
            Ok(()) => ClientError::PermanentForTicket { status: 403, message },
        }
    }

    /// Sends a call and hands out whatever answer came.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Incoming, ClientError> {
        let mut headers = self.headers_of(call);
        headers.insert(self.authorization.0.clone(), self.authorization.1.clone());
        let file = call.file.as_ref().map(|form| form.bytes.clone());
        let body = file.or_else(|| call.body.as_ref().map(|body| body.to_string().into_bytes()));
        let request = Outgoing { method: call.method.clone(), url: call.url.clone(), headers, body };
        self.egress.send(request).await.map_err(|error| {
            let message = message::tidy(&error.to_string(), self.secret.expose());
            match error {
                EgressError::Forbidden(_) => ClientError::PermanentForConnection { status: 0, message },
                EgressError::NotConnected(_) => ClientError::Transient { message, retry_at: None },
                EgressError::AnswerLost(_) | EgressError::TooLarge { .. } => call.lost(message),
            }
        })
    }

    /// A good answer, or what a bad one means.
    fn judge(&self, call: &Call, answer: Incoming) -> Result<Reply, ClientError> {
        let Incoming { status, headers, body } = answer;
        if (200..300).contains(&status) || (status == 404 && call.gone_is_done) {
            let budget = limits::budget(&headers);
            return Ok(Reply { headers, budget, body, effect: call.effect });
        }
        let message = message::said(status, &body, self.secret.expose());
        Err(self.verdict(call, status, &headers, message))
    }

    fn verdict(&self, call: &Call, status: u16, headers: &HeaderMap, message: String) -> ClientError {
        match status {
            300..=399 => self.redirected(call, status, headers),
            401 => ClientError::PermanentForConnection { status, message },
            403 | 429 if status == 429 || limits::speaks_of_limit(headers) || speaks_of_limit(&message) => {
                ClientError::RateLimited { message, until: limits::limited_until(headers) }
            }
            404 if call.about_ticket => ClientError::Gone { certain: false, message },
            // GitHub answers 410 also for a repository whose issues are switched off.
            410 if call.about_ticket && !message.contains("disabled") => ClientError::Gone { certain: true, message },
            408 | 409 | 423 | 425 | 500.. => match call.effect {
                Effect::Creates if status != 409 => ClientError::Uncertain { message },
                _ => ClientError::Transient { message, retry_at: limits::retry_after(headers) },
            },
            _ => ClientError::PermanentForTicket { status, message },
        }
    }

    fn redirected(&self, call: &Call, status: u16, headers: &HeaderMap) -> ClientError {
        match location(call, headers) {
            Some(target) if target.origin() == call.url.origin() => ClientError::PermanentForTicket {
                status,
                message: "the project was moved or renamed: correct it in the configuration".to_owned(),
            },
            Some(target) => ClientError::PermanentForConnection {
                status,
                message: format!(
                    "redirects to {}: correct the base URL of the connection",
                    target.origin().ascii_serialization()
                ),
            },
            None => ClientError::PermanentForConnection {
                status,
                message: "redirects to nowhere: correct the base URL of the connection".to_owned(),
            },
        }
    }

    /// Where a redirect leads, if it stays with the tracker: a credential follows nowhere else.
    pub(super) fn same_origin_target(&self, call: &Call, answer: &Incoming) -> Option<Url> {
        let moved = matches!(answer.status, 301 | 302 | 307 | 308);
        location(call, &answer.headers).filter(|target| moved && target.origin() == call.url.origin())
    }
}

fn speaks_of_limit(message: &str) -> bool {
    message.to_ascii_lowercase().contains("rate limit")
}

fn location(call: &Call, headers: &HeaderMap) -> Option<Url> {
    call.url.join(headers.get("location")?.to_str().ok()?).ok()
}

/// A URL below `base`; each segment is percent-encoded, a slash in it too.
pub(super) fn join(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
