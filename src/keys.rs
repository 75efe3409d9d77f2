//! The server's own keys: they sign sessions and cursors and seal the credentials of trackers.
//!
//! They live in one file outside the database (0600), made at the first start, so that a stolen database holds no
//! credential that can be used. Keys rotate: the newest signs and seals, all of them verify and open.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::base::secret::Secret;

pub mod seal;

/// How many keys that sign sessions are kept: tokens of the one before the newest live for minutes only.
const KEPT_SIGNING_KEYS: usize = 2;
const VERSION: u32 = 1;

/// A key and the name by which tokens and sealed texts refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name: not secret, and without a meaning.
    pub id: String,
    /// 32 random bytes.
    pub secret: Secret<[u8; 32]>,
}

/// All keys of the server. In each list the newest comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// They sign session tokens (HMAC-SHA256).
    pub jwt: Vec<Key>,
    /// They seal the credentials of trackers (XChaCha20-Poly1305).
    pub seal: Vec<Key>,
    /// It signs the cursors of lists (HMAC-SHA256).
    pub cursor: Secret<[u8; 32]>,
}

/// Why keys cannot be used. None of these holds a key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is no such file.
    #[error("there is no keys file {0}")]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error("the keys file {path}: {cause}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file may be read by everybody.
    #[error("the keys file {path} has mode {mode:03o}: it must be closed to others, run `chmod 600 {path}`", path = path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The text is not what this release writes.
    #[error("the keys cannot be read: {0}")]
    Malformed(&'static str),
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    jwt: Vec<StoredKey>,
    seal: Vec<StoredKey>,
    cursor: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    id: String,
    key: String,
}

impl Keys {
    /// New random keys.
    #[must_use]
    pub fn generate() -> Self {
        Self { jwt: vec![Key::generate()], seal: vec![Key::generate()], cursor: Secret::new(rand::random()) }
    }

    /// Reads keys from their text.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        // The parser's own words could quote a key.
        let stored: Stored = serde_json::from_str(text)
            .map_err(|_| KeysError::Malformed("not JSON with version, jwt, seal and cursor, and nothing else"))?;
        if stored.version != VERSION {
            return Err(KeysError::Malformed("written by a newer release"));
        }
        let keys = Self { jwt: read_keys(stored.jwt)?, seal: read_keys(stored.seal)?, cursor: bytes(&stored.cursor)? };
        if keys.jwt.is_empty() || keys.seal.is_empty() {
            return Err(KeysError::Malformed("jwt and seal need at least one key each"));
        }
        Ok(keys)
    }

    /// Reads the keys of a file that only its owner (and group) may read.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let text = fs::read_to_string(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => KeysError::Missing(path.to_owned()),
            _ => failed(path)(cause),
        })?;
        check_mode(path)?;
        Self::parse(&text)
    }

    /// Reads the keys of the file, or makes it with new ones. Of two processes that make it at once, both get the keys
    /// of the one that was first.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn read_or_create(path: &Path) -> Result<Self, KeysError> {
        match Self::read(path) {
            Err(KeysError::Missing(_)) => {}
            known => return known,
        }
        match Self::generate().put(path, |file| file.persist_noclobber(path)) {
            Err(KeysError::Io { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        Self::read(path)
    }

    /// Replaces the file in one step: a reader sees the old keys or the new ones.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, path: &Path) -> Result<(), KeysError> {
        self.put(path, |file| file.persist(path))
    }

    /// New keys for everything. The old ones still verify and open what they signed and sealed; cursors start anew.
    #[must_use]
    pub fn rotated(&self) -> Self {
        let mut next = Self::generate();
        next.jwt.extend(self.jwt.iter().take(KEPT_SIGNING_KEYS - 1).cloned());
        next.seal.extend(self.seal.iter().cloned());
        next
    }

    /// The same keys without those that are not the newest: what they signed or sealed becomes worthless.
    #[must_use]
    pub fn without_old(&self) -> Self {
        let newest = |keys: &[Key]| keys.iter().take(1).cloned().collect();
        Self { jwt: newest(&self.jwt), seal: newest(&self.seal), cursor: self.cursor.clone() }
    }

    /// The text of the file.
    #[must_use]
    pub fn to_json(&self) -> Secret<String> {
        let stored = |keys: &[Key]| keys.iter().map(Key::stored).collect();
        let file = Stored {
            version: VERSION,
            jwt: stored(&self.jwt),
            seal: stored(&self.seal),
            cursor: STANDARD.encode(self.cursor.expose()),
        };
        Secret::new(serde_json::to_string_pretty(&file).expect("strings and numbers are always JSON"))
    }

    fn put<T>(
        &self,
        path: &Path,
        persist: impl FnOnce(tempfile::NamedTempFile) -> Result<T, tempfile::PersistError>,
    ) -> Result<(), KeysError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            // Temporary files are made 0600, and so is what they become.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(self.to_json().expose().as_bytes())?;
            file.as_file().sync_all()?;
            persist(file)?;
            fs::File::open(folder)?.sync_all()
        };
        written().map_err(failed(path))
    }
}

impl Key {
    fn generate() -> Self {
        Self { id: format!("{:08x}", rand::random::<u32>()), secret: Secret::new(rand::random()) }
    }

    fn stored(&self) -> StoredKey {
        StoredKey { id: self.id.clone(), key: STANDARD.encode(self.secret.expose()) }
    }
}

fn read_keys(stored: Vec<StoredKey>) -> Result<Vec<Key>, KeysError> {
    let mut seen = HashSet::new();
    let keys = stored.into_iter().map(|stored| {
        let is_name = !stored.id.is_empty() && stored.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_name || !seen.insert(stored.id.clone()) {
            return Err(KeysError::Malformed("an id is empty, used twice, or more than letters, digits and dashes"));
        }
        Ok(Key { secret: bytes(&stored.key)?, id: stored.id })
    });
    keys.collect()
}

fn bytes(base64: &str) -> Result<Secret<[u8; 32]>, KeysError> {
    let decoded = STANDARD.decode(base64).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    decoded.map(Secret::new).ok_or(KeysError::Malformed("a key is not 32 bytes in base64"))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> KeysError {
    let path = path.to_owned();
    |cause| KeysError::Io { path, cause }
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeysError> {
    use std::os::unix::fs::PermissionsExt;
    // The group may read: orchestrators mount secrets as root:group 0440.
    const FORBIDDEN: u32 = 0o037;
    let mode = fs::metadata(path).map_err(failed(path))?.permissions().mode() & 0o777;
    if mode & FORBIDDEN == 0 { Ok(()) } else { Err(KeysError::Open { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<(), KeysError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_file_that_the_next_one_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/keys.json");
        let first = Keys::read_or_create(&path).unwrap();
        assert_eq!(Keys::read_or_create(&path).unwrap(), first);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_closed_to_others_and_refused_if_somebody_opens_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        Keys::read_or_create(&path).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        Keys::read(&path).unwrap().rotated().write(&path).unwrap();
        assert_eq!(mode(), 0o600);
        for (mode, refused) in [(0o400, false), (0o440, false), (0o644, true), (0o660, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let is_refused = matches!(Keys::read(&path), Err(KeysError::Open { .. }));
            assert_eq!(is_refused, refused, "{mode:o}");
        }
    }

    #[test]
    fn processes_that_start_together_get_the_same_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || Keys::read_or_create(&path).unwrap())
            })
            .collect();
        let keys: Vec<Keys> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        assert!(keys.iter().all(|one| *one == keys[0]));
    }

    #[test]
    fn rotation_puts_new_keys_first_and_keeps_what_is_still_needed() {
        let first = Keys::generate();
        let third = first.rotated().rotated();
        assert_eq!(third.seal.len(), 3);
        assert_eq!(third.seal[2], first.seal[0]);
        assert_eq!(third.jwt.len(), KEPT_SIGNING_KEYS);
        assert_ne!(third.jwt[0], first.jwt[0]);
        assert_ne!(third.cursor, first.cursor);
        let newest = third.without_old();
        assert_eq!((newest.jwt.len(), newest.seal.len()), (1, 1));
        assert_eq!(newest.seal[0], third.seal[0]);
    }

    #[test]
    fn refuses_a_text_that_it_did_not_write_and_never_quotes_it() {
        let good = Keys::generate().to_json().expose().clone();
        assert!(Keys::parse(&good).is_ok());
        let key = good.split("\"key\": \"").nth(1).unwrap().split('"').next().unwrap();
        for bad in [
            String::new(),
            good.replace("\"version\": 1", "\"version\": 2"),
            good.replace("\"cursor\"", "\"curser\""),
            good.replace(key, &key[4..]),
            good.replace("\"id\": \"", "\"id\": \"../"),
            format!("{good}{good}"),
        ] {
            let error = Keys::parse(&bad).unwrap_err().to_string();
            assert!(!error.contains(&key[4..]), "{error}");
        }
    }
}
