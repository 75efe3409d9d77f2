//! What work costs: wall time, CPU time of this process and of a database server, peak memory.

use std::fs;
use std::time::{Duration, Instant};

/// What some work cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_mib: u64,
}

/// Measures `work`; `servers` are processes whose CPU time counts, too, with all their children.
pub fn measure<T>(servers: Option<u32>, work: impl FnOnce() -> T) -> (T, Cost) {
    // Resets the peak: see proc(5), clear_refs.
    let _best_effort = fs::write("/proc/self/clear_refs", "5");
    let (began, cpu) = (Instant::now(), cpu_now(servers));
    let result = work();
    let cost = Cost { wall: began.elapsed(), cpu: cpu_now(servers).saturating_sub(cpu), peak_mib: peak_mib() };
    (result, cost)
}

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn cpu_now(server: Option<u32>) -> Duration {
    let own = ticks("self", false);
    own + server.map_or(Duration::ZERO, server_cpu)
}

/// The server's process and all that it forked: those that run, and those it has waited for.
fn server_cpu(postmaster: u32) -> Duration {
    let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
    let running: Duration = children.split_whitespace().map(|child| ticks(child, true)).sum();
    running + ticks(&postmaster.to_string(), true)
}

/// User and system time of a process; with the children it has waited for, if asked.
fn ticks(process: &str, with_children: bool) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<u64> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(11).take(4).filter_map(|field| field.parse().ok()).collect())
        .unwrap_or_default();
    let count = if with_children { 4 } else { 2 };
    Duration::from_millis(fields.iter().take(count).sum::<u64>() * 10)
}
