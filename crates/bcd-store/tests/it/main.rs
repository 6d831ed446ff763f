//! Hives and stores: written, read back, damaged, and judged by other people's readers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test helper that cannot go on fails the test"
)]

mod damage;
mod hostile;
mod oracles;

mod round_trip;
mod stores;
mod support;
mod written;
