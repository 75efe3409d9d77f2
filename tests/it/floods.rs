//! Uploads that want too much: too large, too slow, too many. Others are served meanwhile.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{self, Process};

const LIMIT: usize = 4 << 20;
const GIB: u64 = 1 << 30;
const SLOW: usize = 200;

async fn server(folder: &std::path::Path) -> Process {
    let mut command = process::command(folder, None);
    command.env("PATCHBAY_MAX_UPLOAD_BYTES", LIMIT.to_string());
    Process::start_as(command).await
}

/// A connection on which the head of an upload has been sent.
async fn begin(server: &Process, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/v1/organizations/default/scans?product=shop HTTP/1.1\r\nHost: patchbay\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\n{headers}\r\n\r\n",
        server.bearer()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What the server answers, as far as it comes.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 16 * 1024];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes)).await.expect("an answer");
    String::from_utf8_lossy(&bytes[..read.unwrap_or(0)]).into_owned()
}

fn assert_too_large(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("application/problem+json") && answer.contains(&LIMIT.to_string()), "{answer}");
}

/// S-21
#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let before = server.resident_mib();
    for expect in ["", "\r\nExpect: 100-continue"] {
        let mut stream = begin(&server, &format!("Content-Length: {GIB}{expect}")).await;
        let mut refusal = answer(&mut stream).await;
        if let Some(rest) = refusal.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n") {
            refusal = if rest.is_empty() { answer(&mut stream).await } else { rest.to_owned() };
        }
        assert_too_large(&refusal);
    }
    let mut stream = begin(&server, "Transfer-Encoding: chunked").await;
    let (mut sent, chunk) = (0, vec![b'a'; 64 * 1024]);
    let head = format!("{:x}\r\n", chunk.len());
    while sent < 2 * LIMIT {
        let parts = [head.as_bytes(), &chunk, b"\r\n"].concat();
        let write = tokio::time::timeout(Duration::from_secs(1), stream.write_all(&parts)).await;
        if !matches!(write, Ok(Ok(()))) {
            break;
        }
        sent += chunk.len();
    }
    assert_too_large(&answer(&mut stream).await);
    assert!(server.resident_mib() < before + 100);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().contains('.')), "a spooled file stays: {left:?}");
}

/// S-21
#[tokio::test]
async fn two_hundred_slow_uploads_disturb_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path()).await;
    let before = server.resident_mib();
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(begin(&server, "Content-Length: 3000000").await);
    }
    for _ in 0..5 {
        for stream in &mut slow {
            stream.write_all(&[b' '; 1000]).await.unwrap();
        }
        let began = Instant::now();
        let (status, list) =
            server.send_bytes(Method::GET, "/organizations/default/observations", vec![]).await.unwrap();
        assert_eq!(status, 200, "{list}");
        let report = br#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"Lint"}},"results":[]}]}"#.to_vec();
        let path = "/organizations/default/scans?product=quick";
        let (status, scan): (u16, Value) = server.send_bytes(Method::POST, path, report).await.unwrap();
        assert_eq!(status, 201, "{scan}");
        assert!(began.elapsed() < Duration::from_secs(10), "others wait: {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(server.resident_mib() < before + 100, "{before} MiB became {}", server.resident_mib());
}
