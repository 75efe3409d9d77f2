//! Passwords: Argon2id, a few at a time.
//!
//! Hashing takes 19 MiB and some 20 ms on purpose. It runs on threads that may block, behind a short queue, so that a
//! flood of logins takes neither the memory nor the threads of everybody else.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::base::error::{ApiError, Faults};
use crate::base::secret::Secret;

/// With 19 MiB each.
const HASHES_AT_ONCE: usize = 4;
const WAIT_FOR_A_PLACE: Duration = Duration::from_secs(10);
const MIN_CHARACTERS: usize = 12;
const MAX_CHARACTERS: usize = 256;

static PLACES: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);

/// Adds what is wrong with a new password. Length is what counts; rules about digits and capitals make people choose
/// worse ones (NIST SP 800-63B, section 5.1.1.2).
pub fn check_new(password: &Secret<String>, email: &str, pointer: &str, faults: &mut Faults) {
    let length = password.expose().chars().count();
    let is_long_enough = (MIN_CHARACTERS..=MAX_CHARACTERS).contains(&length);
    faults.require(is_long_enough, pointer, "must have 12 to 256 characters");
    faults.require(!password.expose().eq_ignore_ascii_case(email), pointer, "must not be the e-mail address");
}

/// The hash to store, made in turn.
///
/// # Errors
/// `Unavailable` when too many wait.
pub async fn hash(password: Secret<String>) -> Result<String, ApiError> {
    in_turn(move || hash_now(&password)).await?
}

/// The hash to store, made at once: for the command line and the first start, which nobody floods.
///
/// # Errors
/// `Internal` when the system has no randomness.
pub fn hash_now(password: &Secret<String>) -> Result<String, ApiError> {
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|cause| ApiError::internal(cause.to_string()))
}

/// Is this the password that was stored? For an unknown account, `None`, the same work is done, so that the time does
/// not tell which accounts exist.
///
/// # Errors
/// `Unavailable` when too many wait.
pub async fn is_right(password: Secret<String>, stored: Option<String>) -> Result<bool, ApiError> {
    in_turn(move || match stored {
        Some(stored) => verify(&password, &stored),
        None => hash_now(&password).map(|_| false),
    })
    .await?
}

fn verify(password: &Secret<String>, stored: &str) -> Result<bool, ApiError> {
    let stored = PasswordHash::new(stored).map_err(|cause| ApiError::internal(cause.to_string()))?;
    Ok(Argon2::default().verify_password(password.expose().as_bytes(), &stored).is_ok())
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let place = place().await?;
    let held = move || {
        // Held by the thread, not by the request: who hangs up early frees nothing.
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(held).await.map_err(ApiError::internal)
}

async fn place() -> Result<SemaphorePermit<'static>, ApiError> {
    match tokio::time::timeout(WAIT_FOR_A_PLACE, PLACES.acquire()).await {
        Ok(permit) => permit.map_err(ApiError::internal),
        Err(_) => Err(ApiError::Unavailable { detail: "too many logins at once".to_owned(), retry_after_s: 5 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn knows_the_password_that_was_stored_and_no_other() {
        let stored = hash(secret("correct horse battery")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        for (password, stored, expected) in [
            ("correct horse battery", Some(&stored), true),
            ("correct horse batterz", Some(&stored), false),
            ("", Some(&stored), false),
            ("correct horse battery", None, false),
        ] {
            assert_eq!(is_right(secret(password), stored.cloned()).await.unwrap(), expected, "{password}");
        }
    }

    #[test]
    fn refuses_short_endless_and_obvious_passwords() {
        for (password, is_good) in [
            ("twelve chars", true),
            ("eleven char", false),
            ("somebody@example.com", false),
            ("ÄÖÜÄÖÜÄÖÜÄÖÜ", true),
            (&"x".repeat(257), false),
        ] {
            let mut faults = Faults::default();
            check_new(&secret(password), "somebody@example.com", "/password", &mut faults);
            assert_eq!(faults.finish().is_ok(), is_good, "{password}");
        }
    }
}
