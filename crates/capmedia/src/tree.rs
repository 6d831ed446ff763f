//! The media tree: which files the media holds, what is in those that we make, and where each stands.

pub(crate) mod compose;
pub(crate) mod large;
pub(crate) mod layout;
pub(crate) mod manifest;
pub(crate) mod media_data;
pub(crate) mod media_data_error;
pub(crate) mod runtime;
pub(crate) mod sequence;
pub(crate) mod subset;
mod template;
mod unconfirmed;
