//! The way out: where it may lead, and how little a hostile server can do to us.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use patchbay::egress::client::{
    Egress, EgressError, HeaderMap, Incoming, Limits, Lookup, LookupResult, Method, Outgoing, SystemLookup,
};
use patchbay::egress::policy::Policy;

const LIMITS: Limits =
    Limits { connect_timeout: Duration::from_millis(500), total_timeout: Duration::from_secs(1), body_bytes: 1 << 20 };

/// Answers names from a list, one after the other; the last answer stays.
struct Names(Mutex<Vec<Vec<IpAddr>>>);

impl Lookup for Names {
    fn lookup(&self, _host: String) -> Pin<Box<dyn Future<Output = LookupResult> + Send>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

fn names(answers: &[&[&str]]) -> Arc<Names> {
    let parsed = answers.iter().map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect());
    Arc::new(Names(Mutex::new(parsed.collect())))
}

fn closed(lookup: Arc<dyn Lookup>) -> Egress {
    Egress::with(Policy::default(), LIMITS, lookup).unwrap()
}

fn open() -> Egress {
    let policy = Policy::new(vec!["127.0.0.1".parse().unwrap()]);
    Egress::with(policy, LIMITS, Arc::new(SystemLookup)).unwrap()
}

async fn get(egress: &Egress, url: &str) -> Result<Incoming, EgressError> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer very-secret".parse().unwrap());
    egress.send(Outgoing { method: Method::GET, url: url.parse().unwrap(), headers, body: None }).await
}

/// A server that treats every connection like this, and how many it got.
fn server(treat: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let (counter, treat) = (Arc::clone(&count), Arc::new(treat));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let treat = Arc::clone(&treat);
            thread::spawn(move || treat(&mut stream));
        }
    });
    (address, count)
}

/// Writes until the other side has had enough.
fn pour(stream: &mut TcpStream, head: &str, chunk: &[u8], pause: Duration) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let mut alive = stream.write_all(head.as_bytes()).is_ok();
    while alive {
        thread::sleep(pause);
        alive = stream.write_all(chunk).is_ok();
    }
}

/// S-15: a literal address never asks a resolver, so it is refused at each request too.
#[tokio::test]
async fn refuses_literal_inner_addresses_at_each_request() {
    let (address, count) = server(|_| {});
    let egress = closed(Arc::new(SystemLookup));
    let port = address.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let error = get(&egress, &url).await.unwrap_err();
        assert!(matches!(error, EgressError::Forbidden(_)), "{url}: {error:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "a connection was made");
}

/// S-15: what the name says at the moment of the connection decides, not what it said when it was saved.
#[tokio::test]
async fn refuses_names_that_turn_inward() {
    let (address, count) = server(|_| {});
    let url = format!("http://tracker.example:{}/", address.port());
    let turning = names(&[&["93.184.215.14"], &["127.0.0.1"]]);
    let egress = closed(turning);
    assert!(egress.check_url(&url).await.is_ok());
    let error = get(&egress, &url).await.unwrap_err();
    assert!(matches!(&error, EgressError::Forbidden(why) if why.contains("tracker.example")), "{error:?}");
    for inner in ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fd00::1", "64:ff9b::a00:1"] {
        let egress = closed(names(&[&[inner]]));
        assert!(egress.check_url(&url).await.is_err(), "{inner} was saved");
        let error = get(&egress, &url).await.unwrap_err();
        assert!(matches!(error, EgressError::Forbidden(_)), "{inner}: {error:?}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "a connection was made");
}

/// S-15: the operator opens hosts by name, and only these.
#[tokio::test]
async fn reaches_what_the_operator_opens() {
    let (address, count) = server(|stream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    });
    let policy = Policy::new(vec!["tracker.corp".parse().unwrap()]);
    let egress = Egress::with(policy, LIMITS, names(&[&["127.0.0.1"]])).unwrap();
    let answer = get(&egress, &format!("http://tracker.corp:{}/", address.port())).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"ok".as_slice()));
    let error = get(&egress, &format!("http://other.corp:{}/", address.port())).await.unwrap_err();
    assert!(matches!(error, EgressError::Forbidden(_)), "{error:?}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// S-15: a redirect is an answer, not an order; no credential goes anywhere else.
#[tokio::test]
async fn follows_no_redirect() {
    let (target, count) = server(|_| {});
    let (address, _) = server(move |stream| {
        let head = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{target}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(head.as_bytes());
    });
    let answer = get(&open(), &format!("http://{address}/")).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(count.load(Ordering::SeqCst), 0, "the redirect was followed");
}

/// S-18: endless, announced, compressed, dripping, headless and silent answers all end soon.
#[tokio::test]
async fn hostile_answers_are_bounded_in_time_and_size() {
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..8 {
            encoder.write_all(&[0; 1 << 20]).unwrap();
        }
        encoder.finish().unwrap()
    };
    let packed = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", bomb.len());
    let large_header = format!("HTTP/1.1 200 OK\r\nx-large: {}\r\n\r\n", "x".repeat(1 << 20));
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n".to_owned();
    let endless = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned();
    let (blocks, one) = (vec![b'x'; 1 << 16], b"x".to_vec());
    let never = Duration::from_secs(120);
    let too_large = EgressError::TooLarge { limit_bytes: LIMITS.body_bytes };
    let too_slow = EgressError::AnswerLost("it took too long".to_owned());
    for (name, head, chunk, pause, expected) in [
        ("endless", endless.clone(), blocks.clone(), Duration::ZERO, Some(too_large.clone())),
        ("announced", announced, blocks, Duration::ZERO, Some(too_large.clone())),
        ("bomb", packed, bomb, Duration::ZERO, Some(too_large)),
        ("dripping", endless, one.clone(), Duration::from_millis(100), Some(too_slow.clone())),
        ("silent", String::new(), one.clone(), never, Some(too_slow)),
        ("headers", large_header, one, Duration::ZERO, None),
    ] {
        let (address, _) = server(move |stream| pour(stream, &head, &chunk, pause));
        let started = Instant::now();
        let error = get(&open(), &format!("http://{address}/")).await.unwrap_err();
        assert!(expected.is_none_or(|expected| error == expected), "{name}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{name} took {:?}", started.elapsed());
        assert!(!format!("{error} {error:?}").contains("very-secret"));
    }
}

/// S-18: a server that never begins TLS, one that is not there, and a name that nobody knows.
#[tokio::test]
async fn says_when_nothing_was_sent() {
    let (address, _) = server(|_| thread::sleep(Duration::from_secs(120)));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unknown = "http://unknown.invalid/".to_owned();
    for url in [format!("https://{address}/"), format!("http://{gone}/"), unknown] {
        let started = Instant::now();
        let error = get(&open(), &url).await.unwrap_err();
        assert!(matches!(error, EgressError::NotConnected(_)), "{url}: {error:?}");
        assert!(started.elapsed() < Duration::from_secs(60), "{url} took {:?}", started.elapsed());
    }
}
