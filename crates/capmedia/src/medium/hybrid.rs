//! A FAT volume in a disc that holds files of the disc, read back: the stick in an image that is both,
//! and what UEFI starts. It must be sound, and hold the very files of the disc.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use disk_image::PartitionKind;
use fat32_image::check as fat;

use crate::medium::faults::Faults;
use crate::medium::structure::Structure;
use crate::medium::{EFI, File, LONGEST_LISTING, Medium, MediumError, is_damage, take};

/// The files of a FAT volume in a disc.
pub(crate) struct Inner {
    /// What messages call it.
    name: &'static str,
    /// By path: length, and where in the image it begins; `None` for a file in several runs, and one
    /// whose chain is broken.
    files: HashMap<String, (u64, Option<u64>)>,
}

impl Inner {
    /// Lists the volume that begins at byte `start` of the image.
    pub(crate) fn read<R: Read + Seek>(
        name: &'static str,
        volume: &mut fat::Volume<R>,
        start: u64,
    ) -> Result<Self, MediumError> {
        let mut files = HashMap::new();
        let mut room = LONGEST_LISTING;
        for entry in volume.walk()?.iter().filter(|entry| !entry.is_folder()) {
            let path = entry.path();
            room = take(room, &path)?;
            let place = match volume.extents(entry) {
                Ok(runs) => match runs.as_slice() {
                    [run] => Some(start.saturating_add(run.start)),
                    _ => None,
                },
                // The check tells of it.
                Err(error) if is_damage(&error) => None,
                Err(error) => return Err(error.into()),
            };
            files.insert(path, (u64::from(entry.size()), place));
        }
        Ok(Self { name, files })
    }

    /// Where volume and disc do not hold the same; with `all`, each file of the disc must be in the
    /// volume. Content is not compared: it is there once.
    pub(crate) fn differences<R: Read + Seek>(
        &self,
        disc: &mut Medium<R>,
        files: &[File],
        all: bool,
    ) -> Result<Differences, MediumError> {
        let name = self.name;
        let mut differences = Differences::default();
        let faults = &mut differences.faults;
        let mut on_disc = HashSet::new();
        for file in files {
            let path = &file.path;
            on_disc.insert(&**path);
            let Some(&(size, place)) = self.files.get(path) else {
                if all {
                    faults.add(format!("{path}: on the disc, but not on {name}"));
                }
                continue;
            };
            if size != file.size {
                faults.add(format!("{path}: {} bytes on the disc, {size} on {name}", file.size));
            } else if size > 0 && place != disc.place(file)? {
                faults.add(format!("{path}: disc and {name} do not lead to the same bytes"));
            }
        }
        let more = self.files.keys().filter(|path| !on_disc.contains(path.as_str()));
        differences.more = more.cloned().collect();
        differences.more.sort_unstable();
        Ok(differences)
    }
}

/// Where a volume and the disc that it is in do not hold the same.
#[derive(Default)]
pub(crate) struct Differences {
    pub(crate) faults: Faults,
    /// Files that are on the volume alone.
    pub(crate) more: Vec<String>,
}

/// What the image is as a stick.
pub(crate) struct Stick {
    pub(crate) structure: Structure,
    /// What stands where our boot code does.
    pub(crate) boot_code: Vec<u8>,
    /// First byte of the volume.
    pub(crate) start: u64,
    pub(crate) files: Inner,
}

impl Stick {
    /// Reads the image as a stick; `None` where it has no partition table with a FAT32 volume, as
    /// most discs have none.
    pub(crate) fn read<R: Read + Seek>(image: &mut R) -> Result<Option<Self>, MediumError> {
        let mut medium = match Medium::open_disk(image) {
            Ok(medium) => medium,
            Err(MediumError::Io(error)) => return Err(MediumError::Io(error)),
            Err(_) => return Ok(None),
        };
        // What others make of a disc, with a GPT or for UEFI alone, is no stick of ours.
        let ours = |kind| matches!(kind, PartitionKind::Mbr(kind) if kind != EFI);
        if !matches!(&medium, Medium::Disk { partition, .. } if ours(partition.kind())) {
            return Ok(None);
        }
        let structure = medium.structure()?;
        let Medium::Disk { partition, volume, boot_code, .. } = &mut medium else {
            return Ok(None);
        };
        let start = partition.range().start;
        let files = Inner::read("the stick", volume, start)?;
        Ok(Some(Self { structure, boot_code: std::mem::take(boot_code), start, files }))
    }
}
