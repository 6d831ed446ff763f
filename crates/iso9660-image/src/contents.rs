//! The content of all files: each source once, in data order. Size, then data; it has no
//! descriptor.

use std::collections::HashMap;

use extent_image::{Data, NodeId, PlanBuilder, SourceId, Tree};

use crate::error::PlanError;
use crate::report::FileExtent;
use crate::units::{Cursor, Lba, SectorCount};

/// Files from this length on start on 4 KiB, so that file systems can share their blocks instead of
/// copying them; it costs at most one sector each.
const ALIGNED_FROM: u64 = 64 * 1024;

/// Content that lies in the image once.
struct Item {
    data: Data,
    lba: Lba,
}

/// Which item a file is.
#[derive(Clone, Copy)]
enum Place {
    /// The shared zero sector of empty files.
    Empty,
    Item(usize),
}

/// The content of all files and hidden boot images.
pub(crate) struct Contents {
    items: Vec<Item>,
    /// By position of the boot image among those given.
    hidden: Vec<Place>,
    /// By node; folders are `Empty`, nobody asks.
    files: Vec<Place>,
    has_empty: bool,
    zero_sector: Lba,
}

impl Contents {
    /// Collects hidden boot images, then the files of the tree, of at most `allowed` bytes each.
    pub(crate) fn new<'a>(
        tree: &Tree,
        hidden: impl Iterator<Item = &'a Data>,
        allowed: u64,
    ) -> Result<Self, PlanError> {
        let mut this = Self {
            items: Vec::new(),
            hidden: Vec::new(),
            files: vec![Place::Empty; tree.len()],
            has_empty: false,
            zero_sector: Lba::new(0),
        };
        let mut by_source = HashMap::new();
        for data in hidden {
            let place = this.add(data, &mut by_source);
            this.hidden.push(place);
        }
        for file in tree.data_order() {
            let Some(data) = tree.data(file) else { continue };
            let len = data.len();
            if len > allowed {
                let path = tree.path(file);
                return Err(PlanError::FileTooLarge { path, len, allowed });
            }
            this.has_empty |= data.is_empty();
            let place = this.add(data, &mut by_source);
            if let Some(slot) = this.files.get_mut(file.index()) {
                *slot = place;
            }
        }
        Ok(this)
    }

    fn add(&mut self, data: &Data, by_source: &mut HashMap<SourceId, usize>) -> Place {
        if data.is_empty() {
            return Place::Empty;
        }
        let new = self.items.len();
        let at = match data.source_id() {
            Some(id) => *by_source.entry(id).or_insert(new),
            None => new,
        };
        if at == new {
            self.items.push(Item { data: data.clone(), lba: Lba::new(0) });
        }
        Place::Item(at)
    }

    /// Size: the zero sector if a file is empty, then everything in order.
    pub(crate) fn place(&mut self, cursor: &mut Cursor) {
        if self.has_empty {
            self.zero_sector = cursor.take(SectorCount::ONE);
        }
        for item in &mut self.items {
            let len = item.data.len();
            if len >= ALIGNED_FROM {
                cursor.align_even();
            }
            item.lba = cursor.take(SectorCount::for_bytes(len));
        }
    }

    /// Where a file lies.
    pub(crate) fn file(&self, node: NodeId) -> FileExtent {
        self.extent(self.files.get(node.index()).copied().unwrap_or(Place::Empty))
    }

    /// Where the boot image lies that was the `at`th given.
    pub(crate) fn hidden(&self, at: usize) -> FileExtent {
        self.extent(self.hidden.get(at).copied().unwrap_or(Place::Empty))
    }

    fn extent(&self, place: Place) -> FileExtent {
        let item = match place {
            Place::Item(at) => self.items.get(at),
            Place::Empty => None,
        };
        match item {
            Some(item) => FileExtent { lba: item.lba, len: item.data.len() },
            None => FileExtent { lba: self.zero_sector, len: 0 },
        }
    }

    /// Data.
    pub(crate) fn write(&self, builder: &mut PlanBuilder) -> Result<(), PlanError> {
        if self.has_empty {
            builder.zero_to("slack", self.zero_sector.byte_offset())?;
            builder.zero("empty files", SectorCount::ONE.bytes())?;
        }
        for item in &self.items {
            builder.zero_to("slack", item.lba.byte_offset())?;
            builder.data("file data", &item.data)?;
        }
        Ok(())
    }
}
