//! Reads any ISO 9660 image with Joliet, UDF and El Torito, and lists its faults.
//!
//! This is a stranger to the writer: it knows the fixed records of the standards, but none of the
//! writer's layout, so it cannot share its mistakes. It reads the little-endian half of a number as
//! almost every reader does, and reports where the other half differs.
//!
//! Nothing an image says is believed: every length meets the image's own before it is used, a
//! directory is read once, memory stays in proportion to the bytes of the image's directories.
//!
//! Of UDF it reads what lies in one partition as it is: no virtual, sparable or metadata partitions,
//! which no image beside ISO 9660 has. Not looked at yet: Rock Ridge, and the enhanced descriptor of ISO 9660:1999.

mod boot;
mod compare;
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
mod udf_file;
mod udf_survey;
mod udf_tag;
mod udf_volume;
mod walk;

pub use boot::FoundBootEntry;
pub use descriptor::VolumeFacts;
pub use fault::{Fault, FaultKind};
pub use image::Image;
pub use medium::ReadError;
pub use udf_volume::UdfFacts;
pub use walk::{Entry, FileReader, Walk};
