//! The boot image itself: which image of the WIM boots, and for which computers.

use std::path::Path;
use std::sync::Arc;

use extent_image::{ReadAt, Source};
use wim_image::{Architecture, Image, ImageInfo, Wim, pe};

use crate::error::BootImageError;
use crate::folder::Folder;
use crate::lookup::{self, BootFileSearch, BootFiles, Found};
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
        let wim = open_wim(bytes)?;
        let Some(index) = wim.boot_index() else {
            let (name, images) = (wim.describe(), wim.image_count());
            return Err(BootImageError::NoBootIndex { name, images });
        };
        Self::with_index(wim, index)
    }

    /// Opens the WIM and reads the files and folders of image `index`, from 1, whichever image the
    /// WIM says boots.
    ///
    /// # Errors
    /// It is not a usable WIM, has no such image, or that image is damaged.
    pub fn open_index(bytes: Arc<dyn ReadAt>, index: u32) -> Result<Self, BootImageError> {
        Self::with_index(open_wim(bytes)?, index)
    }

    /// Takes an image of a WIM, whichever of them boots.
    ///
    /// # Errors
    /// That image does not exist or is damaged.
    pub fn with_index(wim: Wim, index: u32) -> Result<Self, BootImageError> {
        let images = wim.image_count();
        if !(1..=images).contains(&index) {
            return Err(BootImageError::NoSuchImage { name: wim.describe(), index, images });
        }
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

    /// The architecture, by the WIM's XML and by the PE header of the first boot manager that can be
    /// read. Where both tell, they must agree.
    ///
    /// # Errors
    /// They disagree, neither tells, no boot manager that is there is a program, or there is no media
    /// for such computers.
    pub fn architecture(&self, boot_files: Option<&Path>) -> Result<Architecture, BootImageError> {
        let folder = boot_files.map(Folder::new);
        let xml = self.info().and_then(ImageInfo::architecture);
        let manager = lookup::efi_boot_manager(self, xml, folder.as_ref())?;
        let name = self.name();
        let found = match (xml, manager) {
            (xml, Ok((manager, pe))) => {
                agree(&name, xml.unwrap_or(pe), &manager, pe)?;
                pe
            }
            (Some(xml), Err(_)) => xml,
            (None, Err(missing)) => {
                let tells = |index: &u32| {
                    self.wim.info(*index).is_some_and(|info| info.architecture().is_some())
                };
                let others = (1..=self.wim.image_count()).filter(tells).collect();
                let (index, searched) = (self.index, missing.searched);
                return Err(BootImageError::NoArchitecture { name, index, others, searched });
            }
        };
        match found {
            Architecture::Amd64 | Architecture::X86 | Architecture::Arm64 => Ok(found),
            found => Err(BootImageError::Unsupported { name, found }),
        }
    }

    /// Searches for every boot file of the classic set that media for `architecture` can have: first
    /// in the folder `boot_files`, then in this image.
    ///
    /// # Errors
    /// As of [`search`](Self::search).
    pub fn boot_files(
        &self,
        architecture: Architecture,
        boot_files: Option<&Path>,
    ) -> Result<BootFiles, BootImageError> {
        self.search(&BootFileSearch::new(architecture).with_folder(boot_files))
    }

    /// Searches for boot files.
    ///
    /// # Errors
    /// The folder, or a file that is there, cannot be read, or the boot manager found is not for the
    /// architecture. A file that is nowhere is no error here.
    pub fn search(&self, search: &BootFileSearch<'_>) -> Result<BootFiles, BootImageError> {
        if let Some(path) = search.folder
            && !path.is_dir()
        {
            let source = std::io::Error::new(std::io::ErrorKind::NotADirectory, "not a folder");
            return Err(BootImageError::Folder { path: path.display().to_string(), source });
        }
        let files = lookup::boot_files(self, search, Err)?;
        // With a second architecture only what is right was taken.
        let managers = files.found.iter().filter(|f| f.file == BootFile::EfiBootManager);
        for manager in managers.filter(|_| search.loader_for.is_none()) {
            agree(&self.name(), search.architecture, manager, pe_architecture(&*manager.source)?)?;
        }
        Ok(files)
    }

    /// The boot image's own list of revoked signatures, `boot.stl`: of the `_EX` set where that has
    /// one, else of the classic.
    ///
    /// # Errors
    /// It is there and has no usable data.
    pub fn boot_stl(&self) -> Result<Option<Found>, BootImageError> {
        lookup::boot_stl(self)
    }

    /// What error messages call a path in this image.
    pub(crate) fn name_of(&self, path: &str) -> String {
        format!(r"{}:\{path}", self.name())
    }
}

fn open_wim(bytes: Arc<dyn ReadAt>) -> Result<Wim, BootImageError> {
    let name = bytes.describe();
    Wim::open(bytes).map_err(|source| BootImageError::Open { name, source })
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

pub(crate) fn pe_architecture(manager: &dyn Source) -> Result<Architecture, BootImageError> {
    let path = manager.describe();
    let len = usize::try_from(manager.len()).unwrap_or(usize::MAX).min(pe::HEAD);
    let mut head = vec![0; len];
    let read = ReadAt::read_exact_at(manager, &mut head, 0);
    read.map_err(|source| BootImageError::Folder { path: path.clone(), source })?;
    pe::machine(&head).map_err(|source| BootImageError::NotAProgram { path, source })
}
