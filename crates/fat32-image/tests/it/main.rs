//! Plans of whole volumes, read back by our checker, by `fatfs`, and by outside tools.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test helper that cannot go on fails the test"
)]

mod fat16;
mod faults;
mod faults_16;
mod foreign;
mod image;
mod large;
mod layout;
mod matrix;
mod mkfat;
mod model;
mod oracles;
mod round_trip;
mod update;
