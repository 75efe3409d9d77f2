//! A CI that issues tokens: discovery and keys over HTTP, and tokens as the test wants them.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::http::{Request, Response};

/// Made for these tests; they sign nothing else.
pub const FIRST_RSA: &[u8] = include_bytes!("keys/first.rsa.der");
pub const SECOND_RSA: &[u8] = include_bytes!("keys/second.rsa.der");
pub const FIRST_EC: &[u8] = include_bytes!("keys/first.ec.der");

/// A running issuer. It stops when it is dropped.
pub struct Issuer {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    is_stopping: Arc<AtomicBool>,
}

#[derive(Default)]
struct Inner {
    keys: Vec<Value>,
    is_down: bool,
    wait: Duration,
    discovery: Option<Value>,
    calls: Vec<String>,
}

/// The key of the issuer, as it publishes it.
pub fn public_key(id: &str, algorithm: Algorithm, der: &[u8]) -> Value {
    let jwk = Jwk::from_encoding_key(&private_key(algorithm, der), algorithm).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    (jwk["kid"], jwk["use"]) = (json!(id), json!("sig"));
    jwk
}

fn private_key(algorithm: Algorithm, der: &[u8]) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(der),
        Algorithm::HS256 => EncodingKey::from_secret(der),
        _ => EncodingKey::from_rsa_der(der),
    }
}

/// A token with this header and these claims, signed by this key whatever the header says.
pub fn sign(header: &Value, claims: &Value, algorithm: Algorithm, der: &[u8]) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &private_key(algorithm, der), algorithm).unwrap();
    format!("{message}.{signature}")
}

impl Issuer {
    /// Starts an issuer with one key, `first`.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let keys =
            vec![public_key("first", Algorithm::RS256, FIRST_RSA), public_key("curve", Algorithm::ES256, FIRST_EC)];
        let inner = Arc::new(Mutex::new(Inner { keys, ..Inner::default() }));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (shared, stop, url) = (Arc::clone(&inner), Arc::clone(&is_stopping), format!("http://{address}"));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(Some(request)) = Request::read(&stream) else { continue };
                let (answer, wait) = {
                    let mut inner = shared.lock().unwrap();
                    (answer(&mut inner, &request.path, &url), inner.wait)
                };
                thread::sleep(wait);
                let _ = answer.write(&mut stream, true);
            }
        });
        Self { address, inner, is_stopping }
    }

    /// Its name in tokens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked for.
    pub fn calls(&self) -> Vec<String> {
        self.inner.lock().unwrap().calls.clone()
    }

    /// It answers with errors from now on, or no longer.
    pub fn be_down(&self, is_down: bool) {
        self.inner.lock().unwrap().is_down = is_down;
    }

    /// It takes so long for an answer from now on.
    pub fn be_slow(&self, wait: Duration) {
        self.inner.lock().unwrap().wait = wait;
    }

    /// It has these keys from now on.
    pub fn publish(&self, keys: Vec<Value>) {
        self.inner.lock().unwrap().keys = keys;
    }

    /// It describes itself like that from now on.
    pub fn describe(&self, discovery: Value) {
        self.inner.lock().unwrap().discovery = Some(discovery);
    }
}

fn answer(inner: &mut Inner, path: &str, url: &str) -> Response {
    inner.calls.push(path.to_owned());
    if inner.is_down {
        return Response::empty(502);
    }
    match path {
        "/.well-known/openid-configuration" => {
            let usual = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
            Response::json(200, inner.discovery.as_ref().unwrap_or(&usual))
        }
        "/keys" => Response::json(200, &json!({ "keys": inner.keys })),
        _ => Response::empty(404),
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}
