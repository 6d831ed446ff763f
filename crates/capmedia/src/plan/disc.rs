//! A disc of a media tree: its file systems, and what firmware starts from it.

use std::sync::Arc;

use bytes::Bytes;
use disk_image::boot_code::EL_TORITO;
use disk_image::{DEFAULT_START, master_boot_record};
use extent_image::{Data, NodeId, Tree};
use fat32_image::{Label, VolumeOptions, VolumePlan, VolumeSize};
use iso9660_image::{
    BootEntry, BootImage, Format, ImageOptions, JolietVolumeId, Lba, Platform, Region, RegionPlace,
    SystemArea, UdfVolumeId, VolumeId, VolumeSet, VolumeSetId,
};
use media_model::{CheckedRequest, FatLabel, FileSystem, IsoLabel, JolietLabel, MediaLabel};

use crate::boot::starts::{OwnVolume, Starts};
use crate::error::Error;
use crate::plan::stick;
use crate::tree::compose::Composed;
use crate::tree::manifest::Description;
use crate::tree::subset::subset;

/// What firmware starts from a disc.
#[derive(Debug, Default)]
pub(crate) struct DiscStart {
    bios: Option<BootImage>,
    uefi: Option<BootImage>,
    /// A FAT volume in the disc, over the same files.
    region: Option<Region>,
    /// The master boot record of a disc that is a stick too.
    system_area: Option<SystemArea>,
}

impl DiscStart {
    /// How a plain disc starts: by the boot image's own programs, or by ours where it has none.
    ///
    /// What UEFI starts from a FAT image sees that image and nothing else of the disc, so an image of
    /// our own holds all that UEFI reads.
    pub(crate) fn of_disc(
        request: &CheckedRequest,
        composed: &Composed,
        starts: &Starts,
    ) -> Result<Self, Error> {
        let mut this = Self { bios: bios(composed, starts), ..Self::default() };
        match composed.efi_image {
            _ if starts.uefi.is_none() => {}
            Some(file) => this.uefi = Some(BootImage::File(file)),
            None => {
                let (tree, kept) = subset(&composed.tree, &composed.uefi_files)?;
                let volume = efi_volume(&tree, request.label(), starts.own_volume())?;
                let files = composed.uefi_files.iter().zip(kept);
                this.region = Some(region(volume, RegionPlace::BeforeFiles, files));
                this.uefi = Some(BootImage::Region { offset: 0 });
            }
        }
        Ok(this)
    }

    /// How an image starts that is disc and stick: the stick's volume lies in it at its place, and is
    /// what UEFI starts from the disc too.
    pub(crate) fn of_hybrid(
        request: &CheckedRequest,
        composed: &Composed,
        starts: &Starts,
    ) -> Result<Self, Error> {
        let tree = &composed.tree;
        let volume = stick::volume_in_disc(tree, request.label(), starts.bios)?;
        let table = stick::master_boot_record(&composed.set_id, starts.bios);
        let area = SystemArea::new(master_boot_record(volume.plan(), &table)?);
        let lba = u32::try_from(DEFAULT_START / SECTOR).unwrap_or(u32::MAX);
        let all: Vec<NodeId> = tree.data_order();
        let files = all.iter().zip(all.iter().copied());
        Ok(Self {
            bios: bios(composed, starts),
            uefi: starts.uefi.map(|_| BootImage::Region { offset: 0 }),
            region: Some(region(volume, RegionPlace::At(Lba::new(lba)), files)),
            system_area: Some(area.map_err(Error::SystemArea)?),
        })
    }

    /// Bytes of the FAT volume in the disc, where there is one.
    pub(crate) fn fat_len(&self) -> Option<u64> {
        self.region.as_ref().map(|region| region.content().len())
    }

    /// The firmware it starts on.
    pub(crate) fn boots(&self, starts: &Starts) -> Vec<String> {
        let bios = self.bios.is_some().then(|| Platform::Bios.to_string());
        let uefi = starts.uefi.filter(|_| self.uefi.is_some()).map(str::to_owned);
        bios.into_iter().chain(uefi).collect()
    }

    fn apply(self, mut options: ImageOptions) -> ImageOptions {
        for (platform, image) in [(Platform::Bios, self.bios), (Platform::Efi, self.uefi)] {
            if let Some(image) = image {
                options = options.with_boot_entry(BootEntry::new(platform, image));
            }
        }
        if let Some(region) = self.region {
            options = options.with_region(region);
        }
        if let Some(area) = self.system_area {
            options = options.with_system_area(area);
        }
        options
    }
}

/// Sector of a disc, in bytes.
const SECTOR: u64 = 2048;

fn bios(composed: &Composed, starts: &Starts) -> Option<BootImage> {
    let own = || {
        let program = Data::bytes("El Torito program", Bytes::from_static(EL_TORITO));
        starts.bios.then_some(BootImage::Hidden(program))
    };
    composed.bios_program.map(BootImage::File).or_else(own)
}

/// The FAT volume that UEFI starts from a disc: FAT16 where that holds the files, with nothing free,
/// for nobody writes to it. Its clusters of 4 KiB put every file on a sector of the disc.
fn efi_volume(
    tree: &Tree,
    label: &MediaLabel,
    own: Option<&OwnVolume>,
) -> Result<VolumePlan, Error> {
    let label = FatLabel::from_media_label(label);
    let options = VolumeOptions::new()
        .with_smallest_fat_type()
        .with_size(VolumeSize::Tight)
        .with_label(Label::new(label.as_str()).map_err(Error::FatLabel)?);
    fat32_image::plan(tree, &options).map_err(|source| Error::EfiVolume {
        reason: own.map(|own| own.reason.clone()).unwrap_or_default(),
        remedy: own.map(|own| own.remedy).unwrap_or_default(),
        source,
    })
}

/// A volume as a part of the disc, with the files of the disc's tree that lie in it: each with its
/// counterpart in the volume's tree.
fn region<'a>(
    volume: VolumePlan,
    place: RegionPlace,
    files: impl Iterator<Item = (&'a NodeId, NodeId)>,
) -> Region {
    // An empty file has no cluster, and in the disc no place in the volume.
    let placed: Vec<_> = files
        .filter_map(|(&file, inner)| Some((file, volume.placement(inner)?.offset())))
        .collect();
    let region = Region::new(Arc::new(volume.into_plan()), place);
    placed.into_iter().fold(region, |region, (file, offset)| region.with_file(file, offset))
}

/// The label of a volume, whole and for Joliet, which keeps less of it: every disc of a set shows its
/// number.
pub(crate) fn labels(label: &MediaLabel, volume: &Description) -> (MediaLabel, MediaLabel) {
    if volume.volumes == 1 {
        return (label.clone(), label.clone());
    }
    let number = u16::try_from(volume.volume).unwrap_or(u16::MAX);
    let of_volume = |room| label.of_volume(number, room);
    (of_volume(MediaLabel::MAX), of_volume(JolietLabel::MAX))
}

/// The options of a disc that says this of itself.
pub(crate) fn options(
    request: &CheckedRequest,
    volume: &Description,
    start: DiscStart,
) -> Result<ImageOptions, Error> {
    let (label, in_joliet) = labels(request.label(), volume);
    let iso = VolumeId::new(IsoLabel::from_media_label(&label).as_str());
    let joliet = JolietVolumeId::new(JolietLabel::from_media_label(&in_joliet).as_str());
    let mut options =
        ImageOptions::new(iso.map_err(Error::IsoLabel)?, joliet.map_err(Error::IsoLabel)?)
            .with_format(format(request.file_system()))
            .with_udf_volume_id(UdfVolumeId::new(label.as_str()).map_err(Error::IsoLabel)?)
            // Where Joliet's names are the best there are, the manifest lists them, so they must be
            // exact. UDF has every name as it is.
            .with_strict_joliet(request.file_system() == FileSystem::Iso)
            .with_capacity_sectors(request.media_size().sectors());
    if volume.volumes > 1 {
        options = options.with_volume_set(volume_set(volume)?);
    }
    Ok(start.apply(options))
}

/// The fields of a set. Its id has letters and digits, which the standard allows in upper case.
fn volume_set(volume: &Description) -> Result<VolumeSet, Error> {
    let id = format!("CAPMEDIA_{}", volume.set_id.to_ascii_uppercase().replace('-', "_"));
    let id = VolumeSetId::new(&id).map_err(Error::IsoLabel)?;
    let number = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    VolumeSet::new(id, number(volume.volume), number(volume.volumes)).map_err(Error::VolumeSet)
}

fn format(file_system: FileSystem) -> Format {
    match file_system {
        FileSystem::Iso => Format::Iso,
        FileSystem::UdfStub => Format::UdfStub,
        // The default, and what serves every reader.
        _ => Format::Bridge,
    }
}
