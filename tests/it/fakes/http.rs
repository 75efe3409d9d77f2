//! As much of HTTP/1.1 as a fake needs: one request per connection.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Percent-decoded segments: a slash inside one is the project's own.
    pub segments: Vec<String>,
    /// The path as sent, without the query.
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; null without one.
    pub body: Value,
    /// The body as text.
    pub form: String,
}

impl Request {
    /// The name and the content of the file in a form.
    pub fn file(&self) -> Option<(String, String)> {
        let (head, rest) = self.form.split_once("\r\n\r\n")?;
        let name = head.split("filename=\"").nth(1)?.split('"').next()?;
        let content = rest.split("\r\n--patchbay-").next()?;
        Some((name.to_owned(), content.to_owned()))
    }
}

impl Request {
    /// Reads a request, or nothing when the other side just connected and left.
    pub fn read(stream: &TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut parts = line.split_whitespace();
        let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (method, target) = (method.to_owned(), target.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let url = url::Url::parse(&format!("http://fake{target}")).map_err(io::Error::other)?;
        let decode = |segment: &str| percent_decoded(segment);
        Ok(Some(Self {
            method,
            segments: url.path_segments().into_iter().flatten().map(decode).collect(),
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            form: String::from_utf8_lossy(&body).into_owned(),
        }))
    }

    /// A value of the query, empty without it.
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A text of the body, empty without it.
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The texts of a list in the body.
    pub fn texts(&self, pointer: &str) -> Vec<String> {
        let items = self.body.pointer(pointer).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The page that the query asks for, of these items.
    pub fn page<T: Clone>(&self, items: &[T]) -> Vec<T> {
        let size = self.query("per_page").parse().unwrap_or(20_usize);
        let page = self.query("page").parse::<usize>().unwrap_or(1).max(1);
        items.iter().skip((page - 1) * size).take(size).cloned().collect()
    }
}

fn percent_decoded(text: &str) -> String {
    let form = text.replace('+', "%2B");
    let pairs = url::form_urlencoded::parse(form.as_bytes()).next();
    pairs.map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Writes the answer, or only the first half of its body while its length says more.
    pub fn write(&self, stream: &mut TcpStream, whole: bool) -> io::Result<()> {
        let mut head =
            format!("HTTP/1.1 {} Fake\r\ncontent-length: {}\r\nconnection: close\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        let end = if whole { self.body.len() } else { self.body.len() / 2 };
        stream.write_all(&self.body[..end])?;
        stream.flush()
    }
}
