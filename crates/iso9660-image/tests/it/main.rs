//! Planned images, read back.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod build;
mod defects;
mod hostile;
mod layout;
mod oracles;
mod refusals;
mod round_trip;
mod udf;
