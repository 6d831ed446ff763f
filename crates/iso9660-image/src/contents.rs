//! The content of all files: each source once, in data order. Size, then data; it has no
//! descriptor.

use std::collections::HashMap;

use extent_image::{Data, NodeId, SourceId, Tree};

use crate::assembly::Assembly;
use crate::boot_info::{BootInfoTable, TABLE, TABLE_END};
use crate::el_torito::BootCatalog;
use crate::error::PlanError;
use crate::region::{Region, RegionPlace};
use crate::report::FileExtent;
use crate::role;
use crate::units::{Cursor, Lba, SectorCount, index};
use crate::volume::FIRST_DESCRIPTOR;

/// Files from this length on start on 4 KiB, so that file systems can share their blocks instead of
/// copying them; it costs at most one sector each.
const ALIGNED_FROM: u64 = 64 * 1024;

/// Content that lies in the image once.
#[derive(Debug)]
struct Item {
    data: Data,
    lba: Lba,
    /// Sector in the region, which holds the bytes; `None` for what is stored by itself.
    in_region: Option<SectorCount>,
    info_table: Option<BootInfoTable>,
}

/// What may share a place.
type Identity = (SourceId, Option<BootInfoTable>);

/// Where a node's content is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A folder has none.
    Folder,
    /// The shared zero sector of empty files.
    Empty,
    /// The item with this number.
    Item(u32),
}

/// The content of all files and hidden boot images.
#[derive(Debug)]
pub(crate) struct Contents {
    items: Vec<Item>,
    /// By position of the boot image among those given.
    hidden: Vec<Place>,
    /// By node.
    files: Vec<Place>,
    has_empty: bool,
    zero_sector: Lba,
    region: Option<PlacedRegion>,
}

/// Where the region of an image lies.
#[derive(Debug, Clone, Copy)]
struct PlacedRegion {
    place: RegionPlace,
    lba: Lba,
    sectors: SectorCount,
}

impl Contents {
    /// Collects what lies in the region, then hidden boot images and the text of a stub, then the
    /// files of the tree, of at most `allowed` bytes each.
    pub(crate) fn new(
        tree: &Tree,
        catalog: Option<&BootCatalog>,
        readme: Option<&Data>,
        region: Option<&Region>,
        allowed: u64,
    ) -> Result<Self, PlanError> {
        let mut this = Self {
            items: Vec::new(),
            hidden: Vec::new(),
            files: vec![Place::Folder; tree.len()],
            has_empty: false,
            zero_sector: Lba::new(0),
            region: None,
        };
        let mut by_source: HashMap<Identity, u32> = HashMap::new();
        if let Some(region) = region {
            let found = region.content().len();
            if found == 0 {
                return Err(PlanError::RegionEmpty { found, allowed: 1 });
            }
            let lba = match region.place() {
                RegionPlace::At(lba) => lba,
                RegionPlace::BeforeFiles => Lba::new(0),
            };
            this.region =
                Some(PlacedRegion { place: region.place(), lba, sectors: region.sectors() });
            for (file, data, at) in region.files(tree)? {
                let place = this.next();
                let (data, lba) = (data.clone(), Lba::new(0));
                if let Some(id) = data.source_id() {
                    by_source.entry((id, None)).or_insert(place);
                }
                this.items.push(Item { data, lba, in_region: Some(at), info_table: None });
                if let Some(slot) = this.files.get_mut(file.index()) {
                    *slot = Place::Item(place);
                }
            }
        }
        let readme = readme.map(|data| (data, None));
        for (data, table) in catalog.iter().flat_map(|catalog| catalog.hidden()).chain(readme) {
            this.has_empty |= data.is_empty();
            let place = this.add(data, table, &mut by_source);
            this.hidden.push(place);
        }
        let tables = catalog.map(BootCatalog::info_tables).unwrap_or_default();
        for file in tree.data_order() {
            let Some(data) = tree.data(file) else { continue };
            let len = data.len();
            if len > allowed {
                let path = tree.path(file);
                return Err(PlanError::FileTooLarge { path, len, allowed });
            }
            this.has_empty |= data.is_empty();
            match this.files.get_mut(file.index()) {
                // Those that lie in the region have their place.
                Some(Place::Folder) => {}
                _ => continue,
            }
            let place = this.add(data, tables.get(&file).copied(), &mut by_source);
            if let Some(slot) = this.files.get_mut(file.index()) {
                *slot = place;
            }
        }
        Ok(this)
    }

    fn add(
        &mut self,
        data: &Data,
        info_table: Option<BootInfoTable>,
        by_source: &mut HashMap<Identity, u32>,
    ) -> Place {
        if data.is_empty() {
            return Place::Empty;
        }
        let new = self.next();
        let at = match data.source_id() {
            Some(id) => *by_source.entry((id, info_table)).or_insert(new),
            None => new,
        };
        if at == new {
            let (data, lba) = (data.clone(), Lba::new(0));
            self.items.push(Item { data, lba, in_region: None, info_table });
        }
        Place::Item(at)
    }

    /// The number of the item that is added next.
    fn next(&self) -> u32 {
        // A tree numbers its nodes with 32 bits, and a catalog has 64 entries.
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// Keeps the place of a region that has one, behind `cursor`.
    pub(crate) fn reserve_region(&self, cursor: &mut Cursor) -> Result<(), PlanError> {
        let Some(PlacedRegion { place: RegionPlace::At(lba), sectors, .. }) = self.region else {
            return Ok(());
        };
        let (found, fixed) = (lba.sector(), cursor.used().get());
        if u64::from(found) < fixed {
            // What is fixed ends with the first few hundred sectors.
            let allowed = u32::try_from(fixed).unwrap_or(u32::MAX);
            return Err(PlanError::RegionTooEarly { found, allowed });
        }
        cursor.reserve(lba, sectors);
        Ok(())
    }

    /// Size: the zero sector if a file is empty, the region if it has no place yet, then everything
    /// else in order.
    pub(crate) fn place(&mut self, cursor: &mut Cursor) {
        if self.has_empty {
            self.zero_sector = cursor.take(SectorCount::ONE);
        }
        if let Some(region) = &mut self.region
            && region.place == RegionPlace::BeforeFiles
        {
            region.lba = cursor.take_even(region.sectors);
        }
        let region = self.region().unwrap_or(Lba::new(0));
        for item in &mut self.items {
            let len = item.data.len();
            let sectors = SectorCount::for_bytes(len);
            item.lba = match item.in_region {
                Some(at) => region.after(at),
                None if len >= ALIGNED_FROM => cursor.take_even(sectors),
                None => cursor.take(sectors),
            };
        }
    }

    /// True if the last content is that of a file of the tree; with nothing but empty files there is
    /// no content.
    pub(crate) fn ends_with_a_file(&self) -> bool {
        let last = self.items.len().checked_sub(1);
        let is_last = |place: &Place| matches!(place, Place::Item(at) if Some(index(*at)) == last);
        self.files.iter().any(is_last)
    }

    /// Where the region lies.
    pub(crate) fn region(&self) -> Option<Lba> {
        self.region.map(|region| region.lba)
    }

    /// Where a file lies.
    pub(crate) fn file(&self, node: NodeId) -> FileExtent {
        self.extent(self.files.get(node.index()).copied().unwrap_or(Place::Empty))
    }

    /// The same; `None` for a folder and what is outside the tree.
    pub(crate) fn find(&self, node: NodeId) -> Option<FileExtent> {
        match self.files.get(node.index()) {
            None | Some(Place::Folder) => None,
            Some(place) => Some(self.extent(*place)),
        }
    }

    /// Where the boot image lies that was the `at`th given.
    pub(crate) fn hidden(&self, at: usize) -> FileExtent {
        self.extent(self.hidden.get(at).copied().unwrap_or(Place::Empty))
    }

    /// Where the last content lies that is no file of the tree.
    pub(crate) fn last_hidden(&self) -> FileExtent {
        self.extent(self.hidden.last().copied().unwrap_or(Place::Empty))
    }

    fn extent(&self, place: Place) -> FileExtent {
        let item = match place {
            Place::Item(at) => self.items.get(index(at)),
            Place::Folder | Place::Empty => None,
        };
        match item {
            Some(item) => FileExtent { lba: item.lba, len: item.data.len() },
            None => FileExtent { lba: self.zero_sector, len: 0 },
        }
    }

    /// Data.
    pub(crate) fn write(&self, out: &mut Assembly<'_>) -> Result<(), PlanError> {
        if self.has_empty {
            out.seek(self.zero_sector.byte_offset())?;
            out.zero(role::EMPTY_FILES, SectorCount::ONE.bytes())?;
        }
        for item in self.items.iter().filter(|item| item.in_region.is_none()) {
            out.seek(item.lba.byte_offset())?;
            match (item.info_table, &item.data) {
                (Some(table), Data::Source(source)) => {
                    let image = FileExtent { lba: item.lba, len: source.len() };
                    let rest = source.len().saturating_sub(TABLE_END);
                    out.source_part(role::FILE_DATA, source, 0, TABLE)?;
                    let table = table.bytes(FIRST_DESCRIPTOR.sector(), image);
                    out.bytes(role::BOOT_INFO_TABLE, table)?;
                    out.source_part(role::FILE_DATA, source, TABLE_END, rest)?;
                }
                _ => out.data(role::FILE_DATA, &item.data)?,
            }
        }
        Ok(())
    }
}
