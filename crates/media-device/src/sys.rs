//! What differs between operating systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::{DriveFile, drive, drives, unmount};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{DriveFile, drive, drives, unmount};
