//! Sealed texts: what must be stored but not read by whoever steals the database.
//!
//! Form: `v1.<key id>.<base64 of nonce and ciphertext>`, by XChaCha20-Poly1305. Each text is bound to its place (a
//! table and a row), so that it cannot be moved to another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use super::{Key, Keys};
use crate::base::secret::Secret;

const FORM: &str = "v1";
const NONCE_BYTES: usize = 24;

/// Why a sealed text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key that sealed it is not in the keys file.
    #[error("it was sealed with a key that is no longer in the keys file")]
    UnknownKey,
    /// It was changed, cut, or belongs to another place.
    #[error("it was changed since it was sealed, or belongs elsewhere")]
    Broken,
}

impl Keys {
    /// Seals `text` with the newest key for `place`, e.g. `tracker_connections/<id>`.
    #[must_use]
    pub fn seal_text(&self, text: &Secret<String>, place: &str) -> String {
        let key = &self.seal[0];
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: text.expose().as_bytes(), aad: place.as_bytes() };
        let sealed = cipher(key).encrypt(&nonce.into(), payload).expect("memory holds a text and its 16 bytes of tag");
        let bytes = [nonce.as_slice(), &sealed].concat();
        format!("{FORM}.{}.{}", key.id, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens what [`Keys::seal_text`] sealed for `place`.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open_text(&self, sealed: &str, place: &str) -> Result<Secret<String>, SealError> {
        let mut parts = sealed.splitn(3, '.');
        let (Some(FORM), Some(id), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(SealError::Broken);
        };
        let key = self.seal.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Broken)?;
        let (nonce, message) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Broken)?;
        let payload = Payload { msg: message, aad: place.as_bytes() };
        let opened = cipher(key).decrypt(&(*nonce).into(), payload).map_err(|_| SealError::Broken)?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| SealError::Broken)
    }

    /// Whether the newest key sealed it; if not, seal it again when it is next written.
    #[must_use]
    pub fn is_sealed_with_newest(&self, sealed: &str) -> bool {
        sealed.split('.').nth(1) == Some(self.seal[0].id.as_str())
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.secret.expose().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn opens_what_it_sealed_also_after_rotations() {
        let keys = Keys::generate();
        let sealed = keys.seal_text(&text("ghp_token"), "connections/1");
        assert!(!sealed.contains("ghp_token"));
        let later = keys.rotated().rotated();
        assert_eq!(later.open_text(&sealed, "connections/1"), Ok(text("ghp_token")));
        assert!(keys.is_sealed_with_newest(&sealed));
        assert!(!later.is_sealed_with_newest(&sealed));
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let keys = Keys::generate();
        assert_ne!(keys.seal_text(&text("a"), "p"), keys.seal_text(&text("a"), "p"));
    }

    #[test]
    fn opens_nothing_that_was_moved_changed_or_sealed_with_a_dropped_key() {
        let keys = Keys::generate();
        let sealed = keys.seal_text(&text("ghp_token"), "connections/1");
        assert_eq!(keys.open_text(&sealed, "connections/2"), Err(SealError::Broken));
        assert_eq!(keys.rotated().without_old().open_text(&sealed, "connections/1"), Err(SealError::UnknownKey));
        let mut changed = sealed.clone();
        changed.replace_range(sealed.len() - 4.., "AAAA");
        for broken in [changed.as_str(), &sealed[..sealed.len() - 8], "", "v1", "v1.x", "v2.a.b", &sealed[..20]] {
            assert!(keys.open_text(broken, "connections/1").is_err(), "{broken}");
        }
    }
}
