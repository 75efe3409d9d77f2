//! The questions to the outbox: write a wish, take it, settle it, look at it; and the budgets of connections.

mod budget;
mod claim;
mod list;
mod record;
mod settle;

pub use budget::{add_budget, budget, charge, close_until, note_failure, note_success, pause, resume, set_rate};
pub use claim::{ReadyConnection, claim, ready};
pub use list::{JobFilter, backlog, backlog_of, discard, find, jobs_of_product, list, of_subject, release, retry_now};
pub use record::record;
pub use settle::{extend, finish, hand_back, hold, park, retry_at};
