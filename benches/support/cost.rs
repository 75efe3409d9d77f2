//! What work costs: wall time, CPU time of a process and of its database server, peak memory.

use std::fs;
use std::time::{Duration, Instant};

/// What some work cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_mib: u64,
}

/// Who does the work.
#[derive(Debug, Clone)]
pub struct Watched {
    /// As in `/proc`.
    pub process: String,
    /// A database server: it counts with all that it forks, but not for the peak of memory.
    pub database: Option<u32>,
}

impl Watched {
    /// This process.
    pub fn own(database: Option<u32>) -> Self {
        Self { process: "self".to_owned(), database }
    }

    fn cpu(&self) -> Duration {
        ticks(&self.process) + self.database.map_or(Duration::ZERO, server_cpu)
    }

    fn peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

/// Measures `work`.
pub async fn measure<T>(watched: &Watched, work: impl Future<Output = T>) -> (T, Cost) {
    // Resets the peak: see proc(5), clear_refs.
    let _best_effort = fs::write(format!("/proc/{}/clear_refs", watched.process), "5");
    let (began, cpu) = (Instant::now(), watched.cpu());
    let result = work.await;
    let cost = Cost { wall: began.elapsed(), cpu: watched.cpu().saturating_sub(cpu), peak_mib: watched.peak_mib() };
    (result, cost)
}

/// The process of a PostgreSQL server, when it was started by [`crate::postgres`].
pub fn postmaster(url: &str) -> Option<u32> {
    let folder = url.split_once("?host=")?.1;
    fs::read_to_string(format!("{folder}/cluster/postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

/// The server's process and all that it forked: those that run, and those it has waited for.
fn server_cpu(postmaster: u32) -> Duration {
    let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
    let running: Duration = children.split_whitespace().map(ticks).sum();
    running + ticks(&postmaster.to_string())
}

/// User and system time of a process, with that of the children it has waited for.
fn ticks(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let times = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(4);
    Duration::from_millis(times.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() * 10)
}
