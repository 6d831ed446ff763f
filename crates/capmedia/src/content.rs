//! Packages of distribution points: as input of media, and by themselves, listed, checked and fetched.

pub(crate) mod access;
pub(crate) mod cache_room;
pub(crate) mod check;
pub(crate) mod fetch;
pub(crate) mod guard;
mod kept;
pub(crate) mod list;
pub(crate) mod packages;
