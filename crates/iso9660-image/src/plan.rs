//! The image from its first sector to its last.

use extent_image::{NodeId, Plan, PlanBuilder, Tree};
use zerocopy::IntoBytes;

use crate::contents::Contents;
use crate::disk::udf_basic::PIECE;
use crate::el_torito::BootCatalog;
use crate::error::PlanError;
use crate::hierarchy::{Hierarchy, MAX_SECTIONS, SECTION};
use crate::options::ImageOptions;
use crate::report::{FileExtent, Notice, PlacedBootEntry, RecordTree, Rename, TreeKind};
use crate::text::{JolietVolumeId, VolumeId};
use crate::udf::{MAX_PIECES, Udf, UdfVolume};
use crate::units::{Cursor, Lba, SectorCount};
use crate::volume::{Volume, terminator};

/// The first volume descriptor (ECMA-119 6.2.1); what lies before is the system area.
const FIRST_DESCRIPTOR: Lba = Lba::new(16);
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
    joliet_volume_id: JolietVolumeId,
    notices: Vec<Notice>,
    /// By node; `None` for folders.
    files: Vec<Option<FileExtent>>,
    boot_catalog: Option<Lba>,
    boot_entries: Vec<PlacedBootEntry>,
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

    /// The label in the Joliet volume descriptor.
    pub fn joliet_volume_id(&self) -> &JolietVolumeId {
        &self.joliet_volume_id
    }

    /// What is not as it was in the tree.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The [notices](Self::notices) that are about names.
    pub fn renames(&self) -> impl Iterator<Item = &Rename> {
        self.notices.iter().filter_map(|notice| match notice {
            Notice::Renamed(rename) => Some(rename),
            _ => None,
        })
    }

    /// Where the content of a file of the tree lies; `None` for a folder.
    pub fn file(&self, file: NodeId) -> Option<FileExtent> {
        self.files.get(file.index()).copied().flatten()
    }

    /// Where the boot catalog lies; `None` when the image boots nothing.
    pub fn boot_catalog(&self) -> Option<Lba> {
        self.boot_catalog
    }

    /// The entries of the boot catalog, the default entry first.
    pub fn boot_entries(&self) -> &[PlacedBootEntry] {
        &self.boot_entries
    }
}

/// All parts with their places. A part is first sized and placed, then asked for its descriptor,
/// then for its data; what comes later (Rock Ridge, volume sets) is a further part in each of
/// the three lists below.
struct Layout<'a> {
    tree: &'a Tree,
    options: &'a ImageOptions,
    notices: Vec<Notice>,
    primary: Hierarchy,
    joliet: Hierarchy,
    catalog: Option<BootCatalog>,
    udf: Option<Udf>,
    contents: Contents,
    /// After the last content.
    data_end: SectorCount,
    sectors: u32,
}

impl<'a> Layout<'a> {
    /// Size: every part gets its place, in the order in which they lie.
    fn new(tree: &'a Tree, options: &'a ImageOptions) -> Result<Self, PlanError> {
        let mut notices = times_out_of_range(tree);
        let mut primary = Hierarchy::new(RecordTree::Primary, tree, &mut notices)?;
        let mut joliet = Hierarchy::new(RecordTree::Joliet, tree, &mut notices)?;
        if options.strict_joliet {
            refuse_joliet_renames(&notices)?;
        }
        let mut catalog = BootCatalog::new(tree, &options.boot_entries, &mut notices)?;
        let mut udf = if options.udf { Some(Udf::new(tree)?) } else { None };
        let hidden = catalog.iter().flat_map(BootCatalog::hidden);
        let mut contents = Contents::new(tree, hidden, longest_file(options))?;

        let mut cursor = Cursor::at(FIRST_DESCRIPTOR);
        // Primary, Joliet and terminator, and the boot record where there is a catalog.
        cursor.take(SectorCount::new(if catalog.is_some() { 4 } else { 3 }));
        if let Some(udf) = &mut udf {
            Udf::place_volume(&mut cursor);
            udf.place_tree(&mut cursor);
        }
        primary.place_tables(&mut cursor);
        joliet.place_tables(&mut cursor);
        let file = |node| contents.file(node);
        primary.place_folders(tree, &file, &mut cursor)?;
        joliet.place_folders(tree, &file, &mut cursor)?;
        if let Some(catalog) = &mut catalog {
            catalog.place(&mut cursor);
        }
        contents.place(&mut cursor);
        let data_end = cursor.used();
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
            primary,
            joliet,
            catalog,
            udf,
            contents,
            data_end,
            sectors,
        })
    }

    /// Descriptors, then data, in the order in which they lie.
    fn write(self) -> Result<ImagePlan, PlanError> {
        let (tree, options) = (self.tree, self.options);
        let mut builder = PlanBuilder::new();
        builder.zero_to("system area", FIRST_DESCRIPTOR.byte_offset())?;
        self.write_descriptors(&mut builder)?;
        let file = |node| self.contents.file(node);
        let volume = UdfVolume {
            label: self.options.udf_label(),
            sectors: self.sectors,
            newest: tree.newest(),
        };
        if let Some(udf) = &self.udf {
            udf.write_volume(tree, &volume, &mut builder)?;
            udf.write_tree(tree, &volume, &file, &mut builder)?;
        }
        self.primary.write_tables(tree, &mut builder)?;
        self.joliet.write_tables(tree, &mut builder)?;
        self.primary.write_folders(tree, &file, &mut builder)?;
        self.joliet.write_folders(tree, &file, &mut builder)?;
        if let Some(catalog) = &self.catalog {
            catalog.write(&self.contents, &mut builder)?;
        }
        self.contents.write(&mut builder)?;
        builder.zero_to("slack", self.data_end.bytes())?;
        builder.zero("padding", PADDING.bytes())?;
        if self.udf.is_some() {
            Udf::write_end(&volume, &mut builder)?;
        }

        let mut files = vec![None; tree.len()];
        for node in tree.walk().filter(|node| !tree.is_folder(*node)) {
            if let Some(slot) = files.get_mut(node.index()) {
                *slot = Some(self.contents.file(node));
            }
        }
        let catalog = self.catalog.as_ref();
        Ok(ImagePlan {
            plan: builder.finish(),
            sectors: self.sectors,
            volume_id: options.volume_id.clone(),
            joliet_volume_id: options.joliet_volume_id.clone(),
            files,
            boot_catalog: catalog.map(BootCatalog::lba),
            boot_entries: catalog.map(|c| c.entries(&self.contents)).unwrap_or_default(),
            notices: self.notices,
        })
    }

    /// The primary descriptor must be first, El Torito fixes its record to the second sector, and
    /// Windows ends its search at the first Joliet descriptor.
    fn write_descriptors(&self, builder: &mut PlanBuilder) -> Result<(), PlanError> {
        const ROLE: &str = "volume descriptor";
        let newest = self.tree.newest();
        let volume = Volume { options: self.options, sectors: self.sectors, newest };
        builder.bytes(ROLE, self.primary.descriptor(self.tree, &volume).as_bytes().to_vec())?;
        if let Some(catalog) = &self.catalog {
            builder.bytes(ROLE, catalog.descriptor().as_bytes().to_vec())?;
        }
        builder.bytes(ROLE, self.joliet.descriptor(self.tree, &volume).as_bytes().to_vec())?;
        builder.bytes(ROLE, terminator().as_bytes().to_vec())?;
        Ok(())
    }
}

/// Longest file in bytes: a hundred sections in the ISO 9660 and Joliet trees, and as many pieces as
/// an entry of UDF holds.
fn longest_file(options: &ImageOptions) -> u64 {
    // A last section of 32 bits would be longer by less than a sector; whole ones are easier said.
    let sections = MAX_SECTIONS.saturating_mul(SECTION);
    if options.udf { sections.min(MAX_PIECES.saturating_mul(PIECE)) } else { sections }
}

fn times_out_of_range(tree: &Tree) -> Vec<Notice> {
    let bad = |node: &NodeId| !(1900..=2155).contains(&tree.meta(*node).modified.civil().year);
    tree.walk().filter(bad).map(|node| Notice::Time { path: tree.path(node) }).collect()
}

fn refuse_joliet_renames(notices: &[Notice]) -> Result<(), PlanError> {
    let renames: Vec<Rename> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Renamed(rename) if rename.tree == TreeKind::Joliet => Some(rename.clone()),
            _ => None,
        })
        .collect();
    if renames.is_empty() { Ok(()) } else { Err(PlanError::JolietNames { renames }) }
}
