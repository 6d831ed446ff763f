//! What a request says of a stick, and of the places it goes to.

use std::path::PathBuf;

use crate::capacity::ImageSize;
use crate::check::{Problems, lexical};
use crate::problem::ProblemKind;
use crate::request::CaptureMediaRequest;
use crate::target::{MediaType, Output, PartitionTable, SectorSize};

/// The smallest USB image anything fits into, in bytes.
///
/// FAT32 has at least 65,525 clusters; we keep 16 away from that border: 65,541 (fat-format, section
/// 3). With the smallest cluster, one sector of 512 bytes:
///
/// ```text
/// sectors of one FAT   (65,541 + 2) entries x 4 bytes / 512, rounded up     513
/// sectors of volume    32 reserved + 2 x 513 + 65,541                    66,599
/// sectors of image     2,048 before the partition + 66,599               68,647
/// ```
const SMALLEST_USB_IMAGE: u64 = 68_647 * 512;

/// The same with sectors of 4096 bytes and clusters of one: 256 sectors before the partition, 32
/// reserved, 2 x 65 of the FATs, 65,541.
const SMALLEST_4KN_IMAGE: u64 = 65_959 * 4096;

/// The largest USB image, in sectors: sector numbers of an MBR, and the sector count of FAT32, have 32
/// bits.
const MOST_SECTORS: u64 = 1 << 32;

impl CaptureMediaRequest {
    /// The places that can be read, no two of them the same.
    pub(crate) fn outputs(&self, problems: &mut Problems) -> Vec<Output> {
        if self.path.is_empty() {
            let remedy =
                "give the image file to make, the drive to write, or - for standard output";
            problems.missing("path", remedy.to_owned());
        }
        let read = |path: &PathBuf| match self.no_format {
            true => Output::in_place(path),
            false => Output::new(path),
        };
        let mut outputs = Vec::new();
        let several = self.path.len() > 1;
        for (item, path) in self.path.iter().enumerate() {
            problems.item = several.then_some(item);
            match read(path) {
                Ok(output) => {
                    let same = |other: &&PathBuf| lexical(other) == lexical(path);
                    let before = self.path.get(..item).unwrap_or_default();
                    if before.iter().find(same).is_some() {
                        let what = format!("{} is given more than once", path.display());
                        let remedy = "give each drive once";
                        problems.push("path", ProblemKind::Conflict, what, remedy);
                    }
                    outputs.push(output);
                }
                Err(error) => problems.refused("path", &error),
            }
        }
        problems.item = None;
        outputs
    }

    /// What is for sticks, and for some of them, alone.
    pub(crate) fn check_stick(
        &self,
        media_type: Option<MediaType>,
        outputs: &[Output],
        problems: &mut Problems,
    ) {
        let is_usb = media_type.is_none_or(|media_type| media_type == MediaType::Usb);
        if outputs.len() > 1 {
            if !is_usb {
                let what = "several paths are for --media-type usb, and name drives";
                let remedy = "give one; a set of discs gets its names from it";
                problems.push("path", ProblemKind::NotApplicable, what, remedy);
            } else if outputs.iter().any(Output::is_stdout) {
                let what = "standard output cannot be one of several drives";
                problems.push("path", ProblemKind::Conflict, what, "give - alone");
            }
            if self.checksum {
                let what =
                    "a checksum file stands beside an image file, and several paths are drives";
                let remedy = "leave it out; drives are read back";
                problems.push("checksum", ProblemKind::NotApplicable, what, remedy);
            }
        }
        let rows = [
            ("partition-table", self.partition_table.is_some()),
            ("gpt-type", self.gpt_type.is_some()),
            ("sector-size", self.sector_size.is_some()),
            ("no-format", self.no_format),
            ("no-verify", self.no_verify),
        ];
        for (option, given) in rows {
            if given && !is_usb {
                let what = "it is for --media-type usb";
                problems.push(option, ProblemKind::NotApplicable, what, "leave it out");
            }
        }
        let gpt = match self.partition_table.as_deref() {
            None => self.sector_size.as_deref() == Some("4096"),
            table => table == Some("gpt"),
        };
        if self.gpt_type.is_some() && !gpt && !self.no_format {
            let what = "there is no GUID partition table whose partition could have a type";
            let remedy = "leave it out, or add --partition-table gpt";
            problems.push("gpt-type", ProblemKind::NotApplicable, what, remedy);
        }
        if !self.no_format {
            return;
        }
        if outputs.len() > 1 {
            let what = "with --no-format one stick is brought up to date at a time";
            let remedy = "give one path, and run it once for each stick";
            problems.push("path", ProblemKind::Conflict, what, remedy);
        }
        let rows = [
            ("image-size", self.image_size.is_some()),
            ("partition-table", self.partition_table.is_some()),
            ("gpt-type", self.gpt_type.is_some()),
            ("sector-size", self.sector_size.is_some()),
            ("checksum", self.checksum),
        ];
        for (option, given) in rows {
            if given {
                let what = "with --no-format the stick stays as it is divided and formatted";
                let remedy = "leave it or --no-format out";
                problems.push(option, ProblemKind::Conflict, what, remedy);
            }
        }
    }
}

impl Problems {
    pub(crate) fn usb_image_size(
        &mut self,
        size: ImageSize,
        sector: SectorSize,
        table: PartitionTable,
    ) {
        let bytes = size.bytes();
        let (smallest, clusters) = match sector {
            SectorSize::B512 => (SMALLEST_USB_IMAGE, "34MiB or more (about 261MiB or more for"),
            SectorSize::B4096 => (SMALLEST_4KN_IMAGE, "259MiB or more (it is for"),
        };
        // Where the volume is counted in sectors of 32 bits, and where the partition is too.
        let largest = MOST_SECTORS * u64::from(sector.bytes());
        let largest = match table {
            PartitionTable::Gpt => largest.saturating_add(2 << 20),
            _ => largest,
        };
        if bytes < smallest {
            let what = format!(
                "{size} is {bytes} bytes, and the smallest FAT32 volume needs an image of {smallest}"
            );
            let remedy = format!(
                "give {clusters} clusters of 4 KiB), or leave it out for the smallest image that \
                 holds the content"
            );
            self.push("image-size", ProblemKind::OutOfRange, what, remedy);
        } else if bytes > largest {
            let what = format!(
                "{size} is {bytes} bytes, and a FAT32 volume and its partition end at {largest} at \
                 the latest"
            );
            let remedy = match sector {
                SectorSize::B512 => "give 2048GiB or less",
                SectorSize::B4096 => "give 16384GiB or less",
            };
            self.push("image-size", ProblemKind::OutOfRange, what, remedy);
        }
    }
}
