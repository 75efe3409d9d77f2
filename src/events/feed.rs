//! The feed of an instance: one poll of the database for all who watch, and none when nobody does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use uuid::Uuid;

use super::model::Event;
use super::repo;
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::db::pool::Db;

/// How often the database is asked while somebody watches.
const POLL: Duration = Duration::from_millis(500);
/// How long nobody asks when it does not answer.
const TROUBLED: Duration = Duration::from_secs(5);
/// Events of one read.
pub const BATCH: i64 = 500;
/// Batches that a slow watcher may be behind before it must read for itself.
const BEHIND: usize = 64;
/// Streams of one caller. Those that were left are known as such some seconds later.
const STREAMS: usize = 20;
/// When a caller with too many streams may try again, in seconds.
const TRY_AGAIN_S: u64 = 30;

/// Events that came together, in order.
pub type Batch = Arc<Vec<Event>>;

/// The feed. Clones are the same.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    db: Db,
    now: Arc<dyn Fn() -> UtcTime + Send + Sync>,
    sender: broadcast::Sender<Batch>,
    /// Whether somebody polls. Held while that begins and ends.
    is_polling: tokio::sync::Mutex<bool>,
    streams: Mutex<HashMap<Uuid, usize>>,
}

/// Somebody who watches; the place among the caller's streams is free again when this goes.
pub struct Watcher {
    /// What comes.
    pub batches: broadcast::Receiver<Batch>,
    feed: Feed,
    caller: Uuid,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut streams = self.feed.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.caller);
            }
        }
    }
}

impl Feed {
    /// The feed of a database.
    #[must_use]
    pub fn new(db: Db, now: Arc<dyn Fn() -> UtcTime + Send + Sync>) -> Self {
        let (sender, _) = broadcast::channel(BEHIND);
        let (is_polling, streams) = (tokio::sync::Mutex::new(false), Mutex::default());
        Self(Arc::new(Inner { db, now, sender, is_polling, streams }))
    }

    /// Begins to watch: every event that is not yet in the database when this answers will come.
    ///
    /// # Errors
    /// `TooManyRequests` when the caller has too many streams; a fault of the database.
    pub async fn watch(&self, caller: Uuid) -> Result<Watcher, ApiError> {
        let watcher = self.place_for(caller)?;
        let mut is_polling = self.0.is_polling.lock().await;
        if !*is_polling {
            let newest = self.newest().await?;
            *is_polling = true;
            tokio::spawn(self.clone().poll(newest));
        }
        Ok(watcher)
    }

    fn place_for(&self, caller: Uuid) -> Result<Watcher, ApiError> {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(caller).or_default();
        if *count >= STREAMS {
            return Err(ApiError::TooManyRequests { retry_after_s: TRY_AGAIN_S });
        }
        *count += 1;
        Ok(Watcher { batches: self.0.sender.subscribe(), feed: self.clone(), caller })
    }

    /// The newest position, when all events of now have theirs.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn newest(&self) -> Result<i64, ApiError> {
        while self.0.db.read(repo::has_unnumbered).await? {
            let now = (self.0.now)();
            self.0.db.write(move |conn| Ok(repo::number(conn, now)?)).await?;
        }
        self.0.db.read(repo::newest).await
    }

    async fn poll(self, mut position: i64) {
        loop {
            let pause = match self.tell_behind(position).await {
                Ok(told) => {
                    position = told;
                    POLL
                }
                Err(cause) => {
                    tracing::warn!(%cause, "events cannot be read");
                    TROUBLED
                }
            };
            tokio::time::sleep(pause).await;
            let mut is_polling = self.0.is_polling.lock().await;
            if self.0.sender.receiver_count() == 0 {
                *is_polling = false;
                return;
            }
        }
    }

    /// Tells all that stands behind a position; answers the last that was told.
    async fn tell_behind(&self, mut position: i64) -> Result<i64, ApiError> {
        let newest = self.newest().await?;
        while position < newest {
            let batch = self.0.db.read(move |conn| repo::behind(conn, position, BATCH)).await?;
            let Some(last) = batch.last().and_then(|event| event.position) else { return Ok(newest) };
            position = last;
            // Nobody may watch any more.
            let _unheard = self.0.sender.send(Arc::new(batch));
        }
        Ok(position)
    }
}
