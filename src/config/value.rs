//! From the text of a value to its type, each with the words for what is wrong.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::base::network::{HostRule, Network};
use crate::base::secret::Secret;

/// A type that a variable can have.
pub trait Value: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, without the value itself: it may be a secret.
    fn read(text: &str) -> Result<Self, String>;
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For eyes.
    Human,
    /// One JSON object per line.
    Json,
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// An issuer of tokens, as its tokens name it: a URL without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer(pub String);

/// The origin of a web page, as browsers send it: `https://host` or `https://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

impl Value for Secret<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self::new(text.to_owned()))
    }
}

impl Value for u32 {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "must be a whole number".to_owned())
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }
}

impl Value for Duration {
    fn read(text: &str) -> Result<Self, String> {
        // A century: far above every sensible value, and far below what overflows a moment.
        const LONGEST_S: u64 = 100 * 365 * 24 * 3600;
        match text.parse() {
            Ok(seconds) if seconds <= LONGEST_S => Ok(Self::from_secs(seconds)),
            _ => Err("must be a whole number of seconds, without a unit".to_owned()),
        }
    }
}

impl Value for Bytes {
    fn read(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let factor = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err("must be a number of bytes; units are KiB, MiB and GiB".to_owned()),
        };
        let number: Option<u64> = digits.parse().ok();
        let bytes = number.and_then(|number| number.checked_mul(factor));
        bytes.map(Self).ok_or_else(|| "must be a whole number of bytes, like 268435456 or 256MiB".to_owned())
    }
}

impl Value for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        let hint = "must be an IP address and a port, like 127.0.0.1:8080 or [::]:8080";
        text.parse().map_err(|_| hint.to_owned())
    }
}

impl Value for Issuer {
    fn read(text: &str) -> Result<Self, String> {
        let url = Url::read(text)?;
        Ok(Self(String::from(url).trim_end_matches('/').to_owned()))
    }
}

impl Value for Url {
    fn read(text: &str) -> Result<Self, String> {
        let url = Self::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("must begin with http:// or https://".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err("must have no user, query or fragment".to_owned());
        }
        Ok(url)
    }
}

impl Value for Origin {
    fn read(text: &str) -> Result<Self, String> {
        let url = <Url as Value>::read(text)?;
        if url.path() != "/" {
            return Err("must be an origin without a path, like https://security.example.com".to_owned());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

impl Value for HostRule {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl Value for Network {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl Value for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err("must be auto, human or json".to_owned()),
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::read(text).map(Some) }
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| T::read(part).map_err(|fault| format!("{part:?}: {fault}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bytes_with_and_without_units() {
        for (text, bytes) in [("0", 0), ("268435456", 256 << 20), ("256MiB", 256 << 20), ("1 GiB", 1 << 30), ("5B", 5)]
        {
            assert_eq!(Bytes::read(text), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "10MB", "1 TiB", "99999999999999999999", "99999999999GiB"] {
            assert!(Bytes::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn takes_origins_as_browsers_write_them() {
        assert_eq!(Origin::read("https://App.Example.com:443/"), Ok(Origin("https://app.example.com".into())));
        assert_eq!(Origin::read("http://localhost:3000"), Ok(Origin("http://localhost:3000".into())));
        for text in ["*", "null", "app.example.com", "https://a.example/x", "file:///", "https://u@a.example"] {
            assert!(Origin::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_lists_by_comma_and_names_the_faulty_member() {
        assert_eq!(Vec::<u32>::read(" 1, 2 ,,3 "), Ok(vec![1, 2, 3]));
        assert_eq!(Vec::<u32>::read("1,x"), Err("\"x\": must be a whole number".into()));
    }
}
