//! The command, run as people run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, in its helpers too, and tells how long a boot took"
)]

mod boots;
mod command;
mod interrupted;
mod memory;
#[path = "../../../capmedia/tests/it/places.rs"]
mod places;
#[path = "../../../disk-image/tests/it/qemu.rs"]
mod qemu;
mod readers;
mod sets;
// Names, devices and messages in it are those of Unix.
#[cfg(unix)]
mod trouble;
mod verbs;
mod winpe;
