//! What a request names that media is made of: files of this machine, or of packages that
//! distribution points hold. From here on nothing asks which it is.

use std::path::Path;
use std::sync::Arc;

use dp_content::{FoundPackage, Package};
use extent_image::{Attributes, Data, FileSource, OpenFile, ReadAt, Source, Timestamp};
use media_model::MediaPath;

use crate::plan::resolve::{ResolveError, device_name};
use crate::report::Warning;
use crate::tree::compose::Added;

/// The boot image, and what else is not found by its path.
pub(crate) struct Inputs {
    pub(crate) boot_image: BootImageFile,
    pub(crate) packages: Vec<PackageOnMedia>,
    pub(crate) warnings: Vec<Warning>,
}

impl Inputs {
    /// The boot image is a file of this machine and there are no packages.
    pub(crate) fn local(boot_image: &Path) -> Result<Self, ResolveError> {
        let boot_image = BootImageFile::local(boot_image)?;
        Ok(Self { boot_image, packages: Vec::new(), warnings: Vec::new() })
    }
}

/// The boot image.
pub(crate) struct BootImageFile {
    pub(crate) source: Arc<dyn Source>,
    /// The same bytes, for readers that jump.
    pub(crate) bytes: Arc<dyn ReadAt>,
    pub(crate) modified: Timestamp,
}

impl BootImageFile {
    /// A file of this machine, which is kept open while it is looked at.
    pub(crate) fn local(path: &Path) -> Result<Self, ResolveError> {
        let in_open = |source| ResolveError::Open { path: path.to_path_buf(), source };
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        Ok(Self {
            modified: Timestamp::from_system_time(modified.map_err(in_open)?),
            source: Arc::new(FileSource::new(path).map_err(in_open)?),
            bytes: Arc::new(OpenFile::open(path).map_err(in_open)?),
        })
    }
}

/// A package whose files go onto the media.
pub(crate) struct PackageOnMedia {
    pub(crate) package: FoundPackage,
    /// The folder that they go to.
    pub(crate) media: MediaPath,
}

/// `FILE_ATTRIBUTE_*` of Windows (MS-FSCC, section 2.6).
mod attribute {
    pub(super) const READ_ONLY: u32 = 0x1;
    pub(super) const HIDDEN: u32 = 0x2;
    pub(super) const SYSTEM: u32 = 0x4;
}

/// The attributes that media keep.
fn attributes(of_windows: u32) -> Attributes {
    let has = |attribute| of_windows & attribute != 0;
    Attributes {
        read_only: has(attribute::READ_ONLY),
        hidden: has(attribute::HIDDEN),
        system: has(attribute::SYSTEM),
    }
}

impl PackageOnMedia {
    /// Adds the folders and files of the package, folders without files too.
    pub(crate) fn add(
        &self,
        group: usize,
        added: &mut Vec<Added>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), ResolveError> {
        let Package { content_id, folders, .. } = self.package.package();
        let files = self.package.files();
        let on_media = |path: &dp_content::ContentPath| {
            let below = MediaPath::from_names(path.names());
            below.map(|below| self.media.join(&below)).map_err(|source| {
                let (package, path) = (content_id.clone(), path.to_string());
                ResolveError::PackageName { package, path, source }
            })
        };
        let newest = files.iter().filter_map(|file| file.file().modified).max();
        let folder = |path: MediaPath| Added {
            path,
            // Libraries keep no times of folders, and media show none that were added; but the
            // identity of a set follows from them.
            modified: newest.unwrap_or(Timestamp::FAT_EPOCH),
            data: None,
            origin: format!("package {content_id}"),
            attributes: Attributes::default(),
            group,
        };
        if !self.media.is_root() {
            added.push(folder(self.media.clone()));
        }
        // In the order of paths, as what is added from a folder of this machine.
        let mut inside = Vec::new();
        for path in folders.iter().filter(|path| !path.is_root()) {
            inside.push((path.as_str(), folder(on_media(path)?)));
        }
        let mut without_time = 0_usize;
        for found in files {
            let (file, source) = (found.file(), found.source());
            without_time = without_time.saturating_add(usize::from(file.modified.is_none()));
            let file = Added {
                path: on_media(&file.id.path)?,
                modified: file.modified.unwrap_or(Timestamp::FAT_EPOCH),
                origin: source.describe(),
                data: Some(Data::Source(Arc::clone(source))),
                attributes: attributes(file.attributes),
                group,
            };
            inside.push((found.file().id.path.as_str(), file));
        }
        inside.sort_by_key(|(path, _)| *path);
        warnings.extend(inside.iter().filter_map(|(_, added)| device_name(&added.path)));
        added.extend(inside.into_iter().map(|(_, added)| added));
        if without_time > 0 {
            warnings.push(Warning::new(format!(
                "nothing tells the time of {without_time} of {} files of package {content_id}, so it is \
                 1980-01-01 on the media; take the content from a content library if that matters",
                files.len()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_media_keep() {
        let none = Attributes::default();
        assert_eq!(attributes(0x20), none);
        assert_eq!(attributes(0x21), Attributes { read_only: true, ..none });
        assert_eq!(attributes(0x6), Attributes { hidden: true, system: true, ..none });
    }
}
