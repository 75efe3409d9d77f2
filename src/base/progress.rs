//! How far running imports are. It is known in the process that runs them, and nowhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ids::UploadId;
use crate::text_enum;

text_enum! {
    /// How far an import is.
    ImportPhase {
        /// Another import of the product and branch runs, or many others do.
        Waiting = "waiting",
        /// The report is read.
        Reading = "reading",
        /// Its findings are compared with what is known.
        Comparing = "comparing",
        /// What changed is written.
        Writing = "writing",
    }
}

type Phases = HashMap<UploadId, ImportPhase>;

/// The imports that run in this process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Phases>>);

/// A running import; it is known until this is dropped.
#[derive(Debug)]
pub struct RunningImport {
    progress: Progress,
    upload: UploadId,
}

impl Progress {
    /// An import begins: it waits.
    #[must_use]
    pub fn begin(&self, upload: UploadId) -> RunningImport {
        let running = RunningImport { progress: self.clone(), upload };
        running.reach(ImportPhase::Waiting);
        running
    }

    /// How far an import is; none when it does not run here.
    #[must_use]
    pub fn of(&self, upload: UploadId) -> Option<ImportPhase> {
        self.phases().get(&upload).copied()
    }

    fn phases(&self) -> MutexGuard<'_, Phases> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningImport {
    /// The import is so far.
    pub fn reach(&self, phase: ImportPhase) {
        self.progress.phases().insert(self.upload, phase);
    }
}

impl Drop for RunningImport {
    fn drop(&mut self) {
        self.progress.phases().remove(&self.upload);
    }
}
