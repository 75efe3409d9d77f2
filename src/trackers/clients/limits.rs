//! What trackers say about their limits, in headers. Pure.
//!
//! GitHub: `x-ratelimit-*` with a Unix time, `retry-after` for secondary limits. GitLab: `ratelimit-*` with a Unix time,
//! `retry-after`. Jira: `retry-after`, `x-ratelimit-reset` as ISO 8601.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

use super::super::ticket::{Budget, RetryAt};
use crate::base::time::UtcTime;
use crate::egress::client::HeaderMap;

/// How long to wait when a tracker limits without saying until when: GitHub asks for at least a minute.
const UNSAID_WAIT: Duration = Duration::from_secs(60);

/// The budget that an answer tells, if any.
pub(super) fn budget(headers: &HeaderMap) -> Option<Budget> {
    let budget = Budget {
        limit: number(headers, &["x-ratelimit-limit", "ratelimit-limit"]),
        remaining: number(headers, &["x-ratelimit-remaining", "ratelimit-remaining"]),
        resets_at: reset(headers),
    };
    (budget != Budget::default()).then_some(budget)
}

/// When to come back, as `retry-after` says: seconds or an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<RetryAt> {
    let text = text(headers, "retry-after")?;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(RetryAt::After(Duration::from_secs(seconds)));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(RetryAt::At(date.to_utc().into()))
}

/// When the connection may go on after it was limited.
pub(super) fn limited_until(headers: &HeaderMap) -> RetryAt {
    let at_reset = || reset(headers).filter(|_| is_used_up(headers)).map(RetryAt::At);
    retry_after(headers).or_else(at_reset).unwrap_or(RetryAt::After(UNSAID_WAIT))
}

/// Whether the headers of a refusal speak of a limit rather than of a permission.
pub(super) fn speaks_of_limit(headers: &HeaderMap) -> bool {
    headers.contains_key("retry-after") || is_used_up(headers)
}

fn is_used_up(headers: &HeaderMap) -> bool {
    number(headers, &["x-ratelimit-remaining", "ratelimit-remaining"]) == Some(0)
}

fn reset(headers: &HeaderMap) -> Option<UtcTime> {
    let text = text(headers, "x-ratelimit-reset").or_else(|| text(headers, "ratelimit-reset"))?;
    if let Ok(seconds) = text.parse::<i64>() {
        return DateTime::from_timestamp(seconds, 0).map(UtcTime::from);
    }
    // Jira leaves out the seconds (2026-01-31T08:00Z), so the window may end as late as the minute does.
    let minute = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%MZ").ok();
    let end_of_minute = || minute().map(|time| UtcTime::from(time.and_utc()).plus(Duration::from_secs(60)));
    UtcTime::parse(text).or_else(end_of_minute)
}

fn number(headers: &HeaderMap, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| text(headers, name)?.parse().ok())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::client::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_str(v).unwrap())).collect()
    }

    #[test]
    fn reads_when_to_come_back_as_each_tracker_says_it() {
        let moment = |text: &str| RetryAt::At(UtcTime::parse(text).unwrap());
        for (pairs, expected) in [
            (vec![("retry-after", "7")], RetryAt::After(Duration::from_secs(7))),
            (vec![("retry-after", "Sat, 31 Jan 2026 08:00:00 GMT")], moment("2026-01-31T08:00:00Z")),
            (vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1769846400")], moment("2026-01-31T08:00:00Z")),
            (vec![("ratelimit-remaining", "0"), ("ratelimit-reset", "1769846400")], moment("2026-01-31T08:00:00Z")),
            (
                vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2026-01-31T08:00Z")],
                moment("2026-01-31T08:01:00Z"),
            ),
            (vec![("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "1769846400")], RetryAt::After(UNSAID_WAIT)),
            (vec![("retry-after", "soon")], RetryAt::After(UNSAID_WAIT)),
            (vec![], RetryAt::After(UNSAID_WAIT)),
        ] {
            assert_eq!(limited_until(&headers(&pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn reads_the_budget_where_one_is_told() {
        assert_eq!(budget(&headers(&[("date", "today")])), None);
        let told =
            headers(&[("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "1")]);
        let expected =
            Budget { limit: Some(5000), remaining: Some(4999), resets_at: Some(UtcTime::from_micros(1_000_000)) };
        assert_eq!(budget(&told), Some(expected));
    }
}
