//! Removable drives: listed, guarded, opened, written and read back.
//!
//! ```text
//! System::drives ──► Drive ──refusals──► System::unmount ──► OpenDrive::open ──► write, read back
//! ```
//!
//! A [`Drive`] is what the system said of a drive at one moment. [`Drive::refusals`] tells, by name
//! and reason, why it is not to be written; [`OpenDrive::open`] takes it for this process alone and
//! makes sure that it is still the same drive. Names such as `/dev/sdb` go to the next stick that
//! is put in, which is why nothing is known of a drive by its name alone.
//!
//! Works on Linux, from what the kernel says in /sys and /proc, without udev. Other systems answer
//! `Unsupported`.
//!
//! ```no_run
//! use media_device::{OpenDrive, Permissions, System};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let system = System::new();
//! let drive = system.drive("/dev/sdb".as_ref())?;
//! let refusals = drive.refusals(&Permissions { unmount: true, ..Permissions::default() });
//! if let Some(refusal) = refusals.into_iter().next() {
//!     return Err(refusal.into());
//! }
//! system.unmount(&drive)?;
//! let open = OpenDrive::open(&drive)?;
//! open.write_at(0, &vec![0; 1 << 20])?;
//! open.flush()?;
//! # Ok(())
//! # }
//! ```

#[cfg(target_os = "linux")]
mod aligned;
mod drive;
mod error;
#[cfg(target_os = "linux")]
mod file_system;
mod open;
mod refusal;
mod shown;
mod sys;
mod system;
#[cfg(target_os = "linux")]
mod text;

pub use drive::{
    Bus, Drive, FileSystem, Holder, HolderKind, Identity, Mount, Partition, SystemUse,
};
pub use error::{ListError, OpenError, PathError, UnmountError};
pub use open::OpenDrive;
pub use refusal::{Permissions, Refusal};
pub use shown::shown;
pub use system::System;
