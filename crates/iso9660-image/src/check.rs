//! Reads any ISO 9660 image with Joliet and El Torito, and lists its faults.
//!
//! This is a stranger to the writer: it knows the fixed records of the standards, but none of the
//! writer's layout, so it cannot share its mistakes. It reads the little-endian half of a number as
//! almost every reader does, and reports where the other half differs.
//!
//! Nothing an image says is believed: every length meets the image's own before it is used, a
//! directory is read once, memory stays in proportion to the bytes of the image's directories.
//!
//! Not looked at yet: UDF, Rock Ridge, and the enhanced descriptor of ISO 9660:1999.

mod boot;
mod date;
mod descriptor;
mod extents;
mod fault;
mod image;
mod medium;
mod name;
mod path_table;
mod record;
mod survey;
mod walk;

pub use boot::FoundBootEntry;
pub use descriptor::VolumeFacts;
pub use fault::{Fault, FaultKind};
pub use image::Image;
pub use medium::ReadError;
pub use walk::{Entry, FileReader, Walk};
