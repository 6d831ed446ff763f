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
//! Works on Linux, from what the kernel says in /sys and /proc, without udev; and on Windows, see
//! below. Other systems answer `Unsupported`.
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
//!
//! # Windows
//!
//! Drives are `\\.\PhysicalDrive0` and so on; `E:` names the drive that the volume `E:` is on, and `E:\`
//! is a folder. They are listed without special rights. Writing takes those of an administrator,
//! which [`Drive::refusals`] tells at once. What is mounted (has a letter or a folder) is locked and
//! dismounted by [`System::unmount`] and stays locked until the drive is closed; what is not mounted
//! is locked when the drive is opened. The drives of the system are those with the Windows folder, the
//! folders of programs and users, the system partition and page files.
//! [`Drive::disk_sequence`] is made of the time at which the drive was put in.
//!
//! This was never run on real Windows. All but the calls themselves is tested on Linux over a fake,
//! and listing also under Wine. Not seen by anybody yet:
//!
//! - that Plug and Play has a new time of arrival each time a stick is put in, and that another card
//!   in a reader counts as a change of the medium;
//! - locking, dismounting, and writes below locked volumes;
//! - that Windows mounts the new volume once the drive is closed;
//! - serial numbers of USB drives, taken from their instance ids, which might be in capitals;
//! - trim, which is asked of drives that say that they know it;
//! - drives of storage pools and of dynamic disks, which are known by the types of their partitions,
//!   and volumes on several drives: all are in use, and nothing permits writing them;
//! - what drivers answer that do not tell the drives of a volume: where its device has no number
//!   either, no drive is written that has a partition without a known volume, or no volume
//!   ([`Refusal::LostVolumes`]), and none at all where that volume is the system partition or has a
//!   page file;
//! - a Windows that was started from a VHD file: the drive that holds the file is known only by its
//!   system partition and page file.

#[cfg(any(target_os = "linux", windows))]
mod aligned;
mod drive;
mod error;
#[cfg(target_os = "linux")]
mod file_system;
mod locks;
mod open;
mod refusal;
mod shown;
mod storage;
mod sys;
mod system;
#[cfg(any(target_os = "linux", windows))]
mod text;

pub use drive::{
    Bus, Drive, FileSystem, Holder, HolderKind, Identity, Mount, Partition, SystemUse,
};
pub use error::{ListError, OpenError, PathError, UnmountError};
pub use open::OpenDrive;
pub use refusal::{Permissions, Refusal};
pub use shown::shown;
pub use system::{System, names_drive};
