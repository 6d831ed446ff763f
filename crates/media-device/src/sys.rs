//! What differs between operating systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(any(target_os = "linux", windows)))]
mod other;
// Its logic is tested on any system.
#[cfg(any(windows, test))]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{DriveFile, drive, drive_and_partition, drives, names_drive, unmount};
#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) use other::{DriveFile, drive, drive_and_partition, drives, names_drive, unmount};
#[cfg(windows)]
pub(crate) use windows::machine::{
    DriveFile, drive, drive_and_partition, drives, holds, names_drive, unmount,
};
