//! What an image is to be, beside its tree.

use extent_image::{Data, NodeId};

use crate::text::{InfoText, JolietVolumeId, UdfVolumeId, VolumeId};

/// Which firmware an El Torito entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// A BIOS on 80x86: the image's first sectors are loaded and started.
    Bios,
    /// UEFI: the image is a FAT file system that holds the loader.
    Efi,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bios => "BIOS",
            Self::Efi => "UEFI",
        })
    }
}

/// The bytes an El Torito entry starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BootImage {
    /// A file of the tree. It lies where [the data order](extent_image::Tree::data_order) puts it.
    File(NodeId),
    /// Content that no directory names. It lies before the files of the tree; a file with the same
    /// source shares its place.
    Hidden(Data),
}

/// One entry of the El Torito boot catalog, without emulation.
#[derive(Debug, Clone)]
#[must_use]
pub struct BootEntry {
    platform: Platform,
    image: BootImage,
    load_segment: u16,
    sector_count: Option<u16>,
}

impl BootEntry {
    /// An entry with load segment 0 (the firmware's own, 07C0h) and a sector count that follows
    /// from the image's length.
    pub fn new(platform: Platform, image: BootImage) -> Self {
        Self { platform, image, load_segment: 0, sector_count: None }
    }

    /// Real-mode segment the BIOS loads the image to. Default 0, which means 07C0h.
    pub fn with_load_segment(mut self, segment: u16) -> Self {
        self.load_segment = segment;
        self
    }

    /// Number of 512-byte sectors the entry states. Default: the image's length rounded up; for a
    /// UEFI image over 65,535 sectors (32 MiB), 0, which UEFI reads as "to the end of the medium".
    pub fn with_sector_count(mut self, count: u16) -> Self {
        self.sector_count = Some(count);
        self
    }

    /// The firmware the entry is for.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// What it starts.
    pub fn image(&self) -> &BootImage {
        &self.image
    }

    pub(crate) fn load_segment(&self) -> u16 {
        self.load_segment
    }

    pub(crate) fn sector_count(&self) -> Option<u16> {
        self.sector_count
    }
}

/// What an image is to be, beside its tree.
#[derive(Debug, Clone)]
#[must_use]
pub struct ImageOptions {
    pub(crate) volume_id: VolumeId,
    pub(crate) joliet_volume_id: JolietVolumeId,
    pub(crate) publisher: Option<InfoText>,
    pub(crate) preparer: Option<InfoText>,
    pub(crate) application: Option<InfoText>,
    pub(crate) boot_entries: Vec<BootEntry>,
    pub(crate) strict_joliet: bool,
    pub(crate) udf: bool,
    pub(crate) udf_volume_id: Option<UdfVolumeId>,
    pub(crate) capacity_sectors: Option<u64>,
}

impl ImageOptions {
    /// An image with these labels that boots nothing and may be as large as ISO 9660 allows.
    pub fn new(volume_id: VolumeId, joliet_volume_id: JolietVolumeId) -> Self {
        Self {
            volume_id,
            joliet_volume_id,
            publisher: None,
            preparer: None,
            application: None,
            boot_entries: Vec::new(),
            strict_joliet: false,
            udf: false,
            udf_volume_id: None,
            capacity_sectors: None,
        }
    }

    /// The same from any label, through [`VolumeId::from_label`] and
    /// [`JolietVolumeId::from_label`]; the plan tells what they made of it.
    pub fn from_label(label: &str) -> Self {
        Self::new(VolumeId::from_label(label), JolietVolumeId::from_label(label))
    }

    /// Who publishes the volume. Default: not stated.
    pub fn with_publisher(mut self, text: InfoText) -> Self {
        self.publisher = Some(text);
        self
    }

    /// Who prepared the data. Default: not stated.
    pub fn with_preparer(mut self, text: InfoText) -> Self {
        self.preparer = Some(text);
        self
    }

    /// How the data is to be read. Default: not stated.
    pub fn with_application(mut self, text: InfoText) -> Self {
        self.application = Some(text);
        self
    }

    /// Adds an entry to the boot catalog. The first BIOS entry becomes the default entry, or, where
    /// there is none, the first of all; the others follow in sections, in the order added.
    pub fn with_boot_entry(mut self, entry: BootEntry) -> Self {
        self.boot_entries.push(entry);
        self
    }

    /// Makes every name that Joliet cannot hold as it is an error that lists them all, instead of
    /// a [notice](crate::Notice). Default: off.
    pub fn with_strict_joliet(mut self, strict: bool) -> Self {
        self.strict_joliet = strict;
        self
    }

    /// Adds a UDF 1.02 tree over the same extents, with the names as they are: what Windows shows
    /// first. The identifier of its volume set follows from label, names, lengths and times. It costs
    /// a sector for each file and two for each folder, and half a megabyte. Default: off.
    pub fn with_udf(mut self, udf: bool) -> Self {
        self.udf = udf;
        self
    }

    /// The label in UDF, which Windows shows where there is UDF. Default: the Joliet volume
    /// identifier.
    pub fn with_udf_volume_id(mut self, id: UdfVolumeId) -> Self {
        self.udf_volume_id = Some(id);
        self
    }

    pub(crate) fn udf_label(&self) -> &str {
        match &self.udf_volume_id {
            Some(id) => id.as_str(),
            None => self.joliet_volume_id.as_str(),
        }
    }

    /// Largest number of 2048-byte sectors the image may have; `None`, the default, for no limit
    /// but the format's.
    pub fn with_capacity_sectors(mut self, sectors: Option<u64>) -> Self {
        self.capacity_sectors = sectors;
        self
    }
}
