//! Integration tests of `wim-image`. Those that need an outside tool are ignored by default.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking; clippy knows only functions marked as tests"
)]

mod damage;
mod fixtures;
mod oracles;
mod ranges;
mod refused;
mod round_trip;
mod split;
mod split_oracles;
mod support;
