//! Taking deliveries in: those that come at once share one commit, so that thousands a second are durable.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::model::Delivery;
use super::repo;
use crate::base::error::ApiError;
use crate::db::conn::Conn;
use crate::db::pool::{Db, DbError};

/// What may wait for its commit, in bytes of bodies.
const MAX_WAITING_BYTES: usize = 64 << 20;

/// The inbox. Clones are the same.
#[derive(Clone)]
pub struct Inbox(Arc<Inner>);

struct Inner {
    db: Db,
    queue: Mutex<Queue>,
    /// Whoever has it writes all that waits.
    turn: tokio::sync::Mutex<()>,
    arrived: Notify,
}

#[derive(Default)]
struct Queue {
    deliveries: Vec<Delivery>,
    callers: Vec<oneshot::Sender<bool>>,
    bytes: usize,
}

impl Inbox {
    /// The inbox of a database.
    ///
    /// # Errors
    /// See [`DbError`].
    pub fn open(db: &Db) -> Result<Self, DbError> {
        let inner = Inner {
            db: db.open_inbox()?,
            queue: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            arrived: Notify::new(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Takes a delivery in. When this answers, a power cut cannot lose it.
    ///
    /// # Errors
    /// `Unavailable` when too much waits or the store cannot be written.
    pub async fn take(&self, delivery: Delivery) -> Result<(), ApiError> {
        let is_stored = self.queue_up(delivery)?;
        // A task of its own: a client that goes away must not stop what others wait for.
        tokio::spawn(self.clone().write_waiting());
        match is_stored.await {
            Ok(true) => Ok(()),
            _ => Err(unavailable("the inbox cannot be written")),
        }
    }

    fn queue_up(&self, delivery: Delivery) -> Result<oneshot::Receiver<bool>, ApiError> {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = queue.bytes + delivery.body.len();
        if bytes > MAX_WAITING_BYTES && !queue.deliveries.is_empty() {
            return Err(unavailable("too many deliveries at once"));
        }
        let (sender, receiver) = oneshot::channel();
        queue.bytes = bytes;
        queue.deliveries.push(delivery);
        queue.callers.push(sender);
        Ok(receiver)
    }

    async fn write_waiting(self) {
        let _turn = self.0.turn.lock().await;
        let Queue { deliveries, callers, .. } =
            std::mem::take(&mut *self.0.queue.lock().unwrap_or_else(PoisonError::into_inner));
        if deliveries.is_empty() {
            return;
        }
        let written = self.0.db.write(move |conn| Ok(repo::append(conn, &deliveries)?)).await;
        if let Err(cause) = &written {
            tracing::error!(%cause, "deliveries of webhooks could not be stored");
        }
        for caller in callers {
            // Who is gone will send it again.
            let _gone = caller.send(written.is_ok());
        }
        self.0.arrived.notify_one();
    }

    /// Waits until a delivery has come.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// Wakes whoever waits in [`Inbox::arrived`]: what was held may be worked off.
    pub fn wake(&self) {
        self.0.arrived.notify_one();
    }

    /// Reads the inbox.
    ///
    /// # Errors
    /// What the database says.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Conn) -> diesel::QueryResult<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.0.db.read(question).await
    }

    /// Changes the inbox.
    ///
    /// # Errors
    /// What the database says.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Conn) -> diesel::QueryResult<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.0.db.write(move |conn| Ok(change(conn)?)).await
    }
}

fn unavailable(detail: &str) -> ApiError {
    ApiError::Unavailable { detail: detail.to_owned(), retry_after_s: 5 }
}
