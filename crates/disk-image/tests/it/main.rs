//! Disks of ours read by others, and booted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on panics, and tells how long a boot took"
)]

mod boot;
mod disc;
mod el_torito;
mod gpt;
mod image;
mod media;
mod qemu;
mod table;
mod uefi;
mod volume;
