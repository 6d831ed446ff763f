//! Media from the first byte to the last.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod architectures;
mod bcd;
mod bcd_oracles;
mod boot_image_fixtures;
mod boot_images;
mod boot_index;
mod boot_managers;
mod certificates;
mod content;
mod damage;
mod discs;
mod drivers;
mod guards;
mod hostile;
mod hybrids;
#[cfg(unix)]
mod joins;
mod launches;
mod media_data;
mod places;
mod sameness;
mod sequences;
#[cfg(unix)]
mod sets;
mod starts;
mod sticks;
mod support;
mod trouble;
