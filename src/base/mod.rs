//! Words that every room uses: errors, ids, times, pages, severities, secrets.
//!
//! This floor knows no room. A room that has an error of its own writes `impl From<ItsError> for ApiError` at home.

pub mod actor;
pub mod error;
pub mod ids;
pub mod lanes;
pub mod measure;
pub mod network;
pub mod page;
pub mod patch;
pub mod progress;
pub mod rate;
pub mod scope;
pub mod secret;
pub mod severity;
pub mod stop;
pub mod text_enum;
pub mod time;
pub mod tracker_kind;
pub mod version;
