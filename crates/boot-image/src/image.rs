//! The boot image itself: which image of the WIM boots, and for which computers.

use std::path::Path;
use std::sync::Arc;

use extent_image::ReadAt;
use wim_image::{Architecture, Image, ImageInfo, Wim, pe};

use crate::error::BootImageError;
use crate::folder::Folder;
use crate::lookup::{self, BootFiles, Found};
use crate::places::BootFile;

/// An open boot image.
pub struct BootImage {
    wim: Wim,
    index: u32,
    image: Image,
}

impl BootImage {
    /// Opens the WIM and reads the files and folders of the image that boots.
    ///
    /// # Errors
    /// It is not a usable WIM, no image is marked bootable, or that image is damaged.
    pub fn open(bytes: Arc<dyn ReadAt>) -> Result<Self, BootImageError> {
        let name = bytes.describe();
        let opened = Wim::open(bytes);
        let wim = opened.map_err(|source| BootImageError::Open { name: name.clone(), source })?;
        let Some(index) = wim.boot_index() else {
            return Err(BootImageError::NoBootIndex { name, images: wim.image_count() });
        };
        Self::with_index(wim, index)
    }

    /// Takes another image of a WIM than the one that boots, to look at it.
    ///
    /// # Errors
    /// That image does not exist or is damaged.
    pub fn with_index(wim: Wim, index: u32) -> Result<Self, BootImageError> {
        let image = wim.image(index);
        let image = image.map_err(|source| BootImageError::Image {
            name: wim.describe(),
            index,
            source,
        })?;
        Ok(Self { wim, index, image })
    }

    /// The WIM.
    pub fn wim(&self) -> &Wim {
        &self.wim
    }

    /// Which image of the WIM this is, from 1.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its files and folders.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// What the WIM's XML says of it.
    pub fn info(&self) -> Option<&ImageInfo> {
        self.wim.info(self.index)
    }

    /// What error messages call the WIM.
    pub fn name(&self) -> String {
        self.wim.describe()
    }

    /// The architecture, by the WIM's XML and by the PE header of the boot manager. Where both tell,
    /// they must agree.
    ///
    /// # Errors
    /// They disagree, neither tells, the boot manager is not a program, or there is no media for
    /// such computers.
    pub fn architecture(&self, boot_files: Option<&Path>) -> Result<Architecture, BootImageError> {
        let folder = boot_files.map(Folder::new);
        let xml = self.info().and_then(ImageInfo::architecture);
        let manager = lookup::efi_boot_manager(self, xml, folder.as_ref())?;
        let name = self.name();
        let found = match (xml, manager) {
            (xml, Ok(manager)) => {
                let pe = pe_architecture(&manager)?;
                agree(&name, xml.unwrap_or(pe), &manager, pe)?;
                pe
            }
            (Some(xml), Err(_)) => xml,
            (None, Err(missing)) => {
                return Err(BootImageError::NoArchitecture { name, searched: missing.searched });
            }
        };
        match found {
            Architecture::Amd64 | Architecture::X86 | Architecture::Arm64 => Ok(found),
            found => Err(BootImageError::Unsupported { name, found }),
        }
    }

    /// Searches for every boot file that media for `architecture` can have: first in the folder
    /// `boot_files`, then in this image.
    ///
    /// # Errors
    /// The folder, or a file that is there, cannot be read, or the boot manager found is not for
    /// `architecture`. A file that is nowhere is no error here.
    pub fn boot_files(
        &self,
        architecture: Architecture,
        boot_files: Option<&Path>,
    ) -> Result<BootFiles, BootImageError> {
        if let Some(path) = boot_files
            && !path.is_dir()
        {
            let source = std::io::Error::new(std::io::ErrorKind::NotADirectory, "not a folder");
            return Err(BootImageError::Folder { path: path.display().to_string(), source });
        }
        let folder = boot_files.map(Folder::new);
        let files = lookup::boot_files(self, architecture, folder.as_ref())?;
        for manager in files.found.iter().filter(|f| f.file == BootFile::EfiBootManager) {
            agree(&self.name(), architecture, manager, pe_architecture(manager)?)?;
        }
        Ok(files)
    }

    /// What error messages call a path in this image.
    pub(crate) fn name_of(&self, path: &str) -> String {
        format!(r"{}:\{path}", self.name())
    }
}

fn agree(
    name: &str,
    expected: Architecture,
    manager: &Found,
    pe: Architecture,
) -> Result<(), BootImageError> {
    if expected == pe {
        return Ok(());
    }
    let (name, path) = (name.to_owned(), manager.source.describe());
    Err(BootImageError::Disagree { name, expected, path, pe })
}

fn pe_architecture(manager: &Found) -> Result<Architecture, BootImageError> {
    let path = manager.source.describe();
    let len = usize::try_from(manager.source.len()).unwrap_or(usize::MAX).min(pe::HEAD);
    let mut head = vec![0; len];
    let read = ReadAt::read_exact_at(&*manager.source, &mut head, 0);
    read.map_err(|source| BootImageError::Folder { path: path.clone(), source })?;
    pe::machine(&head).map_err(|source| BootImageError::NotAProgram { path, source })
}
