//! What a token says, and whether it may be believed. Pure: the key and the time are given.

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::base::error::ApiError;
use crate::base::time::UtcTime;

/// How far the issuer's clock may be from ours.
const LEEWAY_S: i64 = 30;
/// A token that lives longer is no token of a job.
const LONGEST_S: i64 = 24 * 3600;
const MAX_TOKEN_BYTES: usize = 16 * 1024;
const MAX_KEY_ID_BYTES: usize = 256;

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token, or one that names its keys itself or has another algorithm.
    #[error("the token is not one that can be verified here")]
    Malformed,
    /// Its issuer is not trusted.
    #[error("the issuer of the token is not trusted by this server")]
    UntrustedIssuer,
    /// Its issuer has no such key.
    #[error("the issuer has no key like that of the token")]
    UnknownKey,
    /// Its signature is wrong, or not of the key's kind.
    #[error("the signature of the token is wrong")]
    WrongSignature,
    /// A claim is missing or has a wrong form.
    #[error("the token lacks a claim that is needed")]
    MissingClaim,
    /// It lives longer than any job should.
    #[error("the token is valid for more than a day: let the job's timeout be shorter")]
    TooLong,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// The keys cannot be read now.
    #[error("the keys of the issuer cannot be read now; try again later")]
    IssuerUnreachable,
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Unauthenticated("the token is not one that can be verified here"),
            TokenError::UntrustedIssuer => {
                Self::Unauthenticated("the issuer of the token is not trusted by this server")
            }
            TokenError::UnknownKey => Self::Unauthenticated("the issuer has no key like that of the token"),
            TokenError::WrongSignature => Self::Unauthenticated("the signature of the token is wrong"),
            TokenError::MissingClaim => Self::Unauthenticated("the token lacks a claim that is needed"),
            TokenError::TooLong => {
                Self::Unauthenticated("the token is valid for more than a day: let the job's timeout be shorter")
            }
            TokenError::Expired => Self::Unauthenticated("the token has expired"),
            TokenError::NotYet => Self::Unauthenticated("the token is not valid yet"),
            TokenError::IssuerUnreachable => Self::Unavailable { detail: error.to_string(), retry_after_s: 60 },
        }
    }
}

/// What a token says before it is believed: enough to find the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unproven {
    /// Who is said to have issued it.
    pub issuer: String,
    /// The key that is said to have signed it.
    pub key_id: String,
    /// How.
    pub algorithm: Algorithm,
}

#[derive(Deserialize)]
struct IssuerOnly {
    iss: String,
}

/// Has this text the form of a token of an issuer? Our own are signed in another way.
#[must_use]
pub fn is_of_issuer(bearer: &str) -> bool {
    bearer.len() <= MAX_TOKEN_BYTES
        && jsonwebtoken::decode_header(bearer).is_ok_and(|header| header.alg != Algorithm::HS256)
}

impl Unproven {
    /// Reads a token, which may say anything.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn read(bearer: &str) -> Result<Self, TokenError> {
        if bearer.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(bearer).map_err(|_| TokenError::Malformed)?;
        // Keys come from the issuer, never from the token; what is critical and not understood must not be ignored.
        let names_keys = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
        if names_keys || header.crit.is_some() || !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(TokenError::Malformed);
        }
        let key_id = header.kid.filter(|id| !id.is_empty() && id.len() <= MAX_KEY_ID_BYTES);
        let claims: IssuerOnly =
            jsonwebtoken::dangerous::insecure_decode_claims(bearer).map_err(|_| TokenError::Malformed)?;
        let key_id = key_id.ok_or(TokenError::Malformed)?;
        Ok(Self { issuer: claims.iss, key_id, algorithm: header.alg })
    }
}

/// What a believed token says.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: String,
    /// When it ends.
    pub expires_at: UtcTime,
    /// All that it says.
    pub all: Map<String, Value>,
}

impl Claims {
    /// A claim that is text, or a number that stands for one; empty text says nothing.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.all.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whom it is meant for.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let all = match self.all.get("aud") {
            Some(Value::Array(many)) => many.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        all.iter().filter_map(Value::as_str)
    }

    /// Is it meant for this audience?
    #[must_use]
    pub fn is_for(&self, audience: &str) -> bool {
        self.audiences().any(|one| one == audience)
    }
}

/// Believes a token that this key signed, if it is valid now.
///
/// # Errors
/// See [`TokenError`].
pub fn verify(bearer: &str, unproven: &Unproven, key: &Jwk, now: UtcTime) -> Result<Claims, TokenError> {
    if Some(unproven.algorithm) != algorithm_of(key) {
        return Err(TokenError::WrongSignature);
    }
    let decoding_key = DecodingKey::from_jwk(key).map_err(|_| TokenError::WrongSignature)?;
    let mut validation = Validation::new(unproven.algorithm);
    // The library reads the system's clock, and rules know the audience.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(bearer, &decoding_key, &validation);
    let all = decoded.map_err(|_| TokenError::WrongSignature)?.claims;
    if all.get("iss").and_then(Value::as_str) != Some(&unproven.issuer) {
        return Err(TokenError::MissingClaim);
    }
    let expires_at = check_times(&all, now)?;
    Ok(Claims { issuer: unproven.issuer.clone(), expires_at, all })
}

/// The one algorithm of a key: that of its kind, and not another one that it names itself.
fn algorithm_of(key: &Jwk) -> Option<Algorithm> {
    let (algorithm, name) = match &key.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let signs = key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    (signs && key.common.key_algorithm.is_none_or(|named| named == name)).then_some(algorithm)
}

fn check_times(claims: &Map<String, Value>, now: UtcTime) -> Result<UtcTime, TokenError> {
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().filter(|seconds| *seconds >= 0).map(Some).ok_or(TokenError::MissingClaim),
    };
    let expires = time("exp")?.ok_or(TokenError::MissingClaim)?;
    let now_s = now.as_micros() / 1_000_000;
    if now_s >= expires.saturating_add(LEEWAY_S) {
        return Err(TokenError::Expired);
    }
    for begin in [time("nbf")?, time("iat")?].into_iter().flatten() {
        if begin > now_s.saturating_add(LEEWAY_S) {
            return Err(TokenError::NotYet);
        }
    }
    let left = expires.saturating_sub(now_s);
    if left > LONGEST_S + LEEWAY_S {
        return Err(TokenError::TooLong);
    }
    Ok(now.plus(Duration::from_secs(u64::try_from(left.saturating_add(LEEWAY_S)).unwrap_or(0))))
}
