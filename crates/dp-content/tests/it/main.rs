//! Content libraries, whole and broken, read as a distribution point would show them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod any_faults;
mod broken;
mod caching;
mod doubles;
mod expanded;
mod fake_dp;
mod fake_dp_answers;
mod fake_tls;
mod fixture;
mod flow;
mod folders;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod http_login;
#[cfg(feature = "http")]
mod http_peers;
mod http_trouble;
mod libraries;
mod library_fixture;
// As Linux counts it.
#[cfg(target_os = "linux")]
mod memory;
mod names;
mod peers;
mod preflight;
mod relay;
mod scripted;
#[cfg(feature = "smb")]
mod smb;
mod steady;
mod web;
#[cfg(feature = "http")]
mod whole;
