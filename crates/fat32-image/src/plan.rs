//! From a tree and options to the extents of a volume.

use std::sync::Arc;

use extent_image::{NodeId, Plan, PlanBuilder, Source, Tree};

use crate::allocate::Placements;
use crate::boot_area::BootArea;
use crate::choose::{self, Needs};
use crate::directory::{Directory, root_gap};
use crate::error::{Note, VolumeError};
use crate::geometry::Geometry;
use crate::label::Label;
use crate::request::VolumeOptions;
use crate::role;
use crate::survey::Survey;
use crate::table::Table;
use crate::units::{Cluster, len64};

/// Begins the bytes from which a volume id is derived; a change of what follows needs a new one.
const VOLUME_ID_DOMAIN: &[u8] = b"fat32-image volume id 1\0";

/// A FAT volume, laid out to the last byte.
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
    /// Number of the first cluster, at least 2; 0 for the root folder of FAT16, which lies before the
    /// clusters.
    pub fn first_cluster(&self) -> u32 {
        self.first_cluster
    }

    /// Byte of the volume at which it begins: [`Geometry::data_start`] and a number of whole clusters
    /// behind that, hence a multiple of the cluster size. Only the root folder of FAT16 begins
    /// anywhere.
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
        (first != Cluster::NONE || id == NodeId::ROOT).then(|| Placement {
            first_cluster: first.number(),
            offset: offset(&self.geometry, first),
            len: u64::from(self.placements.len(id)),
        })
    }
}

/// Byte at which an object with this first cluster begins. Of those that are not empty, only the root
/// of FAT16 has none.
fn offset(geometry: &Geometry, first: Cluster) -> u64 {
    match first {
        Cluster::NONE => geometry.root_start(),
        first => geometry.offset(first),
    }
}

/// Plans the volume that holds `tree`.
///
/// Pure: nothing is opened, and equal arguments give equal volumes. Order on the volume: boot
/// sector, FSInfo and their copies (FAT16: the boot sector alone), both FATs, the directories breadth
/// first, the files in [`Tree::data_order`], free space. Each file and folder is one run of clusters.
///
/// # Errors
/// [`VolumeError`]: the tree holds what FAT cannot (all of it is listed), or it does not fit the
/// size asked for.
pub fn plan(tree: &Tree, options: &VolumeOptions) -> Result<VolumePlan, VolumeError> {
    let survey = survey(tree, options)?;
    let clusters = |fat_type, size| survey.clusters(tree, fat_type, size);
    let needs = Needs { clusters: &clusters, root_slots: survey.root_slots() };
    let geometry = choose::choose(options, &needs)?;
    let (placements, ends) = Placements::new(tree, &survey, geometry.fat_type(), geometry.size());
    let used = placements.end().number().saturating_sub(Cluster::FIRST.number());
    let free_clusters = geometry.cluster_count().saturating_sub(used);
    let volume_id = options.volume_id.unwrap_or_else(|| derived_id(tree, options.label.as_ref()));

    let mut builder = PlanBuilder::new();
    let first_free = placements.end();
    BootArea { options, geometry: &geometry, volume_id, free_clusters, first_free }
        .put(&mut builder)?;
    put_tables(&mut builder, &geometry, ends)?;
    let generated_names =
        put_folders(&mut builder, tree, &survey, &geometry, &placements, options)?;
    for &file in &survey.files {
        let Some(data) = tree.data(file).filter(|data| !data.is_empty()) else { continue };
        builder.zero_to(role::SLACK, geometry.offset(placements.first(file)))?;
        builder.data(role::FILE_DATA, data)?;
    }
    builder.zero_to(role::SLACK, geometry.offset(placements.end()))?;
    builder.free_to(role::FREE, geometry.volume_len())?;

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
/// the other options given. As FAT32 every larger one holds it too, up to the clusters that can be
/// numbered; as FAT16 a larger one may need larger clusters, and so too many for small files, and
/// with an [alignment](VolumeOptions::with_alignment) a slightly larger one may hold less than this.
///
/// It may be far below [`VolumeSize::Fit`](crate::VolumeSize::Fit), which keeps clusters of 4 KiB:
/// FAT32 begins at 33 MiB with clusters of 512 bytes, FAT16 at 2 MiB.
///
/// # Errors
/// [`VolumeError`], as [`plan`].
pub fn smallest_volume(tree: &Tree, options: &VolumeOptions) -> Result<u64, VolumeError> {
    let survey = survey(tree, options)?;
    let clusters = |fat_type, size| survey.clusters(tree, fat_type, size);
    choose::smallest(options, &Needs { clusters: &clusters, root_slots: survey.root_slots() }, 0)
}

fn survey(tree: &Tree, options: &VolumeOptions) -> Result<Survey, VolumeError> {
    let label = usize::from(options.label.is_some());
    Survey::new(tree, label.saturating_add(root_gap(tree, options)))
}

fn put_tables(
    builder: &mut PlanBuilder,
    geometry: &Geometry,
    ends: Vec<Cluster>,
) -> Result<(), VolumeError> {
    let table: Arc<dyn Source> =
        Arc::new(Table::new(ends, geometry.fat_type(), geometry.sector_size()));
    for (role, end) in [(role::FAT_1, 1), (role::FAT_2, 2)] {
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
        builder.zero_to(role::SLACK, offset(geometry, placements.first(folder)))?;
        let directory = Directory::new(tree, folder, placements, options)?;
        builder.bytes(role::DIRECTORY, directory.bytes)?;
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
