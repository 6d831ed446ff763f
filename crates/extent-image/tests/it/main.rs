//! Every sink gets the same bytes, and nothing but the planned bytes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod drives;
mod drives_heads;
mod drives_random;
mod drives_trouble;
#[cfg(target_os = "linux")]
mod memory;
mod scripted;
mod sharing;
mod sinks;
mod trouble;
