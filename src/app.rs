//! What both doors are handed.

use crate::base::time::Clock;
use crate::db::pool::Db;

/// The application: the database and the clock, and what the operator set.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Where the doors read the time; rooms below are told it.
    pub clock: Clock,
}
