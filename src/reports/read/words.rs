//! Words that tools share: severities, CWE numbers, vulnerability ids, names without what changes with every build.

use crate::base::severity::Severity;
use crate::reports::read::text;

/// The severity that a tool's word means, or `None` for a word of its own, which its parser must translate.
#[must_use]
pub fn severity(word: &str) -> Option<Severity> {
    let word = word.trim();
    let known: [(&str, Severity); 22] = [
        ("critical", Severity::Critical),
        ("crit", Severity::Critical),
        ("blocker", Severity::Critical),
        ("urgent", Severity::Critical),
        ("very high", Severity::Critical),
        ("high", Severity::High),
        ("important", Severity::High),
        ("error", Severity::High),
        ("medium", Severity::Medium),
        ("moderate", Severity::Medium),
        ("warning", Severity::Medium),
        ("low", Severity::Low),
        ("minor", Severity::Low),
        ("minimal", Severity::Low),
        ("negligible", Severity::Low),
        ("note", Severity::None),
        ("info", Severity::None),
        ("information", Severity::None),
        ("informational", Severity::None),
        ("none", Severity::None),
        ("unknown", Severity::Unknown),
        ("undefined", Severity::Unknown),
    ];
    known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, severity)| *severity)
}

/// The severity of a word, `unknown` for one that nobody knows.
#[must_use]
pub fn severity_or_unknown(word: &str) -> Severity {
    severity(word).unwrap_or_default()
}

/// The first CWE number in a text: `CWE-79`, `cwe-079`, `cwe_79`, `CWE79`, `external/cwe/cwe-79`, or a bare number.
#[must_use]
pub fn cwe(text: &str) -> Option<u32> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number).filter(|number| *number > 0);
    }
    cwes(text).first().copied()
}

/// Every CWE number that a text spells out, each once, in order.
#[must_use]
pub fn cwes(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for (at, _) in text.char_indices().filter(|(_, c)| matches!(c, 'c' | 'C')) {
        let Some(rest) = strip_prefix_ignoring_case(&text[at..], "cwe") else { continue };
        let digits = rest.trim_start_matches(['-', '_', ':', ' ', '/']);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if let Ok(number) = digits[..end].parse()
            && number > 0
        {
            found.push(number);
        }
        if found.len() == LIST_LIMIT {
            break;
        }
    }
    each_once(found)
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) { text.get(prefix.len()..) } else { None }
}

/// Most ids, CWEs or links kept of one vulnerability. A hostile file could list millions, and comparing each with all
/// is quadratic.
pub const LIST_LIMIT: usize = 200;

/// A list without its repetitions, in order; the first [`LIST_LIMIT`] of them.
#[must_use]
pub fn each_once<T: PartialEq>(list: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for item in list {
        if kept.len() == LIST_LIMIT {
            break;
        }
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

/// Prefixes of the vulnerability databases whose ids stand for one vulnerability wherever it is found.
const ID_PREFIXES: [&str; 27] = [
    "CVE-",
    "GHSA-",
    "OSV-",
    "RUSTSEC-",
    "PYSEC-",
    "GO-",
    "GMS-",
    "SNYK-",
    "MAL-",
    "RHSA-",
    "RHBA-",
    "RHEA-",
    "DSA-",
    "DLA-",
    "USN-",
    "ELSA-",
    "ALAS-",
    "ALAS2-",
    "ALSA-",
    "SUSE-",
    "openSUSE-",
    "TEMP-",
    "VDB-",
    "EUVD-",
    "AVD-",
    "KHV",
    "NSWG-",
];

/// Whether a text is the id of a vulnerability in a public database.
#[must_use]
pub fn is_vulnerability_id(text: &str) -> bool {
    let has_prefix =
        ID_PREFIXES.iter().any(|prefix| strip_prefix_ignoring_case(text, prefix).is_some_and(|rest| !rest.is_empty()));
    has_prefix && text.len() <= 100 && !text.contains(char::is_whitespace)
}

/// The CVE and GHSA ids that a text spells out, each once, in order and in capitals as their databases write them.
#[must_use]
pub fn ids_in(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (dash, _) in text.match_indices('-') {
        found.extend(cve_around(text, dash).or_else(|| ghsa_around(text, dash)));
        if found.len() == LIST_LIMIT {
            break;
        }
    }
    each_once(found)
}

/// The CVE whose first dash this is.
fn cve_around(text: &str, dash: usize) -> Option<String> {
    let (year, rest) = after_word(text, "cve", dash)?.split_at_checked(4)?;
    let number = rest.strip_prefix('-')?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let is_id = year.bytes().all(|byte| byte.is_ascii_digit()) && (4..=10).contains(&end);
    is_id.then(|| format!("CVE-{year}-{}", &number[..end]))
}

/// The GHSA whose first dash this is.
fn ghsa_around(text: &str, dash: usize) -> Option<String> {
    let rest = after_word(text, "ghsa", dash)?.get(..14)?;
    let is_id =
        rest.bytes().enumerate().all(|(n, byte)| if n % 5 == 4 { byte == b'-' } else { byte.is_ascii_alphanumeric() });
    is_id.then(|| format!("GHSA-{}", rest.to_ascii_lowercase()))
}

/// What is behind a dash, if this word is before it.
fn after_word<'t>(text: &'t str, word: &str, dash: usize) -> Option<&'t str> {
    let begin = dash.checked_sub(word.len())?;
    let is_word = text.get(begin..dash)?.eq_ignore_ascii_case(word);
    let is_whole = begin == 0 || !text.as_bytes()[begin - 1].is_ascii_alphanumeric();
    if is_word && is_whole { text.get(dash + 1..) } else { None }
}

/// The id that names a vulnerability best: a CVE before a GHSA before any other.
#[must_use]
pub fn best_id(ids: &[String]) -> Option<&String> {
    let rank = |id: &String| match () {
        () if strip_prefix_ignoring_case(id, "CVE-").is_some() => 0,
        () if strip_prefix_ignoring_case(id, "GHSA-").is_some() => 1,
        () => 2,
    };
    ids.iter().min_by_key(|id| rank(id))
}

/// The identity of a vulnerability: its best id, or what its tool calls it.
#[must_use]
pub fn key(ids: &[String], tool: &str, own: &str) -> String {
    best_id(ids).cloned().unwrap_or_else(|| format!("{tool}:{}", text::title(own)))
}

/// A file's path as one line, with `/` also where Windows wrote it.
#[must_use]
pub fn file_path(path: &str) -> Option<String> {
    text::some(text::line(path).replace('\\', "/"))
}

/// An image's name without tag and digest: `registry:5000/shop/web:1.2@sha256:…` is `registry:5000/shop/web`.
#[must_use]
pub fn image_name(reference: &str) -> &str {
    let reference = reference.trim();
    let reference = reference.split_once('@').map_or(reference, |(name, _)| name);
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    }
}

/// The links in a text, which may hold one per line, or list items.
#[must_use]
pub fn links(text: &str) -> Vec<String> {
    // Most texts hold none, which is seen many bytes at a time.
    if !text.contains("://") {
        return Vec::new();
    }
    text.split_whitespace()
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
        .map(text::line)
        .collect()
}

/// Scheme and host of a URL, with its port; the host alone where it has no scheme.
#[must_use]
pub fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    &url[..end]
}

/// A URL without query and fragment.
#[must_use]
pub fn url_without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Name (with group) and version that a package URL spells: `pkg:maven/org.apache/log4j@2.1?type=jar` is
/// `org.apache/log4j` and `2.1`.
#[must_use]
pub fn purl_parts(purl: &str) -> Option<(String, Option<String>)> {
    let rest = purl.trim().strip_prefix("pkg:")?;
    let rest = url_without_query(rest);
    let (_, path) = rest.trim_start_matches('/').split_once('/')?;
    let (path, version) = match path.rsplit_once('@') {
        Some((path, version)) if !version.contains('/') => (path, Some(version)),
        _ => (path, None),
    };
    let decode = |part: &str| percent_decoded(part.trim_matches('/'));
    (!path.is_empty()).then(|| (decode(path), version.map(decode).filter(|version| !version.is_empty())))
}

/// A text with `%20` and its like decoded; left alone where that would not be UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| byte == b'%') {
            Some(value) => {
                decoded.push(value);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// A secret that a scanner found, shortened until it is none: findings travel into tickets that others read.
#[must_use]
pub fn redacted(secret: &str) -> String {
    let length = secret.chars().count();
    let shown: String = secret.chars().take((length / 4).min(4)).collect();
    format!("{shown}****")
}

/// Code without the secret in it; `None` where there is no code.
#[must_use]
pub fn without_secret(code: &str, secret: &str) -> Option<String> {
    let secret = secret.trim();
    let code = if secret.is_empty() { code.to_owned() } else { code.replace(secret, &redacted(secret)) };
    text::some(text::text(&code))
}

/// Headers of a request that let their reader in.
const CREDENTIALS: [&str; 5] = ["cookie", "authorization", "proxy-authorization", "x-api-key", "x-auth-token"];

/// An HTTP request whose headers hold no credentials: scanners log in, and findings travel.
#[must_use]
pub fn request(raw: &str) -> Option<String> {
    let clean = |line: &str| match line.split_once(':') {
        Some((name, _)) if CREDENTIALS.iter().any(|known| known.eq_ignore_ascii_case(name.trim())) => {
            format!("{name}: ****")
        }
        _ => line.to_owned(),
    };
    let lines: Vec<String> = text::text(raw).lines().map(clean).collect();
    text::some_text(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_request_without_its_credentials() {
        let raw = "GET /a HTTP/1.1\r\nHost: b\r\ncookie: session=1\r\nAuthorization: Bearer c\r\n\r\nd: e";
        let kept = "GET /a HTTP/1.1\nHost: b\ncookie: ****\nAuthorization: ****\n\nd: e";
        assert_eq!(request(raw).as_deref(), Some(kept));
        assert_eq!(request(" "), None);
    }

    #[test]
    fn shows_at_most_a_quarter_of_a_secret() {
        for (secret, expected) in [("AKIAIOSFODNN7EXAMPLE", "AKIA****"), ("hunter2", "h****"), ("", "****")] {
            assert_eq!(redacted(secret), expected);
        }
    }

    #[test]
    fn finds_cwe_numbers_in_every_spelling() {
        for (text, expected) in [
            ("CWE-79", vec![79]),
            ("external/cwe/cwe-079", vec![79]),
            ("CWE-327: Use of a Broken or Risky Cryptographic Algorithm", vec![327]),
            ("cwe_89,CWE:22", vec![89, 22]),
            ("CWE-79 and again CWE-79", vec![79]),
            ("NVD-CWE-noinfo", vec![]),
        ] {
            assert_eq!(cwes(text), expected, "{text}");
        }
        assert_eq!(cwe("611"), Some(611));
        assert_eq!(cwe("0"), None);
    }

    #[test]
    fn finds_cve_and_ghsa_ids_in_prose() {
        assert_eq!(
            ids_in("CVE-2021-44228-log4j, see cve-2021-45046 and GHSA-JFH8-C2JP-5V3Q; not ACVE-2020-1111 nor CVE-20-1"),
            ["CVE-2021-44228", "CVE-2021-45046", "GHSA-jfh8-c2jp-5v3q"]
        );
    }

    #[test]
    fn names_images_without_tag_and_digest() {
        for (reference, name) in [
            ("alpine:3.18", "alpine"),
            ("registry:5000/shop/web", "registry:5000/shop/web"),
            ("registry:5000/shop/web:1.2@sha256:ab", "registry:5000/shop/web"),
            ("web@sha256:ab", "web"),
        ] {
            assert_eq!(image_name(reference), name, "{reference}");
        }
    }

    #[test]
    fn takes_package_urls_apart() {
        for (purl, name, version) in [
            ("pkg:maven/org.apache/log4j@2.1?type=jar", "org.apache/log4j", Some("2.1")),
            ("pkg:npm/%40babel/core@7.0.0", "@babel/core", Some("7.0.0")),
            ("pkg:golang/golang.org/x/net", "golang.org/x/net", None),
        ] {
            assert_eq!(purl_parts(purl), Some((name.to_owned(), version.map(str::to_owned))), "{purl}");
        }
        assert_eq!(purl_parts("log4j"), None);
    }

    #[test]
    fn prefers_a_cve_over_any_other_id() {
        let ids = ["RUSTSEC-2021-0001", "GHSA-jfh8-c2jp-5v3q", "CVE-2021-1"].map(str::to_owned);
        assert_eq!(best_id(&ids).map(String::as_str), Some("CVE-2021-1"));
    }
}
