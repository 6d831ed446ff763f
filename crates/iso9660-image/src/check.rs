//! Reads any ISO 9660 image with Joliet, Rock Ridge, UDF and El Torito, and lists its faults.
//!
//! This is a stranger to the writer: it knows the fixed records of the standards, but none of the
//! writer's layout, so it cannot share its mistakes. It reads the little-endian half of a number as
//! almost every reader does, and reports where the other half differs.
//!
//! Nothing an image says is believed: every length meets the image's own before it is used, a
//! directory is read once, memory stays in proportion to the bytes of the
//! image's directories (see [`Image::check`] for numbers), faults are kept up to ten thousand, paths
//! followed up to 16 KiB: what lies deeper is a fault, and in a [`Walk`] an error in its place.
//!
//! A disc may be a disk too. Partition tables in the system area are held against their sums and the
//! length of the image; a UEFI boot entry may lead to a partition behind the volume, and to a FAT
//! volume that holds files of the trees. No other overlap goes unseen.
//!
//! Of UDF it reads what lies in one partition as it is: no virtual, sparable or metadata partitions,
//! which no image beside ISO 9660 has. Of Rock Ridge it reads names, times, modes and relocated
//! folders; symbolic links and devices are files without content. Not looked at yet: the enhanced
//! descriptor of ISO 9660:1999.

mod boot;
mod boot_image;
mod compare;
mod date;
mod descriptor;
mod extents;
mod fault;
mod gpt;
mod image;
mod listing;
mod medium;
mod name;
mod path_table;
mod record;
mod rock_ridge;
mod rock_survey;
mod survey;
mod susp;
mod system_area;
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
