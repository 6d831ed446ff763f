//! The image from its first sector to its last.

use extent_image::{NodeId, Plan, Tree};
use zerocopy::IntoBytes;

use crate::assembly::Assembly;
use crate::contents::Contents;
use crate::disk::udf_basic::PIECE;
use crate::el_torito::BootCatalog;
use crate::error::PlanError;
use crate::hierarchy::{Hierarchy, MAX_SECTIONS, SECTION};
use crate::name::{Names, refuse_case_collisions};
use crate::notices::{AllNames, Notices};
use crate::options::{self, Format, ImageOptions, Joliet};
use crate::paths::refuse_long_paths;
use crate::region::Region;
use crate::report::{FileExtent, Notice, PlacedBootEntry, RecordTree, Rename, TreeKind};
use crate::rock_ridge::RockRidge;
use crate::role;
use crate::stub;
use crate::text::{JolietVolumeId, VolumeId};
use crate::udf::{MAX_PIECES, Udf, UdfVolume};
use crate::units::{Cursor, Lba, SectorCount};
use crate::volume::{FIRST_DESCRIPTOR, Volume, terminator};
use crate::volume_set::VolumeSet;

/// Zero sectors at the end, part of the volume. Read-ahead over the end of a disc written track at
/// once fails; with these it fails where nobody needs the data.
const PADDING: SectorCount = SectorCount::new(150);
/// Most sectors that a volume descriptor can count.
const MAX_SECTORS: u64 = 0xFFFF_FFFF;

/// Plans an image of `tree`.
///
/// Nothing is opened: the plan follows from names, times, lengths and options alone, and equal ones
/// give equal plans.
///
/// # Errors
/// [`PlanError`]: what was found, what is allowed, and the way out.
pub fn plan(tree: &Tree, options: &ImageOptions) -> Result<ImagePlan, PlanError> {
    Layout::new(tree, options)?.write()
}

/// The number of 2048-byte sectors that [`plan`] would give, without making its directories. The
/// [capacity](ImageOptions::with_capacity_sectors) is not looked at.
///
/// # Errors
/// [`PlanError`], as [`plan`].
pub fn sectors_needed(tree: &Tree, options: &ImageOptions) -> Result<u64, PlanError> {
    let options = options.clone().with_capacity_sectors(None);
    Layout::new(tree, &options).map(|layout| u64::from(layout.sectors))
}

/// A planned image: the [`Plan`] to stream, and what is known about it.
#[derive(Debug)]
#[must_use]
pub struct ImagePlan {
    plan: Plan,
    sectors: u32,
    volume_id: VolumeId,
    joliet_volume_id: Option<JolietVolumeId>,
    udf_label: Option<String>,
    notices: Notices,
    primary_names: Names,
    joliet_names: Option<Names>,
    contents: Contents,
    boot_catalog: Option<Lba>,
    boot_entries: Vec<PlacedBootEntry>,
    region: Option<Lba>,
}

impl ImagePlan {
    /// The image's bytes.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The image's bytes, without the rest.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// Length in sectors of 2048 bytes, padding included: the volume space size.
    pub fn sectors(&self) -> u64 {
        u64::from(self.sectors)
    }

    /// The label in the primary volume descriptor.
    pub fn volume_id(&self) -> &VolumeId {
        &self.volume_id
    }

    /// The label in the Joliet volume descriptor; `None` where there is none.
    pub fn joliet_volume_id(&self) -> Option<&JolietVolumeId> {
        self.joliet_volume_id.as_ref()
    }

    /// The label in UDF; `None` where there is no UDF.
    pub fn udf_label(&self) -> Option<&str> {
        self.udf_label.as_deref()
    }

    /// What is not as it was in the tree, which must be the one that was planned: the plan holds
    /// neither its paths nor its names.
    pub fn notices<'a>(&'a self, tree: &'a Tree) -> impl Iterator<Item = Notice> + 'a {
        let names = AllNames { primary: &self.primary_names, joliet: self.joliet_names.as_ref() };
        self.notices.iter(tree, names)
    }

    /// How many [notices](Self::notices) there are.
    pub fn notice_count(&self) -> usize {
        self.notices.len()
    }

    /// The [notices](Self::notices) that are about names.
    pub fn renames<'a>(&'a self, tree: &'a Tree) -> impl Iterator<Item = Rename> + 'a {
        self.notices(tree).filter_map(|notice| match notice {
            Notice::Renamed(rename) => Some(rename),
            _ => None,
        })
    }

    /// Where the content of a file of the tree lies; `None` for a folder.
    pub fn file(&self, file: NodeId) -> Option<FileExtent> {
        self.contents.find(file)
    }

    /// Where the boot catalog lies; `None` when the image boots nothing.
    pub fn boot_catalog(&self) -> Option<Lba> {
        self.boot_catalog
    }

    /// The entries of the boot catalog, the default entry first.
    pub fn boot_entries(&self) -> &[PlacedBootEntry] {
        &self.boot_entries
    }

    /// Where the [region](crate::Region) begins, if there is one.
    pub fn region(&self) -> Option<Lba> {
        self.region
    }
}

/// All parts with their places. A part is first sized and placed, then asked for its descriptor,
/// then for its data; what comes later is a further part in each of the three lists below.
struct Layout<'a> {
    tree: &'a Tree,
    options: &'a ImageOptions,
    notices: Notices,
    /// What the primary tree has in place of the tree, where that is in UDF only.
    stub: Option<Tree>,
    primary: Hierarchy,
    joliet: Option<Hierarchy>,
    catalog: Option<BootCatalog>,
    udf: Option<Udf>,
    contents: Contents,
    /// The directories of UDF lie behind all content.
    directories_last: bool,
    /// After the last content.
    data_end: SectorCount,
    sectors: u32,
}

impl<'a> Layout<'a> {
    /// Size: every part gets its place, in the order in which they lie.
    fn new(tree: &'a Tree, options: &'a ImageOptions) -> Result<Self, PlanError> {
        let format = options.format;
        let rock_ridge = format.has_records() && options.rock_ridge == options::RockRidge::ReadOnly;
        // Before anything that tells paths.
        let own = |node| tree.name(node).len();
        if format.has_udf() {
            refuse_long_paths(tree, TreeKind::Udf, own)?;
            // All of them: those that Joliet changes, and so tells apart, UDF does not change.
            refuse_case_collisions(tree)?;
        } else if rock_ridge {
            refuse_long_paths(tree, TreeKind::Primary, own)?;
        }
        let mut notices = times_out_of_range(tree, format);
        let sequence = options.volume_set.as_ref().map_or(1, VolumeSet::number);
        let stub = (!format.has_records()).then(|| stub::tree(tree, options)).transpose()?;
        let primary_tree = stub.as_ref().unwrap_or(tree);
        let named = |kind, tree, notices: &mut _| {
            let hierarchy = Hierarchy::new(kind, options.joliet, tree, sequence, notices)?;
            let written = |node| hierarchy.names().text(tree, node).len();
            refuse_long_paths(tree, kind.into(), written)?;
            Ok::<_, PlanError>(hierarchy)
        };
        let mut primary = named(RecordTree::Primary, primary_tree, &mut notices)?;
        if rock_ridge {
            primary.add_rock_ridge(RockRidge::new(tree, &mut notices)?);
        }
        let mut joliet = None;
        if format.has_records() && options.joliet != Joliet::Off {
            joliet = Some(named(RecordTree::Joliet, tree, &mut notices)?);
        }
        let region = options.region.as_ref();
        let mut catalog = BootCatalog::new(tree, &options.boot_entries, region, &mut notices)?;
        let names =
            AllNames { primary: primary.names(), joliet: joliet.as_ref().map(Hierarchy::names) };
        refuse_notices(options, tree, &notices, names)?;
        let mut udf = if format.has_udf() { Some(Udf::new(tree)?) } else { None };
        let readme = stub.as_ref().and_then(stub::readme);
        let longest = longest_file(format);
        let mut contents = Contents::new(tree, catalog.as_ref(), readme, region, longest)?;
        // Readers take the last place that a tree leads to for the end of the volume, and some (7z)
        // follow no more than a megabyte of zeros from there to the second anchor. A region may end
        // in more, and where no file is last there is more than zeros.
        let directories_last = region.is_some() || !contents.ends_with_a_file();

        let mut cursor = Cursor::at(FIRST_DESCRIPTOR);
        // Primary and terminator, boot record and Joliet where they are.
        let more = u64::from(catalog.is_some()).saturating_add(u64::from(joliet.is_some()));
        cursor.take(SectorCount::new(more.saturating_add(2)));
        if udf.is_some() {
            Udf::place_volume(&mut cursor);
        }
        contents.reserve_region(&mut cursor)?;
        if let Some(udf) = &mut udf {
            udf.place_entries(&mut cursor);
            if !directories_last {
                udf.place_directories(&mut cursor);
            }
        }
        primary.place_tables(&mut cursor);
        if let Some(joliet) = &mut joliet {
            joliet.place_tables(&mut cursor);
        }
        let file = |node| contents.file(node);
        let primary_file = |node| primary_file(&contents, stub.as_ref(), node);
        primary.place_folders(primary_tree, &primary_file, &mut cursor)?;
        if let Some(joliet) = &mut joliet {
            joliet.place_folders(tree, &file, &mut cursor)?;
        }
        if let Some(catalog) = &mut catalog {
            catalog.place(&mut cursor);
        }
        contents.place(&mut cursor);
        if let (Some(udf), true) = (&mut udf, directories_last) {
            cursor.skip_to_end();
            udf.place_directories(&mut cursor);
        }
        let data_end = cursor.used();
        cursor.skip_to_end();
        cursor.take(PADDING);
        if udf.is_some() {
            cursor.take(SectorCount::ONE);
        }

        let needed = cursor.used().get();
        if let Some(allowed) = options.capacity_sectors
            && let Some(over) = needed.checked_sub(allowed).filter(|over| *over > 0)
        {
            return Err(PlanError::Capacity { needed, allowed, over });
        }
        let sectors = u32::try_from(needed)
            .map_err(|_| PlanError::TooManySectors { needed, allowed: MAX_SECTORS })?;
        Ok(Self {
            tree,
            options,
            notices,
            stub,
            primary,
            joliet,
            catalog,
            udf,
            contents,
            directories_last,
            data_end,
            sectors,
        })
    }

    /// Descriptors, then data, in the order in which they lie.
    fn write(self) -> Result<ImagePlan, PlanError> {
        let (tree, options) = (self.tree, self.options);
        let primary_tree = self.stub.as_ref().unwrap_or(tree);
        let region = options.region.as_ref().map(Region::content);
        let mut image = Assembly::new(self.contents.region().zip(region));
        if let Some(area) = &options.system_area {
            image.bytes(role::SYSTEM_AREA, area.bytes().to_vec())?;
        }
        image.zero_to(role::SYSTEM_AREA, FIRST_DESCRIPTOR.byte_offset())?;
        self.write_descriptors(primary_tree, &mut image)?;
        let file = |node| self.contents.file(node);
        let primary_file = |node| primary_file(&self.contents, self.stub.as_ref(), node);
        let volume =
            UdfVolume { label: options.udf_label(), sectors: self.sectors, newest: tree.newest() };
        if let Some(udf) = &self.udf {
            udf.write_volume(tree, &volume, &mut image)?;
            udf.write_entries(tree, &file, &mut image)?;
            if !self.directories_last {
                udf.write_directories(tree, &mut image)?;
            }
        }
        self.primary.write_tables(primary_tree, &mut image)?;
        if let Some(joliet) = &self.joliet {
            joliet.write_tables(tree, &mut image)?;
        }
        self.primary.write_folders(primary_tree, &primary_file, &mut image)?;
        if let Some(joliet) = &self.joliet {
            joliet.write_folders(tree, &file, &mut image)?;
        }
        if let Some(catalog) = &self.catalog {
            catalog.write(&self.contents, &mut image)?;
        }
        self.contents.write(&mut image)?;
        if let (Some(udf), true) = (&self.udf, self.directories_last) {
            udf.write_directories(tree, &mut image)?;
        }
        image.seek(self.data_end.bytes())?;
        image.zero(role::PADDING, PADDING.bytes())?;
        if self.udf.is_some() {
            Udf::write_end(&volume, &mut image)?;
        }

        let catalog = self.catalog.as_ref();
        Ok(ImagePlan {
            plan: image.finish(),
            sectors: self.sectors,
            volume_id: options.volume_id.clone(),
            joliet_volume_id: self.joliet.as_ref().map(|_| options.joliet_volume_id.clone()),
            udf_label: self.udf.as_ref().map(|_| options.udf_label().to_owned()),
            boot_catalog: catalog.map(BootCatalog::lba),
            boot_entries: catalog.map(|c| c.entries(&self.contents)).unwrap_or_default(),
            region: self.contents.region(),
            notices: self.notices,
            primary_names: self.primary.into_names(),
            joliet_names: self.joliet.map(Hierarchy::into_names),
            contents: self.contents,
        })
    }

    /// The primary descriptor must be first, El Torito fixes its record to the second sector, and
    /// Windows ends its search at the first Joliet descriptor.
    fn write_descriptors(
        &self,
        primary_tree: &Tree,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        let newest = self.tree.newest();
        let volume = Volume { options: self.options, sectors: self.sectors, newest };
        image.bytes(
            role::VOLUME_DESCRIPTOR,
            self.primary.descriptor(primary_tree, &volume).as_bytes().to_vec(),
        )?;
        if let Some(catalog) = &self.catalog {
            image.bytes(role::VOLUME_DESCRIPTOR, catalog.descriptor().as_bytes().to_vec())?;
        }
        if let Some(joliet) = &self.joliet {
            image.bytes(
                role::VOLUME_DESCRIPTOR,
                joliet.descriptor(self.tree, &volume).as_bytes().to_vec(),
            )?;
        }
        image.bytes(role::VOLUME_DESCRIPTOR, terminator().as_bytes().to_vec())?;
        Ok(())
    }
}

/// Where a file of the primary tree lies: the only one of a stub is the last hidden content.
fn primary_file(contents: &Contents, stub: Option<&Tree>, node: NodeId) -> FileExtent {
    if stub.is_some() { contents.last_hidden() } else { contents.file(node) }
}

/// Longest file in bytes: a hundred sections in the ISO 9660 and Joliet trees, and as many pieces as
/// an entry of UDF holds.
fn longest_file(format: Format) -> u64 {
    // A last section of 32 bits would be longer by less than a sector; whole ones are easier said.
    // Pieces end first.
    let (sections, pieces) =
        (MAX_SECTIONS.saturating_mul(SECTION), MAX_PIECES.saturating_mul(PIECE));
    if format.has_udf() { sections.min(pieces) } else { sections }
}

fn times_out_of_range(tree: &Tree, format: Format) -> Notices {
    let years = if format.has_records() { 1900..=2155 } else { 1..=9999 };
    let mut notices = Notices::default();
    for node in tree.walk().filter(|n| !years.contains(&tree.meta(*n).modified.civil().year)) {
        notices.time(node);
    }
    notices
}

/// Makes errors of what is to be none but a notice otherwise.
fn refuse_notices(
    options: &ImageOptions,
    tree: &Tree,
    notices: &Notices,
    names: AllNames<'_>,
) -> Result<(), PlanError> {
    if options.strict_joliet {
        let renames: Vec<Rename> = notices
            .iter(tree, names)
            .filter_map(|notice| match notice {
                Notice::Renamed(rename) if rename.tree == TreeKind::Joliet => Some(rename),
                _ => None,
            })
            .collect();
        if !renames.is_empty() {
            return Err(PlanError::JolietNames { renames });
        }
    }
    if options.notices_refused && notices.len() > 0 {
        return Err(PlanError::Notices { notices: notices.iter(tree, names).collect() });
    }
    Ok(())
}
