//! Looking at a boot image without demanding anything of it: a part that is damaged is told beside the
//! others, where making media stops at it.

use wim_image::{Architecture, FileInWim};

use crate::error::BootImageError;
use crate::ex_set::{BootSet, ex_place};
use crate::image::{self, BootImage};
use crate::lookup::{self, BootFileSearch, BootFiles};
use crate::places::{BootFile, PLACES};

/// The boot files of a boot image that may be damaged.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Survey {
    /// Files that are there and files that are not.
    pub files: BootFiles,
    /// Why files that are there cannot be used; they are in neither list.
    pub unusable: Vec<BootImageError>,
}

/// A boot manager for UEFI in a boot image.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BootManager {
    /// The one that firmware starts ([`BootFile::EfiBootManager`]) or the one that older loaders chain
    /// to ([`BootFile::BootmgrEfi`]).
    pub file: BootFile,
    /// The set that it is of.
    pub set: BootSet,
    bytes: FileInWim,
}

impl BootManager {
    /// Its path in the image, as `\Windows\Boot\EFI\bootmgfw.efi`.
    pub fn path(&self) -> &str {
        self.bytes.path()
    }

    /// Its bytes.
    pub fn source(&self) -> &FileInWim {
        &self.bytes
    }

    /// The architecture by its PE header.
    ///
    /// # Errors
    /// It cannot be read or is no program.
    pub fn architecture(&self) -> Result<Architecture, BootImageError> {
        image::pe_architecture(&self.bytes)
    }
}

impl BootImage {
    /// Searches for boot files as [`search`](Self::search) does, but goes on when a file cannot be
    /// used, and does not ask what the boot managers were made for.
    pub fn survey(&self, search: &BootFileSearch<'_>) -> Survey {
        let mut unusable = Vec::new();
        let failed = |error| {
            unusable.push(error);
            Ok(())
        };
        let files = lookup::boot_files(self, search, failed).unwrap_or_default();
        Survey { files, unusable }
    }

    /// The boot managers for UEFI that this image holds: of the classic set, then of the other; in
    /// each first the one that firmware starts.
    pub fn boot_managers(&self) -> Vec<Result<BootManager, BootImageError>> {
        let mut managers = Vec::new();
        for set in [BootSet::Classic, BootSet::Ex] {
            for file in [BootFile::EfiBootManager, BootFile::BootmgrEfi] {
                let paths = match set {
                    BootSet::Classic => {
                        PLACES.iter().find(|row| row.file == file).map(|row| row.image)
                    }
                    BootSet::Ex => ex_place(file).map(|row| row.image),
                };
                let entries =
                    paths.into_iter().flatten().filter_map(|path| self.image().lookup(path));
                managers.extend(entries.filter(|entry| !entry.is_folder()).map(|entry| {
                    let bytes = self.wim().file(entry);
                    let failed = |source| BootImageError::File { name: self.name(), source };
                    Ok(BootManager { file, set, bytes: bytes.map_err(failed)? })
                }));
            }
        }
        managers
    }
}
