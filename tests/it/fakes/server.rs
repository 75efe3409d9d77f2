//! The handle of a fake: a server on a free port, its faults and what it has seen.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use super::fault::{Fault, Kind};
use super::http::{Request, Response};
use super::store::{Item, Store};

/// What one kind of tracker knows.
pub trait Tracker: Send + 'static {
    /// Its words for an open and a closed issue.
    const WORDS: (&'static str, &'static str);

    /// Executes a request.
    fn answer(&mut self, request: &Request) -> Response;

    /// Its issues.
    fn store(&mut self) -> &mut Store;
}

/// A running fake. It stops when it is dropped.
pub struct Fake<T: Tracker> {
    address: SocketAddr,
    inner: Arc<Mutex<Inner<T>>>,
    is_stopping: Arc<AtomicBool>,
}

struct Inner<T> {
    tracker: T,
    faults: Vec<Fault>,
    requests: Vec<Request>,
}

fn lock<T>(inner: &Mutex<Inner<T>>) -> MutexGuard<'_, Inner<T>> {
    // A test that failed inside has said so; the others may go on.
    inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl<T: Tracker> Fake<T> {
    /// Starts a fake on a free port of this machine.
    pub fn start(tracker: T) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Mutex::new(Inner { tracker, faults: Vec::new(), requests: Vec::new() }));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&inner), Arc::clone(&is_stopping));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, inner, is_stopping }
    }

    /// Where it is: the base URL of a connection.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a fault. Of several that would strike, the first does.
    pub fn inject(&self, fault: Fault) {
        lock(&self.inner).faults.push(fault);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        lock(&self.inner).faults.clear();
    }

    /// What has arrived so far, faulty or not.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.inner).requests.clone()
    }

    /// Methods and paths of what has arrived so far.
    pub fn calls(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    /// Forgets what has arrived.
    pub fn forget_requests(&self) {
        lock(&self.inner).requests.clear();
    }

    /// Looks at or changes the tracker from inside.
    pub fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut lock(&self.inner).tracker)
    }

    /// The issues that are there.
    pub fn items(&self) -> Vec<Item> {
        self.with(|tracker| tracker.store().items.iter().filter(|item| !item.is_deleted).cloned().collect())
    }

    /// The issue with this key.
    pub fn item(&self, key: &str) -> Item {
        self.with(|tracker| tracker.store().by_key(key).clone())
    }

    /// A person changes an issue.
    pub fn by_hand(&self, key: &str, change: impl FnOnce(&mut Item)) {
        self.with(|tracker| change(tracker.store().by_key(key)));
    }

    /// A person closes an issue.
    pub fn close_by_hand(&self, key: &str) {
        self.by_hand(key, |item| item.status = T::WORDS.1.to_owned());
    }

    /// A person reopens an issue.
    pub fn reopen_by_hand(&self, key: &str) {
        self.by_hand(key, |item| item.status = T::WORDS.0.to_owned());
    }

    /// A person deletes an issue.
    pub fn delete_by_hand(&self, key: &str) {
        self.by_hand(key, |item| item.is_deleted = true);
    }

    /// A person adds a label.
    pub fn label_by_hand(&self, key: &str, label: &str) {
        self.by_hand(key, |item| item.labels.push(label.to_owned()));
    }

    /// From now on, new issues are invisible to search.
    pub fn let_index_lag(&self) {
        self.with(|tracker| tracker.store().index_lags = true);
    }

    /// Search catches up.
    pub fn let_index_catch_up(&self) {
        self.with(|tracker| tracker.store().catch_up());
    }

    /// Markers that more than one issue carries: must stay empty.
    pub fn duplicates(&self) -> Vec<String> {
        let marker = |item: &Item| {
            let text = format!("{} {}", item.body_text(), item.labels.join(" "));
            let start = text.rfind("patchbay-")?;
            Some(text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>())
        };
        let mut markers: Vec<String> = self.items().iter().filter_map(marker).collect();
        markers.sort();
        let twice = markers.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone());
        twice.collect()
    }
}

impl<T: Tracker> Drop for Fake<T> {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

fn serve<T: Tracker>(mut stream: TcpStream, inner: &Mutex<Inner<T>>) {
    let Ok(Some(request)) = Request::read(&stream) else { return };
    let (fault, response) = {
        let mut inner = lock(inner);
        inner.requests.push(request.clone());
        let fault = inner.faults.iter_mut().find_map(|fault| fault.strikes(&request).then(|| fault.kind.clone()));
        let executes = !matches!(fault, Some(Kind::Refused(_) | Kind::Dropped(_)));
        (fault, executes.then(|| inner.tracker.answer(&request)))
    };
    let answer = match (fault, response) {
        (Some(Kind::Dropped(wait) | Kind::Lost(wait)), _) => return thread::sleep(wait),
        (Some(Kind::Refused(answer) | Kind::Masked(answer)), _) => (answer, true),
        (Some(Kind::Truncated), Some(answer)) => (answer, false),
        (_, Some(answer)) => (answer, true),
        (_, None) => return,
    };
    // The other side may have given up.
    let _ = answer.0.write(&mut stream, answer.1);
}
