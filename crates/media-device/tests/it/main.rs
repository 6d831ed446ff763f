//! Tests of drives.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![cfg(target_os = "linux")]

mod guest_drives;
mod listing;
mod loops;
mod machine;
mod open_loops;
mod refusals;
