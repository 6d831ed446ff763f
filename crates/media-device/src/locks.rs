//! Volumes that stay locked from unmounting a drive until it was written.
//!
//! Linux has no need of that: what was unmounted stays so until somebody mounts it. Windows mounts a
//! volume whenever somebody looks at it, as long as nobody has it locked.

#![cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows alone needs it"))]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A volume that is locked as long as this lives.
pub(crate) struct Lock {
    /// What opens the volume.
    pub(crate) volume: String,
    /// Ends the lock when it is dropped.
    pub(crate) _handle: Box<dyn Send + Sync>,
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lock").field(&self.volume).finish()
    }
}

/// The locked volumes of a drive: unmounting puts them here, opening takes them. Copies of what is
/// known of the drive share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locks(Arc<Mutex<Vec<Lock>>>);

impl Locks {
    pub(crate) fn take(&self) -> Vec<Lock> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn has(&self, volume: &str) -> bool {
        let locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.iter().any(|lock| lock.volume == volume)
    }

    pub(crate) fn put(&self, locks: Vec<Lock>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(locks);
    }
}

/// They are none of what a drive is.
impl PartialEq for Locks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Locks {}
