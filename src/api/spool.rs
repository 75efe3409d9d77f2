//! Receiving files: hashed and counted as they come, in memory while small, on disk beyond that.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;

use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

use crate::base::error::ApiError;
use crate::config::Config;
use crate::reports::decode::Source;

/// What is written to disk at a time.
const WRITE_BYTES: usize = 1 << 20;

/// A file that is being received. What it has on disk has no name there: it is gone with its owner, also when the
/// process is killed.
pub struct Spool {
    folder: PathBuf,
    memory_bytes: u64,
    limit_bytes: u64,
    buffer: Vec<u8>,
    file: Option<File>,
    hasher: Sha256,
    size_bytes: u64,
}

/// A received file.
#[derive(Debug)]
pub struct Received {
    /// The file.
    pub source: Source,
    /// Its size.
    pub size_bytes: u64,
    /// SHA-256 of it.
    pub hash: [u8; 32],
}

impl Spool {
    /// A file that is about to come.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            folder: config.data_folder.clone(),
            memory_bytes: config.spool_bytes,
            limit_bytes: config.max_upload_bytes,
            buffer: Vec::new(),
            file: None,
            hasher: Sha256::new(),
            size_bytes: 0,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `TooLarge` beyond the limit; `Internal` when the disk cannot be written.
    pub async fn take(&mut self, bytes: Bytes) -> Result<(), ApiError> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > self.limit_bytes {
            return Err(ApiError::TooLarge { limit_bytes: self.limit_bytes });
        }
        self.hasher.update(&bytes);
        self.buffer.extend_from_slice(&bytes);
        let spills = match self.file {
            Some(_) => self.buffer.len() >= WRITE_BYTES,
            None => self.size_bytes > self.memory_bytes,
        };
        if spills { self.spill().await } else { Ok(()) }
    }

    /// Writes what is in memory to disk.
    async fn spill(&mut self) -> Result<(), ApiError> {
        let (buffer, file, folder) = (std::mem::take(&mut self.buffer), self.file.take(), self.folder.clone());
        let written = tokio::task::spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => tempfile::tempfile_in(folder)?,
            };
            file.write_all(&buffer)?;
            Ok::<_, std::io::Error>((file, buffer))
        });
        let (file, mut buffer) = written.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
        buffer.clear();
        (self.file, self.buffer) = (Some(file), buffer);
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// `Internal` when the disk cannot be written.
    pub async fn finish(mut self) -> Result<Received, ApiError> {
        let source = if self.file.is_some() {
            self.spill().await?;
            let mut file = self.file.take().ok_or_else(|| ApiError::internal("the spooled file is gone"))?;
            file.rewind().map_err(ApiError::internal)?;
            Source::File(file)
        } else {
            Source::Bytes(std::mem::take(&mut self.buffer))
        };
        Ok(Received { source, size_bytes: self.size_bytes, hash: self.hasher.finalize().into() })
    }
}
