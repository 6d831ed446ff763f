//! The command, run as people run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, in its helpers too, and tells how long a boot took"
)]

#[cfg(target_os = "linux")]
mod bars;
mod bcd;
#[path = "../../../capmedia/tests/it/boot_image_fixtures.rs"]
mod boot_image_fixtures;
mod boot_images;
mod boot_managers;
mod boots;
mod command;
mod content_secrets;
mod content_verbs;
mod distribution_points;
mod drivers;
mod drives;
#[cfg(target_os = "linux")]
mod drives_in_guests;
#[cfg(target_os = "linux")]
mod drives_on_loops;
mod events;
#[path = "../../../dp-content/tests/it/fake_dp.rs"]
mod fake_dp;
mod fixtures;
mod generations;
#[path = "../../../iso9660-image/tests/it/guest.rs"]
mod guest;
#[cfg(target_os = "linux")]
mod guide;
mod interrupted;
#[cfg(target_os = "linux")]
mod large_sticks;
#[path = "../../../dp-content/tests/it/library_fixture.rs"]
mod library_fixture;
mod logs;
#[cfg(target_os = "linux")]
#[path = "../../../media-device/tests/it/loops.rs"]
mod loops;
mod maps;
mod memory;
#[cfg(windows)]
mod on_windows;
mod other_machines;
#[path = "../../../dp-content/tests/it/peers.rs"]
mod peers;
#[path = "../../../capmedia/tests/it/places.rs"]
mod places;
#[cfg(target_os = "linux")]
mod pty;
#[path = "../../../disk-image/tests/it/qemu.rs"]
mod qemu;
mod readers;
mod refresh;
#[cfg(target_os = "linux")]
mod refresh_killed;
#[cfg(target_os = "linux")]
mod refresh_on_loops;
mod requests;
mod secrets;
mod secure_boot;
mod sets;
mod shells;
// Names, devices and messages in it are those of Unix.
#[cfg(unix)]
mod slips;
mod stick_tools;
#[cfg(target_os = "linux")]
mod terminal;
mod trouble;
mod trust;
mod verbs;
#[cfg(target_os = "linux")]
mod walks;
mod winpe;
#[cfg(target_os = "linux")]
mod wizard;
#[cfg(target_os = "linux")]
mod wizard_ends;
#[cfg(target_os = "linux")]
mod wizard_keys;
#[cfg(target_os = "linux")]
mod wizard_on_loops;
