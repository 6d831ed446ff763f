//! Media from the first byte to the last.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod content;
mod damage;
mod discs;
mod guards;
mod hostile;
mod hybrids;
#[cfg(unix)]
mod joins;
mod places;
mod sameness;
#[cfg(unix)]
mod sets;
mod starts;
mod sticks;
mod support;
mod trouble;
