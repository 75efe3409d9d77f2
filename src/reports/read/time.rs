//! Times, in the spellings of the tools.

use chrono::{DateTime, NaiveDateTime};

use crate::base::time::UtcTime;

/// Spellings with their offset from UTC: of Python, Go, RFC 2822 and Git.
const WITH_OFFSET: [&str; 5] = [
    "%d %b %Y %I:%M%p GMT%z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y %z",
];

/// Spellings without one; they are taken as UTC. The first that fits counts.
const WITHOUT_OFFSET: [&str; 11] = [
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%A, %B %d, %Y %I:%M:%S %p",
    "%d %b %Y %H:%M%p",
    "%d %b %Y %I:%M%p",
    "%a %b %d %H:%M:%S %Y",
    "%b %d, %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S",
    "%Y%m%dT%H%M%S%3f",
    "%d/%m/%Y, %H:%M:%S",
    "%d/%m/%Y %I:%M %p",
];

/// The moment that a text means, in any of the spellings; also seconds or milliseconds since 1970.
#[must_use]
pub fn of(raw: &str) -> Option<UtcTime> {
    let raw = raw.trim();
    if raw.is_empty() {
        return None;
    }
    let plain = raw.strip_suffix("UTC").or_else(|| raw.strip_suffix("GMT")).unwrap_or(raw).trim_end();
    UtcTime::parse(plain).or_else(|| since_1970(plain)).or_else(|| spelled(plain)).and_then(UtcTime::writable)
}

fn since_1970(raw: &str) -> Option<UtcTime> {
    let number: i64 = raw.parse().ok()?;
    match raw.len() {
        9 | 10 => Some(DateTime::from_timestamp_secs(number)?.into()),
        12 | 13 => Some(DateTime::from_timestamp_millis(number)?.into()),
        _ => None,
    }
}

fn spelled(raw: &str) -> Option<UtcTime> {
    let with_offset = |format: &&str| DateTime::parse_from_str(raw, format).ok().map(|time| time.to_utc().into());
    let without = |format: &&str| NaiveDateTime::parse_from_str(raw, format).ok().map(|time| time.and_utc().into());
    WITH_OFFSET.iter().find_map(with_offset).or_else(|| WITHOUT_OFFSET.iter().find_map(without))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_as_tools_spell_them() {
        for (raw, expected) in [
            ("2026-01-31T10:20:30Z", "2026-01-31T10:20:30.000000Z"),
            ("2026-01-31 10:20:30 UTC", "2026-01-31T10:20:30.000000Z"),
            ("2026-01-31 10:20:30.5 +0000 UTC", "2026-01-31T10:20:30.500000Z"),
            ("2026-01-31T10:20:30.5+0200", "2026-01-31T08:20:30.500000Z"),
            ("Sat, 31 Jan 2026 10:20:30 +0000", "2026-01-31T10:20:30.000000Z"),
            ("Sat Jan 31 11:20:30 2026 +0100", "2026-01-31T10:20:30.000000Z"),
            ("Saturday, January 31, 2026 1:20:30 PM", "2026-01-31T13:20:30.000000Z"),
            ("1/31/2026 1:20:30 PM", "2026-01-31T13:20:30.000000Z"),
            ("01/31/2026 10:20:30", "2026-01-31T10:20:30.000000Z"),
            ("31 Jan 2026 01:20PM GMT-0400", "2026-01-31T17:20:00.000000Z"),
            ("31 Jan 2026 23:20PM GMT", "2026-01-31T23:20:00.000000Z"),
            ("31 Jan 2026 01:20PM GMT", "2026-01-31T13:20:00.000000Z"),
            ("Sat Jan 31 10:20:30 2026", "2026-01-31T10:20:30.000000Z"),
            ("Jan 31, 2026 10:20:30 UTC", "2026-01-31T10:20:30.000000Z"),
            ("Sat, 31 Jan 2026 10:20:30", "2026-01-31T10:20:30.000000Z"),
            ("31/01/2026, 10:20:30", "2026-01-31T10:20:30.000000Z"),
            ("31/01/2026 10:20 AM", "2026-01-31T10:20:00.000000Z"),
            ("20260131T102030500", "2026-01-31T10:20:30.500000Z"),
            ("1769854830", "2026-01-31T10:20:30.000000Z"),
            ("1769854830000", "2026-01-31T10:20:30.000000Z"),
        ] {
            assert_eq!(of(raw).map(|time| time.to_string()).as_deref(), Some(expected), "{raw}");
        }
        for raw in ["", "soon", "12", "2026-13-01", "-026-01-31 10:20:30.913874", "-026-01-31T10:20:30Z"] {
            assert_eq!(of(raw), None, "{raw}");
        }
    }
}
