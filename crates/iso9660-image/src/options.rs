//! What an image is to be, beside its tree.

use extent_image::{Data, NodeId};

use crate::boot_info::BootInfoTable;
use crate::region::Region;
use crate::text::{InfoText, JolietVolumeId, UdfVolumeId, VolumeId};
use crate::volume_set::VolumeSet;

/// Which file systems an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// ISO 9660 and Joliet. Everything reads it.
    #[default]
    Iso,
    /// ISO 9660, Joliet and UDF 1.02 over the same extents, each with the whole tree. Windows and
    /// Linux look at UDF first, which has every name as it is. It costs a sector for each file and
    /// two for each folder, and half a megabyte.
    Bridge,
    /// The whole tree in UDF 1.02 only. ISO 9660 has nothing but a text that says so, and Joliet is
    /// not there: the form of Windows installation discs.
    UdfStub,
}

impl Format {
    /// True for those with UDF.
    pub fn has_udf(self) -> bool {
        matches!(self, Self::Bridge | Self::UdfStub)
    }

    /// True for those that have the tree in ISO 9660 and Joliet.
    pub(crate) fn has_records(self) -> bool {
        matches!(self, Self::Iso | Self::Bridge)
    }
}

/// The names of the Joliet tree, which Windows shows where there is no UDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Joliet {
    /// There is no Joliet tree. Windows shows the UDF tree, or, where there is none, the short names
    /// of the primary one. Without both, names may differ by case alone.
    Off,
    /// Names of up to 64 UTF-16 units, as the specification has it: every reader of Joliet holds
    /// them.
    #[default]
    Units64,
    /// Names of up to 103 units, beyond the specification, as mkisofs and xorriso write them when
    /// asked. Windows, Linux, 7-Zip and libarchive read them; readers that hold the specification's
    /// 128 bytes and no more cut names or refuse the disc. Linux holds no name of more than 255 bytes
    /// of UTF-8, which 86 characters of Chinese, Japanese or Korean can have.
    Units103,
}

impl Joliet {
    /// Longest name in UTF-16 units, with its dot. The specification would allow 65 with one;
    /// every peer stops at 64, and so do readers' buffers.
    pub(crate) fn longest_name(self) -> usize {
        match self {
            Self::Off | Self::Units64 => 64,
            Self::Units103 => 103,
        }
    }
}

/// POSIX names and modes in the primary tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RockRidge {
    /// The primary tree has short names in upper case.
    #[default]
    Off,
    /// Every file and folder has its name as it is, in UTF-8, and mode 0555: all may read and start
    /// or enter, nobody may write. Version 1.12 of the protocol; folders are never relocated, and
    /// there are no access times. Linux, other Unix systems and most tools prefer it to Joliet;
    /// Windows does not know it.
    ReadOnly,
}

/// What lies in the first sixteen sectors, which no file system of a disc looks at: the master boot
/// record of an image that is a disk too. At most 32,768 bytes; zeros follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemArea(Vec<u8>);

impl SystemArea {
    /// Room in bytes.
    pub const MAX: usize = 16 * 2048;

    /// Takes the bytes as they are.
    ///
    /// # Errors
    /// [`SystemAreaError`] when they are too many.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SystemAreaError> {
        let bytes = bytes.into();
        let (found, allowed) = (bytes.len(), Self::MAX);
        if found > allowed { Err(SystemAreaError { found, allowed }) } else { Ok(Self(bytes)) }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A system area is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system area would have {found} bytes, {allowed} are allowed")]
#[non_exhaustive]
pub struct SystemAreaError {
    /// Bytes given.
    pub found: usize,
    /// Bytes allowed.
    pub allowed: usize,
}

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
    /// The [region](ImageOptions::with_region) from this offset in bytes, a multiple of 2048, to its
    /// end: with offset 0 UEFI starts the FAT volume that the image is as a disk. The entry of a
    /// UEFI image over 65,535 sectors states 0 here too, without a notice.
    Region {
        /// Bytes from the start of the region.
        offset: u64,
    },
}

/// One entry of the El Torito boot catalog, without emulation.
#[derive(Debug, Clone)]
#[must_use]
pub struct BootEntry {
    platform: Platform,
    image: BootImage,
    load_segment: u16,
    sector_count: Option<u16>,
    info_table: Option<BootInfoTable>,
}

impl BootEntry {
    /// An entry with load segment 0 (the firmware's own, 07C0h) and a sector count that follows
    /// from the image's length.
    pub fn new(platform: Platform, image: BootImage) -> Self {
        Self { platform, image, load_segment: 0, sector_count: None, info_table: None }
    }

    /// Real-mode segment the BIOS loads the image to. Default 0, which means 07C0h.
    pub fn with_load_segment(mut self, segment: u16) -> Self {
        self.load_segment = segment;
        self
    }

    /// Number of 512-byte sectors the entry states. Default: the image's length rounded up; for a
    /// UEFI image over 65,535 sectors (32 MiB), 0, which UEFI reads as "to the end of the medium". A
    /// BIOS loads as many as it is told, so for it the number must be 1 or more, and no more than
    /// the image's sectors of 2048 bytes hold.
    pub fn with_sector_count(mut self, count: u16) -> Self {
        self.sector_count = Some(count);
        self
    }

    /// Puts a boot info table into the image, as isolinux and GRUB want it; `etfsboot.com` must not
    /// have one. Not for late content, nor for what lies in a [`Region`].
    ///
    /// The bytes 8 to 63 of the image in the disc are then not those of its source. So a file with
    /// the same source does not share its place, and a stream tells no digest of the source unless
    /// the source lies in the image as it is too.
    pub fn with_boot_info_table(mut self, table: BootInfoTable) -> Self {
        self.info_table = Some(table);
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

    pub(crate) fn info_table(&self) -> Option<BootInfoTable> {
        self.info_table
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
    pub(crate) joliet: Joliet,
    pub(crate) strict_joliet: bool,
    pub(crate) rock_ridge: RockRidge,
    pub(crate) notices_refused: bool,
    pub(crate) format: Format,
    pub(crate) stub_text: Option<String>,
    pub(crate) udf_volume_id: Option<UdfVolumeId>,
    pub(crate) volume_set: Option<VolumeSet>,
    pub(crate) system_area: Option<SystemArea>,
    pub(crate) region: Option<Region>,
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
            joliet: Joliet::default(),
            strict_joliet: false,
            rock_ridge: RockRidge::default(),
            notices_refused: false,
            format: Format::default(),
            stub_text: None,
            udf_volume_id: None,
            volume_set: None,
            system_area: None,
            region: None,
            capacity_sectors: None,
        }
    }

    /// The same from any label, through [`VolumeId::from_label`], [`JolietVolumeId::from_label`] and
    /// [`UdfVolumeId::from_label`], which leaves most of it as it is; the plan tells what they made
    /// of it.
    pub fn from_label(label: &str) -> Self {
        Self::new(VolumeId::from_label(label), JolietVolumeId::from_label(label))
            .with_udf_volume_id(UdfVolumeId::from_label(label))
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

    /// The names of the Joliet tree, or none. Default: [`Joliet::Units64`]. A
    /// [stub](Format::UdfStub) has no Joliet tree at all.
    pub fn with_joliet(mut self, joliet: Joliet) -> Self {
        self.joliet = joliet;
        self
    }

    /// POSIX names and modes in the primary tree, or none. Default: [`RockRidge::Off`]. A
    /// [stub](Format::UdfStub) has nothing that they could be for.
    pub fn with_rock_ridge(mut self, rock_ridge: RockRidge) -> Self {
        self.rock_ridge = rock_ridge;
        self
    }

    /// Makes every name that Joliet cannot hold as it is an error that lists them all, instead of
    /// a [notice](crate::Notice). Default: off.
    pub fn with_strict_joliet(mut self, strict: bool) -> Self {
        self.strict_joliet = strict;
        self
    }

    /// Makes every [notice](crate::Notice) an error that lists them all: what is planned then is as it
    /// was in the tree, in every file system of the image. Default: off.
    pub fn with_notices_refused(mut self, refused: bool) -> Self {
        self.notices_refused = refused;
        self
    }

    /// Which file systems the image has. Default: [`Format::Iso`].
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The text of `README.TXT`, all that ISO 9660 shows of a [`Format::UdfStub`]. Default: that the
    /// disc needs a reader for UDF.
    pub fn with_stub_readme(mut self, text: impl Into<String>) -> Self {
        self.stub_text = Some(text.into());
        self
    }

    /// Makes the image a volume of a set: in the descriptors of ISO 9660 and Joliet, and in each of
    /// their records. In UDF every volume is alone, and the identifier of its volume set follows from
    /// label, names, lengths and times. Default: volume 1 of 1, without an identifier.
    pub fn with_volume_set(mut self, set: VolumeSet) -> Self {
        self.volume_set = Some(set);
        self
    }

    /// What lies in the first sixteen sectors. Default: zeros.
    pub fn with_system_area(mut self, area: SystemArea) -> Self {
        self.system_area = Some(area);
        self
    }

    /// Puts another plan into the image, with files of the tree in it. An image has one region at
    /// most: the last one given.
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// The label in UDF, which Windows shows where there is UDF. Default: made of the label with
    /// [`from_label`](Self::from_label), the Joliet volume identifier with [`new`](Self::new).
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
