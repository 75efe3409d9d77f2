//! Signatures of deliveries, over their raw bytes. Pure.
//!
//! GitHub: `X-Hub-Signature-256`; Jira: `X-Hub-Signature`; both `sha256=` and hexadecimal. GitLab: the token itself in
//! `X-Gitlab-Token`, and since version 19 `webhook-signature` (Standard Webhooks: `v1,` and base64, over id, time and
//! body; good for five minutes, so that nobody sends it again later).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::base::tracker_kind::TrackerKind;

/// What secrets to sign with begin with: GitLab takes no others.
const PREFIX: &str = "whsec_";
const KEY_BYTES: usize = 32;
/// How long a signature with a time is good, before and after that time: what Standard Webhooks recommends.
const GOOD_FOR: Duration = Duration::from_secs(5 * 60);

/// The signatures that came with a delivery, by header.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signatures<'a> {
    /// `X-Hub-Signature-256` (GitHub) or `X-Hub-Signature` (Jira).
    pub hub: Option<&'a str>,
    /// `X-Gitlab-Token`.
    pub gitlab_token: Option<&'a str>,
    /// `webhook-signature`, with `webhook-id` and `webhook-timestamp`.
    pub standard: Option<(&'a str, &'a str, &'a str)>,
}

/// What the signatures of a delivery say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is none.
    Unsigned,
    /// All are right.
    Right,
    /// One is wrong.
    Wrong,
}

/// A new secret to sign with.
#[must_use]
pub fn new_secret() -> Secret<String> {
    let key: [u8; KEY_BYTES] = rand::random();
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(key)))
}

impl Signatures<'_> {
    /// Whether all signatures were made with one of the secrets, and those that say when, just now.
    #[must_use]
    pub fn verify(&self, kind: TrackerKind, body: &[u8], secrets: &[Secret<String>], now: UtcTime) -> Verdict {
        let any = |is_right: &dyn Fn(&str) -> bool| secrets.iter().any(|secret| is_right(secret.expose()));
        let checks = match kind {
            TrackerKind::GitHub | TrackerKind::JiraCloud | TrackerKind::JiraDataCenter => {
                [self.hub.map(|given| any(&|secret| is_hub(given, body, secret))), None]
            }
            TrackerKind::GitLab => [
                self.gitlab_token.map(|given| any(&|secret| given.as_bytes().ct_eq(secret.as_bytes()).into())),
                self.standard.map(|given| is_recent(given.2, now) && any(&|secret| is_standard(given, body, secret))),
            ],
        };
        match checks {
            [None, None] => Verdict::Unsigned,
            checks if checks.into_iter().flatten().all(|is_right| is_right) => Verdict::Right,
            _ => Verdict::Wrong,
        }
    }
}

fn is_hub(given: &str, body: &[u8], secret: &str) -> bool {
    let Some(tag) = given.strip_prefix("sha256=").and_then(|tag| hex::decode(tag).ok()) else { return false };
    mac(secret.as_bytes(), &[body]).verify_slice(&tag).is_ok()
}

/// Is a time in seconds near enough? Clocks differ, so it may be ahead as well.
fn is_recent(timestamp: &str, now: UtcTime) -> bool {
    let signed_at = timestamp.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000));
    signed_at.map(UtcTime::from_micros).is_some_and(|at| now.minus(GOOD_FOR) <= at && at <= now.plus(GOOD_FOR))
}

/// Several signatures stand there while the sender changes its key.
fn is_standard((signatures, id, timestamp): (&str, &str, &str), body: &[u8], secret: &str) -> bool {
    let Some(key) = secret.strip_prefix(PREFIX).and_then(|key| STANDARD.decode(key).ok()) else { return false };
    let mac = mac(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    let tags = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    tags.into_iter().any(|tag| mac.clone().verify_slice(&tag).is_ok())
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcTime = UtcTime::from_micros(17_000_000_000);

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    /// DD-22. The first vector is GitHub's own, from its documentation of webhooks.
    #[test]
    fn knows_right_wrong_and_missing_signatures_of_each_tracker() {
        let (body, github) = (b"Hello, World!".as_slice(), secret("It's a Secret to Everybody"));
        let right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let hub = |hub| Signatures { hub: Some(hub), ..Signatures::default() };
        for (signatures, kind, expected) in [
            (hub(right), TrackerKind::GitHub, Verdict::Right),
            (hub(right), TrackerKind::JiraCloud, Verdict::Right),
            (hub(&right[..70]), TrackerKind::GitHub, Verdict::Wrong),
            (hub("sha1=757107ea0eb2509fc211221cce984b8a37570b6d"), TrackerKind::GitHub, Verdict::Wrong),
            (hub(""), TrackerKind::JiraDataCenter, Verdict::Wrong),
            (Signatures::default(), TrackerKind::GitHub, Verdict::Unsigned),
        ] {
            assert_eq!(signatures.verify(kind, body, std::slice::from_ref(&github), NOW), expected, "{signatures:?}");
        }
        assert_eq!(hub(right).verify(TrackerKind::GitHub, b"Hello, World?", &[github], NOW), Verdict::Wrong);
        assert_eq!(hub(right).verify(TrackerKind::GitHub, body, &[], NOW), Verdict::Wrong);
    }

    /// DD-22
    #[test]
    fn gitlab_is_known_by_its_token_and_by_its_signature_and_must_not_contradict_itself() {
        let (old, new, body) = (new_secret(), new_secret(), b"{}".as_slice());
        let key = STANDARD.decode(new.expose().strip_prefix(PREFIX).unwrap()).unwrap();
        let tag = STANDARD.encode(mac(&key, &[b"id.17000.{}"]).finalize().into_bytes());
        let (signature, both) = (format!("v1,AAAA v1,{tag}"), [old, new.clone()]);
        let token = Some(new.expose().as_str());
        let standard = |at| Some((signature.as_str(), "id", at));
        for (gitlab_token, standard, expected) in [
            (None, None, Verdict::Unsigned),
            (token, None, Verdict::Right),
            (Some("guess"), None, Verdict::Wrong),
            (None, standard("17000"), Verdict::Right),
            (None, standard("17001"), Verdict::Wrong),
            (token, standard("17000"), Verdict::Right),
            (token, standard("17001"), Verdict::Wrong),
        ] {
            let signatures = Signatures { hub: None, gitlab_token, standard };
            assert_eq!(signatures.verify(TrackerKind::GitLab, body, &both, NOW), expected, "{signatures:?}");
        }
    }

    /// DD-22
    #[test]
    fn a_signature_with_a_time_is_good_for_five_minutes() {
        let (signing, body) = (new_secret(), b"{}".as_slice());
        let key = STANDARD.decode(signing.expose().strip_prefix(PREFIX).unwrap()).unwrap();
        for (timestamp, seconds_later, expected) in [
            ("17000", 0, Verdict::Right),
            ("17000", 300, Verdict::Right),
            ("17000", 301, Verdict::Wrong),
            ("17300", 0, Verdict::Right),
            ("17301", 0, Verdict::Wrong),
            ("", 0, Verdict::Wrong),
            ("17000.0", 0, Verdict::Wrong),
            ("9223372036854775807", 0, Verdict::Wrong),
            ("-9223372036854775808", 0, Verdict::Wrong),
        ] {
            let tag = mac(&key, &[b"id.", timestamp.as_bytes(), b".{}"]).finalize().into_bytes();
            let signature = format!("v1,{}", STANDARD.encode(tag));
            let signatures = Signatures { standard: Some((&signature, "id", timestamp)), ..Signatures::default() };
            let (secrets, now) = (std::slice::from_ref(&signing), NOW.plus(Duration::from_secs(seconds_later)));
            assert_eq!(signatures.verify(TrackerKind::GitLab, body, secrets, now), expected, "{timestamp}");
        }
    }
}
