//! A boot image that boots another of its images: the file as it is, but for its header.

use std::any::Any;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use boot_image::{BootImage, BootImageError};
use extent_image::Source;

use crate::plan::inputs::BootImageFile;
use crate::report::Warning;

/// Bytes of a WIM's header.
const HEADER: usize = 208;

/// A boot image as the media gets it.
pub(crate) struct Opened {
    /// The file, booting `image`.
    pub(crate) source: Arc<dyn Source>,
    pub(crate) image: BootImage,
    /// What is odd about the WIM.
    pub(crate) warnings: Vec<Warning>,
}

/// Opens the WIM to boot image `index` of it; `None` for the one that it says boots.
///
/// # Errors
/// It cannot be read, is none, or has no such image.
pub(crate) fn open(wim: &BootImageFile, index: Option<u32>) -> Result<Opened, BootImageError> {
    let mut source = Arc::clone(&wim.source);
    let bytes = Arc::clone(&wim.bytes);
    let image = match index {
        None => BootImage::open(bytes)?,
        Some(index) => {
            let image = BootImage::open_index(bytes, index)?;
            if let Some(other) = Reindexed::new(&image, &source)? {
                source = Arc::new(other);
            }
            image
        }
    };
    let warnings = image.wim().warnings().iter();
    let warnings = warnings.filter(|warning| index.is_none() || still_true(warning));
    let name = image.name();
    let warnings = warnings.map(|warning| Warning::new(format!("{name}: {warning}"))).collect();
    Ok(Opened { source, image, warnings })
}

/// A WIM's file with another header. The file itself is not touched.
struct Reindexed {
    file: Arc<dyn Source>,
    header: [u8; HEADER],
}

impl Reindexed {
    /// `file`, from which `image` was opened, booting that image. `None` when it does already.
    fn new(image: &BootImage, file: &Arc<dyn Source>) -> Result<Option<Self>, BootImageError> {
        let (wim, index) = (image.wim(), image.index());
        if wim.boot_index() == Some(index) && wim.warnings().iter().all(still_true) {
            return Ok(None);
        }
        let header = wim.header_with_boot_index(index).map_err(|source| BootImageError::Image {
            name: image.name(),
            index,
            source,
        })?;
        Ok(Some(Self { file: Arc::clone(file), header }))
    }
}

/// Whether it is still so of a copy whose header says what boots.
fn still_true(warning: &wim_image::Warning) -> bool {
    use wim_image::Warning;
    !matches!(warning, Warning::BootIndex { .. } | Warning::BootMetadata { .. })
}

impl Source for Reindexed {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let skipped = usize::try_from(from).unwrap_or(usize::MAX);
        let header = self.header.get(skipped..).unwrap_or_default();
        Ok(Box::new(header.chain(self.file.open(from.max(HEADER as u64))?)))
    }

    fn describe(&self) -> String {
        self.file.describe()
    }

    fn open_local(&self) -> io::Result<Option<(File, u64)>> {
        self.file.open_local()
    }

    fn local_from(&self) -> u64 {
        self.file.local_from().max(HEADER as u64)
    }

    fn local_path(&self) -> Option<&Path> {
        self.file.local_path()
    }

    fn equals(&self, other: &dyn Source) -> bool {
        let other = other.as_any().and_then(<dyn Any>::downcast_ref::<Self>);
        other.is_some_and(|other| self.header == other.header && self.file.equals(&*other.file))
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use extent_image::{BytesSource, Timestamp};
    use wim_image::write::{ImageBuilder, WimBuilder};

    use super::*;

    #[test]
    fn another_image_boots_and_nothing_else_changes() {
        let image = |name: &str| {
            let image = ImageBuilder::new(name, Timestamp::FAT_EPOCH);
            image.with_bytes("a", name.as_bytes().to_vec()).unwrap()
        };
        let wim = WimBuilder::new().with_image(image("one")).with_image(image("two"));
        let bytes = wim.to_vec().unwrap();
        let file: Arc<dyn Source> = Arc::new(BytesSource::new("boot.wim", bytes.clone()));
        let open = |file: &Arc<dyn Source>, index| {
            BootImage::open_index(extent_image::read_at(file), index).unwrap()
        };
        assert_eq!(open(&file, 2).wim().boot_index(), None);
        let new = |file: &Arc<dyn Source>| Reindexed::new(&open(file, 2), file).unwrap();
        let changed: Arc<dyn Source> = Arc::new(new(&file).unwrap());
        let read = |from| {
            let mut bytes = Vec::new();
            changed.open(from).unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        };
        let all = read(0);
        assert_eq!(all.len(), bytes.len());
        assert_eq!(all[HEADER..], bytes[HEADER..]);
        for from in [1, 207, 208, 209, all.len()] {
            assert_eq!(read(from as u64), all[from..], "from {from}");
        }
        let image = open(&changed, 2);
        assert_eq!(image.wim().boot_index(), Some(2));
        assert_eq!(image.wim().warnings(), []);
        assert!(new(&changed).is_none(), "it boots that one already");
        let again: Arc<dyn Source> = Arc::new(new(&file).unwrap());
        assert!(changed.equals(&*again) && !changed.equals(&*file));
    }
}
