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
#[cfg(unix)]
mod content_copies;
#[cfg(unix)]
mod content_guard;
#[cfg(unix)]
mod content_locations;
mod damage;
mod discs;
mod drivers;
#[cfg(target_os = "linux")]
mod drives;
mod guards;
mod hostile;
mod hybrids;
#[cfg(unix)]
mod joins;
mod launches;
#[cfg(unix)]
#[path = "../../../dp-content/tests/it/library_fixture.rs"]
mod library_fixture;
#[cfg(target_os = "linux")]
mod loops;
mod media_data;
mod places;
mod sameness;
mod sequences;
#[cfg(unix)]
mod sets;
mod starts;
mod sticks;
mod support;
mod tables;
mod trouble;
mod used_sticks;
