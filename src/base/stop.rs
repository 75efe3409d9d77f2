//! Stopping in order: everybody hears of it, takes no new work, and what is in flight is finished or handed back.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells the parts of the server that it stops, and knows what is still in flight. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: watch::Sender<bool>,
    in_flight: watch::Sender<usize>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { begun: watch::Sender::new(false), in_flight: watch::Sender::new(0) }
    }
}

/// Work that the server waits for; let it go when the work is done.
#[derive(Debug)]
pub struct InFlight(Stop);

impl Stop {
    /// The server stops.
    pub fn begin(&self) {
        self.0.begun.send_replace(true);
    }

    /// Whether it stops: take no new work.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.begun.borrow()
    }

    /// Waits until it stops.
    pub async fn begun(&self) {
        wait_until(&self.0.begun, |begun| *begun).await;
    }

    /// Begins work that the server should wait for.
    #[must_use]
    pub fn hold(&self) -> InFlight {
        self.0.in_flight.send_modify(|count| *count += 1);
        InFlight(self.clone())
    }

    /// Waits until nothing is in flight.
    pub async fn all_done(&self) {
        wait_until(&self.0.in_flight, |count| *count == 0).await;
    }

    /// How much is in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        *self.0.in_flight.borrow()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.in_flight.send_modify(|count| *count -= 1);
    }
}

async fn wait_until<T>(sender: &watch::Sender<T>, reached: impl FnMut(&T) -> bool) {
    // It fails only when the sender is gone, and that is borrowed here.
    drop(sender.subscribe().wait_for(reached).await);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn waits_for_what_is_in_flight_and_wakes_who_waits_for_the_stop() {
        let stop = Stop::default();
        let (held, also) = (stop.hold(), stop.clone().hold());
        let waiter = tokio::spawn({
            let stop = stop.clone();
            async move { stop.begun().await }
        });
        assert!(!stop.has_begun());
        stop.begin();
        waiter.await.unwrap();
        drop(held);
        assert_eq!(stop.in_flight(), 1);
        assert!(tokio::time::timeout(Duration::from_millis(20), stop.all_done()).await.is_err());
        drop(also);
        stop.all_done().await;
    }
}
