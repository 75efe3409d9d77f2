//! Lanes: work that must not run at once waits in a fair line, and only so much runs at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

type Lane = tokio::sync::Mutex<()>;

/// One lane per key, and a limit on what runs in all lanes together. Clones are the same.
#[derive(Debug, Clone)]
pub struct Lanes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: Arc<Semaphore>,
    lanes: Mutex<HashMap<String, Weak<Lane>>>,
}

/// The right to run; let it go when the work is done.
#[derive(Debug)]
pub struct Turn {
    _lane: OwnedMutexGuard<()>,
    _place: OwnedSemaphorePermit,
}

impl Lanes {
    /// Lanes in which at most `places` run at a time.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Inner { places: Arc::new(Semaphore::new(places)), lanes: Mutex::default() }))
    }

    /// Waits for the lane of `key`, then for a place. Nothing is held while waiting for the lane.
    pub async fn turn(&self, key: &str) -> Turn {
        let lane = self.lane(key).lock_owned().await;
        let place = Arc::clone(&self.0.places).acquire_owned().await;
        Turn { _lane: lane, _place: place.expect("the semaphore is never closed") }
    }

    fn lane(&self, key: &str) -> Arc<Lane> {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(key).and_then(Weak::upgrade) {
            return lane;
        }
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Arc::default();
        lanes.insert(key.to_owned(), Arc::downgrade(&lane));
        lane
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_key_waits_in_line_and_others_pass() {
        let lanes = Lanes::new(2);
        let first = lanes.turn("a").await;
        let waiting = lanes.clone();
        let second = tokio::spawn(async move { waiting.turn("a").await });
        let other = tokio::time::timeout(Duration::from_secs(5), lanes.turn("b")).await.unwrap();
        assert!(!second.is_finished());
        drop((first, other));
        tokio::time::timeout(Duration::from_secs(5), second).await.unwrap().unwrap();
    }
}
