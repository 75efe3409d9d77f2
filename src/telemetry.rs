//! Logs and metrics: where they go and what they look like. What is counted stands in [`measure`].

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::base::measure;
use crate::config::Config;
use crate::config::value::LogFormat;

/// Seconds; a bucket holds what took at most so long.
const FAST: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const SLOW: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Writes log lines to standard error from now on. Standard output belongs to the commands.
pub fn log(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let is_json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    // A second call (tests) keeps the first subscriber.
    let set = if is_json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    };
    drop(set);
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to count, once per process; later calls give the same.
    #[must_use]
    pub fn start() -> Self {
        static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
        Self(
            METRICS.get_or_init(|| install().expect("nobody else installs a recorder, and no bucket is empty")).clone(),
        )
    }

    /// All series as Prometheus reads them, and `gauges` that were read for this scrape.
    #[must_use]
    pub fn render(&self, gauges: &[Gauge]) -> String {
        self.0.run_upkeep();
        let mut text = self.0.render();
        for gauge in gauges {
            gauge.render(&mut text);
        }
        text
    }
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let named = |name: &str| Matcher::Full(name.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(named(measure::REQUEST_SECONDS), FAST)?
        .set_buckets_for_metric(named(measure::TRACKER_SECONDS), FAST)?
        .set_buckets_for_metric(named(measure::IMPORT_SECONDS), SLOW)?
        .install_recorder()?;
    measure::describe();
    Ok(handle)
}

/// A series whose values are read when somebody asks, so that what is gone leaves no stale value.
#[derive(Debug, Clone)]
pub struct Gauge {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Labels and value of each member.
    pub values: Vec<(Vec<(&'static str, String)>, f64)>,
}

impl Gauge {
    fn render(&self, text: &mut String) {
        let Self { name, help, values } = self;
        let mut write = |line: std::fmt::Arguments<'_>| text.write_fmt(line).expect("a String takes every write");
        write(format_args!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for (labels, value) in values {
            let labels: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            write(format_args!("{name}{labels} {value}\n"));
        }
    }
}

/// A label value as the text format wants it. Source: Prometheus, "Exposition formats", text-based format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn shows_what_was_counted_and_what_is_read_at_the_scrape() {
        let metrics = Metrics::start();
        measure::request_began();
        measure::request_ended("GET", "/telemetry-test/{id}", 404, Duration::from_millis(7));
        measure::import_finished(
            "telemetry-test",
            measure::ImportCounts { new: 3, ..Default::default() },
            Duration::from_secs(2),
        );
        let depth = Gauge {
            name: "patchbay_test_depth",
            help: "A test.",
            values: vec![(vec![("connection", "a \"b\"\n\\c".to_owned())], 5.0)],
        };
        let text =
            metrics.render(&[depth, Gauge { name: "patchbay_test_up", help: "Up.", values: vec![(vec![], 1.0)] }]);
        for line in [
            r#"patchbay_http_requests_total{method="GET",route="/telemetry-test/{id}",status="404"} 1"#,
            r#"patchbay_http_request_duration_seconds_bucket{method="GET",route="/telemetry-test/{id}",le="0.01"} 1"#,
            r#"patchbay_imports_total{format="telemetry-test",result="imported"} 1"#,
            r#"patchbay_import_observations_total{change="new"} 3"#,
            "# TYPE patchbay_test_depth gauge",
            r#"patchbay_test_depth{connection="a \"b\"\n\\c"} 5"#,
            "patchbay_test_up 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }
}
