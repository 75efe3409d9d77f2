//! Limits on logins, shared by all instances.
//!
//! Three counters, each over one window of time: per account and address, per account, per address. The first is the
//! tight one, the others stop who spreads guesses over addresses or accounts. Nobody can lock a stranger out for good:
//! the limit of an account does not bind an address from which its owner has logged in lately, and every limit ends
//! with its window, which further attempts do not prolong.
//!
//! An attempt is counted before the password is looked at, so that a thousand at once are a thousand; a right password
//! takes its attempt back.

use std::net::IpAddr;
use std::time::Duration;

use crate::access::repo::attempts::Counter;
use crate::access::{repo, secret_text};
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;

/// Guesses at one account from many addresses, as a multiple of those from one.
const ACCOUNT_FACTOR: i64 = 5;
/// Guesses from one address at many accounts; people behind one address share this.
const ADDRESS_FACTOR: i64 = 10;
/// How long an address is remembered as the owner's.
const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// How many wrong passwords are borne, and for how long they count.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one account from one address.
    pub attempts: u32,
    /// How long they count, and how long logins are refused at most.
    pub window: Duration,
}

/// A login that is tried.
#[derive(Debug, Clone)]
pub struct Attempt {
    account_and_address: String,
    account: String,
    address: String,
    known: String,
}

impl Attempt {
    /// Of an account, which may not exist, from an address.
    #[must_use]
    pub fn new(email: &str, address: IpAddr) -> Self {
        let network = network(address);
        // Hashed: people type passwords into the wrong field, and keys have one length.
        let key = |kind: &str, text: &str| hex::encode(secret_text::hash(&format!("{kind} {text}")));
        Self {
            account_and_address: key("account and address", &format!("{email} {network}")),
            account: key("account", email),
            address: key("address", &network),
            known: key("known", &format!("{email} {network}")),
        }
    }

    /// Refuses what is over a limit without writing, so that a flood does not stand in the way of who writes.
    ///
    /// # Errors
    /// `TooManyRequests`.
    pub fn check(&self, conn: &mut Conn, limits: Limits, now: UtcTime) -> Result<(), ApiError> {
        for (key, most) in self.counters(conn, limits, now)? {
            let counter = repo::attempts::find(conn, key)?.filter(|counter| counter.window_ends_at > now);
            refuse_above(most - 1, counter, now)?;
        }
        Ok(())
    }

    /// Counts the attempt. Refused ones count nothing: the transaction must end with the error.
    ///
    /// # Errors
    /// `TooManyRequests`.
    pub fn begin(&self, conn: &mut Conn, limits: Limits, now: UtcTime) -> Result<(), ApiError> {
        for (key, most) in self.counters(conn, limits, now)? {
            let counter = repo::attempts::count(conn, key, now, now.plus(limits.window))?;
            refuse_above(most, Some(counter), now)?;
        }
        Ok(())
    }

    /// The counters that bind this attempt, and the most that each may hold; always in one order, against deadlocks.
    fn counters(&self, conn: &mut Conn, limits: Limits, now: UtcTime) -> Result<Vec<(&str, i64)>, ApiError> {
        let most = i64::from(limits.attempts);
        let mut counters =
            vec![(self.address.as_str(), most * ADDRESS_FACTOR), (self.account_and_address.as_str(), most)];
        if !repo::attempts::is_open(conn, &self.known, now)? {
            counters.push((self.account.as_str(), most * ACCOUNT_FACTOR));
        }
        Ok(counters)
    }

    /// The password was right: the attempt does not count, and the address is known.
    ///
    /// # Errors
    /// `Internal`.
    pub fn succeed(&self, conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
        repo::attempts::take_back(conn, &self.address)?;
        repo::attempts::forget(conn, &self.account_and_address)?;
        repo::attempts::take_back(conn, &self.account)?;
        repo::attempts::forget(conn, &self.known)?;
        repo::attempts::count(conn, &self.known, now, now.plus(KNOWN_FOR))?;
        Ok(())
    }
}

fn refuse_above(most: i64, counter: Option<Counter>, now: UtcTime) -> Result<(), ApiError> {
    match counter.filter(|counter| counter.attempts > most) {
        None => Ok(()),
        Some(counter) => {
            let left = counter.window_ends_at.since(now);
            Err(ApiError::TooManyRequests { retry_after_s: left.as_secs().saturating_add(1) })
        }
    }
}

/// What one person usually has of addresses: in IPv6 a network of 64 bits.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_count_as_one() {
        for (first, second, are_one) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            let of = |address: &str| Attempt::new("a@example.com", address.parse().unwrap()).account_and_address;
            assert_eq!(of(first) == of(second), are_one, "{first} {second}");
        }
    }
}
