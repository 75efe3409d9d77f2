//! What goes wrong, on demand.

use std::time::Duration;

use serde_json::json;

use super::http::{Request, Response};

/// How a request ends.
#[derive(Debug, Clone)]
pub enum Kind {
    /// It is not executed; this is the answer.
    Refused(Response),
    /// It is not executed; the connection closes without an answer, after this long.
    Dropped(Duration),
    /// It is executed; the connection closes without an answer, after this long.
    Lost(Duration),
    /// It is executed; this is the answer instead.
    Masked(Response),
    /// It is executed; half of the answer arrives.
    Truncated,
}

/// A fault, and which requests it strikes.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    method: String,
    path_end: String,
    skip: usize,
    /// How often it still strikes; `None` is for ever.
    left: Option<usize>,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self { kind, method: String::new(), path_end: String::new(), skip: 0, left: Some(1) }
    }

    /// Any answer, without execution.
    pub fn refused(response: Response) -> Self {
        Self::new(Kind::Refused(response))
    }

    /// A status with the usual words, without execution.
    pub fn status(status: u16) -> Self {
        Self::refused(Response::json(status, &json!({"message": format!("injected {status}")})))
    }

    /// 429 with `retry-after`.
    pub fn rate_limited(retry_after_s: u64) -> Self {
        let message = json!({"message": "too many requests"});
        Self::refused(Response::json(429, &message).with("retry-after", retry_after_s))
    }

    /// A proxy's 502 as a web page, without execution.
    pub fn bad_gateway() -> Self {
        let body = b"<html><body>502 Bad Gateway</body></html>".to_vec();
        Self::refused(Response { status: 502, headers: vec![("content-type".into(), "text/html".into())], body })
    }

    /// The connection breaks before anything is executed.
    pub fn reset() -> Self {
        Self::new(Kind::Dropped(Duration::ZERO))
    }

    /// Nothing is executed and nothing answered, for this long.
    pub fn hang(wait: Duration) -> Self {
        Self::new(Kind::Dropped(wait))
    }

    /// It is executed and the connection breaks.
    pub fn lost_answer() -> Self {
        Self::new(Kind::Lost(Duration::ZERO))
    }

    /// It is executed and nothing answered, for this long.
    pub fn late_answer(wait: Duration) -> Self {
        Self::new(Kind::Lost(wait))
    }

    /// It is executed and a gateway answers with this status.
    pub fn masked_answer(status: u16) -> Self {
        Self::new(Kind::Masked(Response::json(status, &json!({"message": "upstream timed out"}))))
    }

    /// It is executed and half of the answer arrives.
    pub fn truncated_answer() -> Self {
        Self::new(Kind::Truncated)
    }

    /// Strikes only requests with this method whose path ends like this.
    pub fn on(mut self, method: &str, path_end: &str) -> Self {
        self.method = method.to_owned();
        self.path_end = path_end.to_owned();
        self
    }

    /// Strikes this often instead of once.
    pub fn times(mut self, times: usize) -> Self {
        self.left = Some(times);
        self
    }

    /// Strikes until it is cleared.
    pub fn for_ever(mut self) -> Self {
        self.left = None;
        self
    }

    /// Lets this many pass first.
    pub fn after(mut self, passes: usize) -> Self {
        self.skip = passes;
        self
    }

    /// Whether it strikes this request; counts.
    pub fn strikes(&mut self, request: &Request) -> bool {
        let meant = (self.method.is_empty() || self.method == request.method) && request.path.ends_with(&self.path_end);
        if !meant || self.left == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        true
    }
}
