//! What is counted and timed, for Prometheus. Each function is one fact; the names of the series stand here only.
//!
//! Labels have few values: routes are patterns, outcomes are words. Nothing here is of one tenant.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Seconds that requests took: the buckets fit lists as well as uploads that wait for their counts.
pub const REQUEST_SECONDS: &str = "patchbay_http_request_duration_seconds";
/// Seconds that imports took, from the received file to the commit.
pub const IMPORT_SECONDS: &str = "patchbay_import_duration_seconds";
/// Seconds that calls of trackers took.
pub const TRACKER_SECONDS: &str = "patchbay_tracker_call_duration_seconds";

const REQUESTS: &str = "patchbay_http_requests_total";
const IN_FLIGHT: &str = "patchbay_http_requests_in_flight";
const IMPORTS: &str = "patchbay_imports_total";
const OBSERVATIONS: &str = "patchbay_import_observations_total";
const TRACKER_CALLS: &str = "patchbay_tracker_calls_total";
const JOBS: &str = "patchbay_sync_jobs_total";

/// Tells Prometheus what the series mean.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by method, route and status.");
    describe_histogram!(REQUEST_SECONDS, "How long requests took, by method and route.");
    describe_gauge!(IN_FLIGHT, "Requests that are being answered.");
    describe_counter!(IMPORTS, "Imported scans, by format and result.");
    describe_histogram!(IMPORT_SECONDS, "How long imports took, by format.");
    describe_counter!(OBSERVATIONS, "Observations in imports, by what became of them.");
    describe_counter!(TRACKER_CALLS, "Calls of trackers, by tracker, operation and result.");
    describe_histogram!(TRACKER_SECONDS, "How long calls of trackers took, by tracker.");
    describe_counter!(JOBS, "Sync jobs that a worker finished, by result.");
}

/// A request has come.
pub fn request_began() {
    gauge!(IN_FLIGHT).increment(1.0);
}

/// A request was answered, or its client went away. `route` is the pattern, not the path.
pub fn request_ended(method: &'static str, route: &str, status: u16, took: Duration) {
    gauge!(IN_FLIGHT).decrement(1.0);
    let route = route.to_owned();
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(took);
}

/// What became of the observations of an import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportCounts {
    /// Never seen before.
    pub new: u64,
    /// Seen before, with other facts.
    pub updated: u64,
    /// Seen before, the same.
    pub unchanged: u64,
    /// Had been resolved.
    pub reopened: u64,
    /// No longer reported.
    pub resolved: u64,
}

/// An import was committed.
pub fn import_finished(format: &str, counts: ImportCounts, took: Duration) {
    import_ended(format, "imported", took);
    for (change, count) in [
        ("new", counts.new),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("reopened", counts.reopened),
        ("resolved", counts.resolved),
    ] {
        counter!(OBSERVATIONS, "change" => change).increment(count);
    }
}

/// An import failed: `result` is `refused` for a report that cannot be read, `failed` for a fault of ours.
pub fn import_failed(format: &str, result: &'static str, took: Duration) {
    import_ended(format, result, took);
}

fn import_ended(format: &str, result: &'static str, took: Duration) {
    let format = format.to_owned();
    counter!(IMPORTS, "format" => format.clone(), "result" => result).increment(1);
    histogram!(IMPORT_SECONDS, "format" => format).record(took);
}

/// A tracker was called. `tracker` is its kind, `operation` what was asked (`create`, `update`, `search`), `result`
/// the status class or the kind of failure.
pub fn tracker_call(tracker: &'static str, operation: &'static str, result: &'static str, took: Duration) {
    counter!(TRACKER_CALLS, "tracker" => tracker, "operation" => operation, "result" => result).increment(1);
    histogram!(TRACKER_SECONDS, "tracker" => tracker).record(took);
}

/// A worker is done with a sync job for now: `done`, `retry`, `parked`, `superseded`.
pub fn sync_job(result: &'static str) {
    counter!(JOBS, "result" => result).increment(1);
}
