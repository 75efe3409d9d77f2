//! Random secrets that people and machines carry: API tokens, refresh tokens, invitation codes, first passwords.
//!
//! All are letters and digits from the system's generator, and are stored as SHA-256 only. A plain hash is enough:
//! unlike passwords, nobody can guess 190 bits, and one indexed look-up finds them, however many there are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::base::ids::SessionId;
use crate::base::secret::Secret;

/// An API token has 40 characters, because clients of other servers refuse other lengths.
pub const API_TOKEN_LENGTH: usize = 40;
const API_TOKEN_PREFIX: &str = "pb_";
/// The characters of an API token that may be shown.
const API_TOKEN_SHOWN: usize = 7;

const WORKLOAD_PREFIX: &str = "pbw_";
const LOGIN_PREFIX: &str = "pbl_";
/// A session's id in 16 bytes, as base64 without padding.
const SESSION_BASE64: usize = 22;

const REFRESH_PREFIX: &str = "pbr_";
const SESSION_HEX: usize = 32;
const INVITATION_PREFIX: &str = "pbi_";
const WEBHOOK_PREFIX: &str = "pbw_";
const RANDOM_LENGTH: usize = 40;
const PASSWORD_LENGTH: usize = 24;

fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// What is stored of a secret.
#[must_use]
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// A new API token: 220 random bits behind a prefix that secret scanners can find.
#[must_use]
pub fn new_api_token() -> Secret<String> {
    Secret::new(format!("{API_TOKEN_PREFIX}{}", random(API_TOKEN_LENGTH - API_TOKEN_PREFIX.len())))
}

/// Does this have the form of an API token?
#[must_use]
pub fn is_api_token(text: &str) -> bool {
    text.len() == API_TOKEN_LENGTH && text.starts_with(API_TOKEN_PREFIX)
}

/// The first characters of an API token, to recognise it by.
#[must_use]
pub fn shown_part(token: &Secret<String>) -> String {
    token.expose().chars().take(API_TOKEN_SHOWN).collect()
}

/// A new refresh token of a session, which it names: so a token that was replaced ends the session it belonged to.
#[must_use]
pub fn new_refresh_token(session: SessionId) -> Secret<String> {
    Secret::new(format!("{REFRESH_PREFIX}{}{}", session.0.simple(), random(RANDOM_LENGTH)))
}

/// The session that a refresh token names.
#[must_use]
pub fn session_of(refresh_token: &str) -> Option<SessionId> {
    let session = refresh_token.strip_prefix(REFRESH_PREFIX)?.get(..SESSION_HEX)?;
    session.parse().ok()
}

/// A new token of a run of a CI, as long as an API token.
#[must_use]
pub fn new_workload_token() -> Secret<String> {
    Secret::new(format!("{WORKLOAD_PREFIX}{}", random(API_TOKEN_LENGTH - WORKLOAD_PREFIX.len())))
}

/// Does this have the form of a token of a run of a CI?
#[must_use]
pub fn is_workload_token(text: &str) -> bool {
    text.len() == API_TOKEN_LENGTH && text.starts_with(WORKLOAD_PREFIX)
}

/// A new token of a login that has nothing but this one token: as long as an API token, and it names its session.
#[must_use]
pub fn new_login_token(session: SessionId) -> Secret<String> {
    let session = URL_SAFE_NO_PAD.encode(session.0.as_bytes());
    let random = random(API_TOKEN_LENGTH - LOGIN_PREFIX.len() - SESSION_BASE64);
    Secret::new(format!("{LOGIN_PREFIX}{session}{random}"))
}

/// The session that a login token names.
#[must_use]
pub fn session_of_login(token: &str) -> Option<SessionId> {
    let session = token.strip_prefix(LOGIN_PREFIX).filter(|_| token.len() == API_TOKEN_LENGTH)?;
    let bytes = URL_SAFE_NO_PAD.decode(session.get(..SESSION_BASE64)?).ok()?;
    Uuid::from_slice(&bytes).ok().map(SessionId)
}

/// A new code of an invitation.
#[must_use]
pub fn new_invitation_code() -> Secret<String> {
    Secret::new(format!("{INVITATION_PREFIX}{}", random(RANDOM_LENGTH)))
}

/// A new secret of a webhook's address.
#[must_use]
pub fn new_webhook_secret() -> Secret<String> {
    Secret::new(format!("{WEBHOOK_PREFIX}{}", random(RANDOM_LENGTH)))
}

/// A first password, to be changed by its owner.
#[must_use]
pub fn new_password() -> Secret<String> {
    Secret::new(random(PASSWORD_LENGTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_tokens_have_forty_characters_and_never_repeat() {
        let (first, second) = (new_api_token(), new_api_token());
        assert_eq!(first.expose().len(), 40);
        assert!(is_api_token(first.expose()));
        assert_ne!(first.expose(), second.expose());
        assert_eq!(shown_part(&first), first.expose()[..7]);
    }

    #[test]
    fn a_login_token_names_its_session_and_is_as_long_as_an_api_token() {
        let session = SessionId::generate();
        let (first, second) = (new_login_token(session), new_login_token(session));
        assert_eq!(first.expose().len(), API_TOKEN_LENGTH);
        assert_eq!(session_of_login(first.expose()), Some(session));
        assert_ne!(first.expose(), second.expose());
        for other in ["", "pbl_", &first.expose()[..39], &format!("{}x", first.expose()), new_api_token().expose()] {
            assert_eq!(session_of_login(other), None, "{other}");
        }
    }

    #[test]
    fn a_refresh_token_names_its_session() {
        let session = SessionId::generate();
        assert_eq!(session_of(new_refresh_token(session).expose()), Some(session));
        for other in ["", "pbr_", "pbr_0", "pb_0123456789abcdef0123456789abcdef", "pbr_äääääääääääääääääääääääääääää"]
        {
            assert_eq!(session_of(other), None, "{other}");
        }
    }
}
