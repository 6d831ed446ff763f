//! From a tree and options to the extents of a volume.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use extent_image::{NodeId, Plan, PlanBuilder, Source, Tree};
use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32};

use crate::allocate::Placements;
use crate::directory::Directory;
use crate::disk::boot_sector::BootSector;
use crate::disk::fs_info::FsInfo;
use crate::error::{Note, VolumeError};
use crate::geometry::{self, Geometry};
use crate::label::Label;
use crate::request::{BACKUP, BOOT_CODE_ROOM, FS_INFO, VolumeOptions};
use crate::survey::Survey;
use crate::table::Table;
use crate::units::{Cluster, len64};

/// Begins the bytes from which a volume id is derived; a change of what follows needs a new one.
const VOLUME_ID_DOMAIN: &[u8] = b"fat32-image volume id 1\0";

/// Code for a volume that is not to be booted: int 18h, which hands over to the BIOS's next boot
/// device, then a halt for those that return.
const NO_BOOT: [u8; 5] = [0xCD, 0x18, 0xF4, 0xEB, 0xFD];

/// A FAT32 volume, laid out to the last byte.
#[derive(Debug)]
#[must_use]
pub struct VolumePlan {
    plan: Plan,
    geometry: Geometry,
    label: Option<Label>,
    volume_id: u32,
    notes: Vec<Note>,
    generated_names: u64,
    free_clusters: u32,
    placements: Placements,
}

/// Where the content of a file, or the slots of a folder, lie: one run of clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    first_cluster: u32,
    offset: u64,
    len: u64,
}

impl Placement {
    /// Number of the first cluster, at least 2.
    pub fn first_cluster(&self) -> u32 {
        self.first_cluster
    }

    /// Byte of the volume at which it begins, a multiple of the cluster size.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Length in bytes, without the slack in the last cluster; 0 only for a root folder without
    /// label and children.
    #[expect(clippy::len_without_is_empty, reason = "nearly never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }
}

impl VolumePlan {
    /// The extents, from the boot sector to the last byte of the volume.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The extents alone.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// Where the parts of the volume lie.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The label.
    pub fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// The volume id, shown as `HHHH-LLLL`.
    pub fn volume_id(&self) -> u32 {
        self.volume_id
    }

    /// What may surprise whoever reads the volume.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How many names needed long-name slots, and so a generated short name.
    pub fn generated_names(&self) -> u64 {
        self.generated_names
    }

    /// Clusters without content.
    pub fn free_clusters(&self) -> u32 {
        self.free_clusters
    }

    /// Where a file or folder of the tree lies; `None` for an empty file, which has no cluster.
    pub fn placement(&self, id: NodeId) -> Option<Placement> {
        let first = self.placements.first(id);
        (first != Cluster::NONE).then(|| Placement {
            first_cluster: first.number(),
            offset: self.geometry.offset(first),
            len: u64::from(self.placements.len(id)),
        })
    }
}

/// Plans the volume that holds `tree`.
///
/// Pure: nothing is opened, and equal arguments give equal volumes. Order on the volume: boot
/// sector, FSInfo and their copies, both FATs, the directories breadth first, the files in
/// [`Tree::data_order`], free space. Each file and folder is one run of clusters.
///
/// # Errors
/// [`VolumeError`]: the tree holds what FAT32 cannot (all of it is listed), or it does not fit the
/// size asked for.
pub fn plan(tree: &Tree, options: &VolumeOptions) -> Result<VolumePlan, VolumeError> {
    let survey = Survey::new(tree, options.label.is_some())?;
    let geometry = geometry::choose(options, &|size| survey.clusters(tree, size))?;
    let (placements, ends) = Placements::new(tree, &survey, geometry.size());
    let used = placements.end().number().saturating_sub(Cluster::FIRST.number());
    let free_clusters = geometry.cluster_count().saturating_sub(used);
    let volume_id = options.volume_id.unwrap_or_else(|| derived_id(tree, options.label.as_ref()));

    let mut builder = PlanBuilder::new();
    put_reserved(&mut builder, options, &geometry, volume_id, &placements, free_clusters)?;
    put_tables(&mut builder, &geometry, ends)?;
    let generated_names =
        put_folders(&mut builder, tree, &survey, &geometry, &placements, options)?;
    for &file in &survey.files {
        let Some(data) = tree.data(file).filter(|data| !data.is_empty()) else { continue };
        builder.zero_to("slack", geometry.offset(placements.first(file)))?;
        builder.data("file data", data)?;
    }
    builder.zero_to("slack", geometry.offset(placements.end()))?;
    builder.free_to("free space", geometry.volume_len())?;

    Ok(VolumePlan {
        plan: builder.finish(),
        label: options.label,
        volume_id,
        notes: survey.notes,
        generated_names,
        free_clusters,
        geometry,
        placements,
    })
}

/// The smallest [`VolumeSize::Bytes`](crate::VolumeSize::Bytes) with which [`plan`] holds `tree`,
/// the other options given. Every larger one holds it too, up to the clusters FAT32 can number.
///
/// It may be far below [`VolumeSize::Fit`](crate::VolumeSize::Fit), which keeps clusters of 4 KiB:
/// FAT32 begins at 33 MiB with clusters of 512 bytes.
///
/// # Errors
/// [`VolumeError`], as [`plan`].
pub fn smallest_volume(tree: &Tree, options: &VolumeOptions) -> Result<u64, VolumeError> {
    let survey = Survey::new(tree, options.label.is_some())?;
    geometry::smallest(options, &|size| survey.clusters(tree, size))
}

fn put_reserved(
    builder: &mut PlanBuilder,
    options: &VolumeOptions,
    geometry: &Geometry,
    volume_id: u32,
    placements: &Placements,
    free_clusters: u32,
) -> Result<(), VolumeError> {
    let boot = boot_sector(options, geometry, volume_id);
    let next_free = if free_clusters > 0 { placements.end().number() } else { FsInfo::UNKNOWN };
    let fs_info = FsInfo::new(free_clusters, next_free);
    let mut sectors: BTreeMap<u32, (&'static str, Bytes)> = BTreeMap::new();
    let code = options.boot_code.iter().flat_map(|code| code.sectors());
    let code = code.map(|(sector, bytes)| (*sector, "boot code", bytes.clone()));
    let fixed = [
        (0, "boot sector", Bytes::copy_from_slice(boot.as_bytes())),
        (FS_INFO, "fsinfo", Bytes::copy_from_slice(fs_info.as_bytes())),
    ];
    for (sector, role, bytes) in code.chain(fixed) {
        sectors.insert(sector.saturating_add(BACKUP), (role, bytes.clone()));
        sectors.insert(sector, (role, bytes));
    }
    for (sector, (role, bytes)) in sectors {
        let start = u64::from(sector).saturating_mul(u64::from(geometry.sector_size()));
        builder.zero_to("padding", start)?;
        builder.bytes(role, bytes)?;
    }
    builder.zero_to("padding", geometry.fat_start(0))?;
    Ok(())
}

fn boot_sector(options: &VolumeOptions, geometry: &Geometry, volume_id: u32) -> BootSector {
    let mut boot_code = [0; BOOT_CODE_ROOM];
    let code = options.boot_code.as_ref().map_or(NO_BOOT.as_slice(), |code| code.code());
    for (slot, byte) in boot_code.iter_mut().zip(code) {
        *slot = *byte;
    }
    let sector_size = u16::try_from(geometry.sector_size()).unwrap_or(u16::MAX);
    BootSector {
        jump: [0xEB, 0x58, 0x90],
        oem_name: *b"MSWIN4.1",
        bytes_per_sector: U16::new(sector_size),
        sectors_per_cluster: geometry.sectors_per_cluster(),
        reserved_sectors: U16::new(geometry.reserved_sectors()),
        fats: 2,
        root_entries: U16::ZERO,
        total_sectors_16: U16::ZERO,
        media: 0xF8,
        fat_sectors_16: U16::ZERO,
        sectors_per_track: U16::new(63),
        heads: U16::new(255),
        hidden_sectors: U32::new(options.hidden_sectors),
        total_sectors: U32::new(geometry.total_sectors()),
        fat_sectors: U32::new(geometry.fat_sectors()),
        ext_flags: U16::ZERO,
        version: U16::ZERO,
        root_cluster: U32::new(Cluster::FIRST.number()),
        fs_info_sector: U16::new(1),
        backup_sector: U16::new(6),
        reserved: [0; 12],
        drive: 0x80,
        nt_state: 0,
        ext_signature: 0x29,
        volume_id: U32::new(volume_id),
        label: options.label.map_or(Label::NO_NAME, |label| label.padded()),
        type_text: *b"FAT32   ",
        boot_code,
        signature: [0x55, 0xAA],
    }
}

fn put_tables(
    builder: &mut PlanBuilder,
    geometry: &Geometry,
    ends: Vec<Cluster>,
) -> Result<(), VolumeError> {
    let table: Arc<dyn Source> = Arc::new(Table::new(ends, geometry.sector_size()));
    for (role, end) in [("fat 1", 1), ("fat 2", 2)] {
        builder.source(role, Arc::clone(&table))?;
        builder.zero_to(role, geometry.fat_start(end))?;
    }
    Ok(())
}

/// Returns how many names needed a generated short name.
fn put_folders(
    builder: &mut PlanBuilder,
    tree: &Tree,
    survey: &Survey,
    geometry: &Geometry,
    placements: &Placements,
    options: &VolumeOptions,
) -> Result<u64, VolumeError> {
    let mut generated = 0u64;
    for &(folder, _) in &survey.folders {
        builder.zero_to("slack", geometry.offset(placements.first(folder)))?;
        let directory = Directory::new(tree, folder, placements, options.label.as_ref())?;
        builder.bytes("directory", directory.bytes)?;
        generated = generated.saturating_add(directory.generated);
    }
    Ok(generated)
}

/// The CRC-32 of the label and, for every file and folder in order, its name, kind, size, time and
/// number of children. Content is not looked at: trees that differ in nothing else share an id. A
/// caller with a digest of the content can give a better one.
fn derived_id(tree: &Tree, label: Option<&Label>) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(VOLUME_ID_DOMAIN);
    crc.update(&label.map_or(Label::NO_NAME, |label| label.padded()));
    for id in tree.walk() {
        crc.update(tree.name(id).as_bytes());
        // No name holds a NUL, so no two sequences of fields have equal bytes.
        let (kind, number) = match tree.data(id) {
            Some(data) => (1, data.len()),
            None => (2, len64(tree.children(id).len())),
        };
        crc.update(&[0, kind]);
        crc.update(&number.to_le_bytes());
        crc.update(&tree.meta(id).modified.unix_seconds().to_le_bytes());
    }
    crc.finalize()
}
