//! Planned images, read back.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod boot;
mod build;
mod defects;
mod disks;
// The tools make discs of links, too.
#[cfg(unix)]
mod foreign;
mod formats;
mod hostile;
mod hybrid;
mod kernel;
mod layout;
mod limits;
mod linux;
mod matrix;
mod oracles;
mod oracles_forms;
mod refusals;
mod rock_ridge;
mod rock_ridge_defects;
#[cfg(unix)]
mod rock_ridge_oracles;
mod round_trip;
mod trees;
mod udf;
mod unseen;
