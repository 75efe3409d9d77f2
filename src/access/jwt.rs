//! Access tokens: short-lived JWTs that name a session.
//!
//! They are ours alone: one algorithm, a header that must be exactly the one written here (so `jku`, `jwk`, `x5u` and
//! other algorithms are refused before anything is looked up), a key from our own set, every claim required.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::base::error::ApiError;
use crate::base::ids::{SessionId, UserId};
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::keys::Keys;

const ISSUER: &str = "patchbay";
const AUDIENCE: &str = "patchbay-api";
const ALGORITHM: Algorithm = Algorithm::HS256;
/// How far the clocks of two instances may be apart.
const SKEW_S: i64 = 5;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Who it is.
    pub sub: UserId,
    /// The session it belongs to.
    pub sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Signs an access token with the newest key.
///
/// # Errors
/// `Internal`.
pub fn sign(
    keys: &Keys,
    user: UserId,
    session: SessionId,
    now: UtcTime,
    lifetime: Duration,
) -> Result<Secret<String>, ApiError> {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user,
        sid: session,
        iat: seconds(now),
        nbf: seconds(now),
        exp: seconds(now.plus(lifetime)),
    };
    let key = keys.jwt.first().ok_or_else(|| ApiError::internal("there is no key to sign with"))?;
    let signed = jsonwebtoken::encode(&header(&key.id), &claims, &EncodingKey::from_secret(key.secret.expose()));
    signed.map(Secret::new).map_err(ApiError::internal)
}

/// What a token says, if it is one of ours and valid now.
///
/// # Errors
/// `Unauthenticated`; why, only a test can tell.
pub fn verify(keys: &Keys, token: &str, now: UtcTime) -> Result<Claims, ApiError> {
    const REFUSED: ApiError = ApiError::Unauthenticated("the access token is not valid");
    let given = jsonwebtoken::decode_header(token).map_err(|_| REFUSED)?;
    let key = keys.jwt.iter().find(|key| Some(&key.id) == given.kid.as_ref()).ok_or(REFUSED)?;
    if given != header(&key.id) {
        return Err(REFUSED);
    }
    let key = DecodingKey::from_secret(key.secret.expose());
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation()).map_err(|_| REFUSED)?.claims;
    let now = seconds(now);
    if now >= claims.exp {
        return Err(ApiError::Unauthenticated("the access token has expired"));
    }
    if now < claims.nbf.saturating_sub(SKEW_S) {
        return Err(REFUSED);
    }
    Ok(claims)
}

fn header(key: &str) -> Header {
    Header { kid: Some(key.to_owned()), ..Header::new(ALGORITHM) }
}

/// Times are not checked here: the library reads the system's clock, not ours. That they are there, the form of the
/// claims demands.
fn validation() -> Validation {
    let mut validation = Validation::new(ALGORITHM);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

const fn seconds(time: UtcTime) -> i64 {
    time.as_micros() / 1_000_000
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: UtcTime = UtcTime::from_micros(1_800_000_000_000_000);
    const LIFETIME: Duration = Duration::from_secs(900);

    struct Forge {
        keys: Keys,
        header: Value,
        claims: Value,
    }

    impl Forge {
        /// The parts of a good token.
        fn new() -> Self {
            let keys = Keys::generate();
            let token = sign(&keys, UserId::generate(), SessionId::generate(), NOW, LIFETIME).unwrap();
            let part = |n| {
                let text = token.expose().split('.').nth(n).unwrap();
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
            };
            Self { header: part(0), claims: part(1), keys }
        }

        fn header(mut self, name: &str, value: Value) -> Self {
            self.header[name] = value;
            self
        }

        fn claim(mut self, name: &str, value: Value) -> Self {
            match value {
                Value::Null => drop(self.claims.as_object_mut().unwrap().remove(name)),
                value => self.claims[name] = value,
            }
            self
        }

        /// Signed with the right key, whatever it says.
        fn verify(self) -> Result<Claims, ApiError> {
            let key = EncodingKey::from_secret(self.keys.jwt[0].secret.expose());
            let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message = format!("{}.{}", encode(&self.header), encode(&self.claims));
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, ALGORITHM).unwrap();
            verify(&self.keys, &format!("{message}.{signature}"), NOW)
        }
    }

    #[test]
    fn accepts_what_it_signed_until_it_expires() {
        let (keys, user, session) = (Keys::generate(), UserId::generate(), SessionId::generate());
        let token = sign(&keys, user, session, NOW, LIFETIME).unwrap();
        let claims = verify(&keys, token.expose(), NOW).unwrap();
        assert_eq!((claims.sub, claims.sid), (user, session));
        let just_before = NOW.plus(LIFETIME).minus(Duration::from_secs(1));
        assert!(verify(&keys, token.expose(), just_before).is_ok());
        assert!(verify(&keys, token.expose(), NOW.plus(LIFETIME)).is_err());
        assert!(verify(&keys, token.expose(), NOW.minus(Duration::from_secs(60))).is_err());
    }

    #[test]
    fn keys_rotate_without_ending_sessions() {
        let old = Keys::generate();
        let token = sign(&old, UserId::generate(), SessionId::generate(), NOW, LIFETIME).unwrap();
        let new = old.rotated();
        assert!(verify(&new, token.expose(), NOW).is_ok());
        assert!(verify(&new.without_old(), token.expose(), NOW).is_err());
        let signed_anew = sign(&new, UserId::generate(), SessionId::generate(), NOW, LIFETIME).unwrap();
        assert!(verify(&old, signed_anew.expose(), NOW).is_err(), "the newest key signs");
    }

    /// S-09: even with a right signature, nothing but our own header and claims passes.
    #[test]
    fn refuses_every_other_header_and_claim() {
        assert!(Forge::new().verify().is_ok(), "the forge makes good tokens");
        let id = UserId::generate().to_string();
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("None")),
            ("alg", json!("NONE")),
            ("alg", json!("nOnE")),
            ("alg", json!("HS384")),
            ("alg", json!("RS256")),
            ("alg", json!("EdDSA")),
            ("alg", json!("")),
            ("kid", json!("00000000")),
            ("kid", json!("../../etc/passwd")),
            ("kid", json!("' OR 1=1 --")),
            ("kid", Value::Null),
            ("typ", json!("at+jwt")),
            ("jku", json!("https://attacker.example/keys")),
            ("jwk", json!({"kty": "oct", "k": "AAAA"})),
            ("x5u", json!("https://attacker.example/cert")),
            ("x5c", json!(["AAAA"])),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
        ] {
            assert!(Forge::new().header(name, value.clone()).verify().is_err(), "header {name} = {value}");
        }
        let now = seconds(NOW);
        for (name, value) in [
            ("iss", json!("somebody")),
            ("iss", Value::Null),
            ("aud", json!("something")),
            ("aud", Value::Null),
            ("exp", json!(now)),
            ("exp", json!(now - 1)),
            ("exp", json!("never")),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("nbf", json!(now + 60)),
            ("nbf", Value::Null),
            ("sub", json!("")),
            ("sub", Value::Null),
            ("sid", json!(format!("{id}' --"))),
            ("sid", Value::Null),
        ] {
            assert!(Forge::new().claim(name, value.clone()).verify().is_err(), "claim {name} = {value}");
        }
    }

    /// S-09
    #[test]
    fn refuses_what_another_key_signed_and_what_is_no_token() {
        let keys = Keys::generate();
        let mut other = Keys::generate();
        other.jwt[0].id.clone_from(&keys.jwt[0].id);
        let foreign = sign(&other, UserId::generate(), SessionId::generate(), NOW, LIFETIME).unwrap();
        assert!(verify(&keys, foreign.expose(), NOW).is_err());
        let good = sign(&keys, UserId::generate(), SessionId::generate(), NOW, LIFETIME).unwrap();
        let (message, _) = good.expose().rsplit_once('.').unwrap();
        for text in ["", ".", "..", "a.b.c", message, &format!("{message}."), &format!("{}x", good.expose())] {
            assert!(verify(&keys, text, NOW).is_err(), "{text}");
        }
    }
}
