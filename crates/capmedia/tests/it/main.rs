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
#[cfg(unix)]
mod boot_image_tests;
mod boot_images;
mod boot_index;
mod boot_managers;
mod certificates;
mod content;
mod content_copies;
#[cfg(unix)]
mod content_guard;
mod content_locations;
mod damage;
mod discs;
mod drivers;
#[cfg(target_os = "linux")]
mod drives;
mod embedding;
mod guards;
mod hostile;
mod hybrids;
mod joins;
mod launches;
#[path = "../../../dp-content/tests/it/library_fixture.rs"]
mod library_fixture;
#[cfg(target_os = "linux")]
mod loops;
mod maps;
mod media_data;
mod places;
mod progress;
mod sameness;
mod sequences;
mod sets;
mod starts;
mod sticks;
mod support;
mod tables;
mod trouble;
mod used_sticks;
