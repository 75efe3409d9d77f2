//! Which connection may start how many jobs. Pure.

use std::collections::HashMap;

use crate::base::ids::ConnectionId;

/// The jobs that run in this instance, by connection.
#[derive(Debug)]
pub struct Lanes {
    most: usize,
    running: HashMap<ConnectionId, usize>,
    turn: usize,
}

impl Lanes {
    /// Room for `most` jobs, and for one more of each connection that has none: a tracker that hangs cannot take the
    /// room of another.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, running: HashMap::new(), turn: 0 }
    }

    /// How many jobs of this connection may start now.
    #[must_use]
    pub fn room(&self, connection: ConnectionId) -> usize {
        let all: usize = self.running.values().sum();
        let own = self.running.get(&connection).copied().unwrap_or(0);
        self.most.saturating_sub(all).max(usize::from(own == 0))
    }

    /// A job begins.
    pub fn begin(&mut self, connection: ConnectionId) {
        *self.running.entry(connection).or_default() += 1;
    }

    /// A job is over.
    pub fn end(&mut self, connection: ConnectionId) {
        if let Some(count) = self.running.get_mut(&connection) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&connection);
            }
        }
    }

    /// Lets another connection be the first each time.
    pub fn take_turns<T>(&mut self, ready: &mut [T]) {
        if !ready.is_empty() {
            ready.rotate_left(self.turn % ready.len());
            self.turn = self.turn.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_takes_all_room_leaves_one_place_for_every_other() {
        let (slow, quick) = (ConnectionId::generate(), ConnectionId::generate());
        let mut lanes = Lanes::new(3);
        assert_eq!(lanes.room(slow), 3);
        for _ in 0..3 {
            lanes.begin(slow);
        }
        assert_eq!((lanes.room(slow), lanes.room(quick)), (0, 1));
        lanes.begin(quick);
        assert_eq!((lanes.room(slow), lanes.room(quick)), (0, 0));
        lanes.end(quick);
        assert_eq!((lanes.room(slow), lanes.room(quick)), (0, 1));
        lanes.end(slow);
        assert_eq!((lanes.room(slow), lanes.room(quick)), (1, 1));
    }

    #[test]
    fn everybody_is_first_once() {
        let mut lanes = Lanes::new(1);
        let first = |lanes: &mut Lanes| {
            let mut ready = ['a', 'b', 'c'];
            lanes.take_turns(&mut ready);
            ready[0]
        };
        assert_eq!([first(&mut lanes), first(&mut lanes), first(&mut lanes), first(&mut lanes)], ['a', 'b', 'c', 'a']);
        lanes.take_turns::<char>(&mut []);
    }
}
