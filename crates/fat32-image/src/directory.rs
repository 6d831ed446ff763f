//! The bytes of a directory (fat-format 6).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use extent_image::{Meta, NodeId, Tree};
use zerocopy::IntoBytes;

use crate::allocate::Placements;
use crate::disk::dir_entry::{DirEntry, FatTime, LongEntry, SLOT, UNITS, attribute, checksum};
use crate::error::{Problem, VolumeError};
use crate::name::{ShortNames, Stored, slots, upcase};
use crate::request::VolumeOptions;
use crate::units::Cluster;

/// A directory, and how many of its names needed a generated short name beside the long one.
pub(crate) struct Directory {
    pub(crate) bytes: Bytes,
    pub(crate) generated: u64,
}

impl Directory {
    /// The directory of `folder`; label and order of `options` are for the root only.
    ///
    /// # Errors
    /// [`Problem::ShortNames`].
    pub(crate) fn new(
        tree: &Tree,
        folder: NodeId,
        placements: &Placements,
        options: &VolumeOptions,
    ) -> Result<Self, VolumeError> {
        let Order { children, last_from } = order(tree, folder, options);
        let gap = if folder == NodeId::ROOT { root_gap(tree, options) } else { 0 };
        let names = || children.iter().map(|child| tree.name(*child));
        let slot_count = names().map(slots).fold(gap.saturating_add(2), usize::saturating_add);
        let mut out = Vec::with_capacity(slot_count.saturating_mul(SLOT));
        let mut put = |entry: &DirEntry| out.extend_from_slice(entry.as_bytes());
        let (time, _) = FatTime::new(tree.meta(folder).modified);
        if folder == NodeId::ROOT {
            // First, so that readers that stop early find it.
            if let Some(label) = &options.label {
                put(&DirEntry::new(label.padded(), attribute::VOLUME, time));
            }
        } else {
            let parent = match tree.parent(folder) {
                // Zero, although the root begins at cluster 2.
                NodeId::ROOT => Cluster::NONE,
                parent => placements.first(parent),
            };
            let link = |name| DirEntry::new(name, attribute::DIRECTORY, time);
            put(&link(*b".          ").at(placements.first(folder)));
            put(&link(*b"..         ").at(parent));
        }
        let mut short_names = ShortNames::new(names());
        let mut generated = 0u64;
        for (index, &child) in children.iter().enumerate() {
            if index == last_from {
                (0..gap).for_each(|_| out.extend_from_slice(&FREE));
            }
            let name = tree.name(child);
            let (short, case) =
                match short_names.store(name).ok_or_else(|| no_short_name(tree.path(child)))? {
                    Stored::Short(short, case) => (short, case),
                    Stored::Long(short) => {
                        generated = generated.saturating_add(1);
                        put_long(&mut out, name, &short);
                        (short, 0)
                    }
                };
            let meta = tree.meta(child);
            let (time, _) = FatTime::new(meta.modified);
            let kind = match tree.is_folder(child) {
                true => attribute::DIRECTORY,
                false => attribute::ARCHIVE,
            };
            let entry = DirEntry::new(short, kind | attributes(meta), time);
            let mut entry = entry.at(placements.first(child));
            entry.case = case;
            entry.size = tree.data(child).map_or(0, |_| placements.len(child)).into();
            out.extend_from_slice(entry.as_bytes());
        }
        Ok(Self { bytes: out.into(), generated })
    }
}

/// A slot in use no more, with others behind it.
const FREE: [u8; SLOT] = {
    let mut slot = [0; SLOT];
    slot[0] = 0xE5;
    slot
};

/// The children of a folder, in the order of their slots.
struct Order<'a> {
    children: Cow<'a, [NodeId]>,
    /// Index of the first of those that come last.
    last_from: usize,
}

/// In the root, those of the names that come first before all others, and those that come last behind.
fn order<'a>(tree: &'a Tree, folder: NodeId, options: &VolumeOptions) -> Order<'a> {
    let children = tree.children(folder);
    let (first, last) = (&options.first_in_root, last_names(options));
    if folder != NodeId::ROOT || first.is_empty() && last.is_empty() {
        return Order { children: Cow::Borrowed(children), last_from: children.len() };
    }
    // Of a name that is there twice, its first place counts.
    let ranks: HashMap<String, usize> =
        first.iter().enumerate().rev().map(|(rank, name)| (upcase(name), rank)).collect();
    let is_last = |child: &NodeId| last.contains(&upcase(tree.name(*child)));
    let mut children = children.to_vec();
    children.sort_by_cached_key(|child| {
        let rank = ranks.get(&upcase(tree.name(*child))).copied().unwrap_or(usize::MAX);
        (is_last(child), rank)
    });
    let last_from = children.partition_point(|child| !is_last(child));
    Order { children: Cow::Owned(children), last_from }
}

fn last_names(options: &VolumeOptions) -> HashSet<String> {
    options.last_in_root.iter().map(|name| upcase(name)).collect()
}

/// Slots that are left free before the names that come last in the root.
pub(crate) fn root_gap(tree: &Tree, options: &VolumeOptions) -> usize {
    let names = last_names(options);
    let (mut others, mut last) = (usize::from(options.label.is_some()), 0usize);
    for child in tree.children(NodeId::ROOT) {
        let name = tree.name(*child);
        let sum = if names.contains(&upcase(name)) { &mut last } else { &mut others };
        *sum = sum.saturating_add(slots(name));
    }
    let per_sector = slots_in(options.sector_size.bytes());
    match last > 0 && !leaves_half(others.saturating_add(last), per_sector) {
        true => per_sector.saturating_sub(others),
        false => 0,
    }
}

/// Slots of a sector of so many bytes.
fn slots_in(sector: u32) -> usize {
    usize::try_from(sector).unwrap_or(0).checked_div(SLOT).unwrap_or(0)
}

/// Whether half of a sector stays free for names that updates add, with so many slots in use.
pub(crate) fn leaves_half(used: usize, per_sector: usize) -> bool {
    used <= per_sector / 2
}

fn no_short_name(path: String) -> VolumeError {
    VolumeError::Tree { problems: vec![Problem::ShortNames { path }], total: 1 }
}

pub(crate) fn attributes(meta: Meta) -> u8 {
    let bits = [
        (meta.attributes.read_only, attribute::READ_ONLY),
        (meta.attributes.hidden, attribute::HIDDEN),
        (meta.attributes.system, attribute::SYSTEM),
    ];
    bits.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit)
}

/// The slots of a long name, the last part first.
pub(crate) fn put_long(out: &mut Vec<u8>, name: &str, short: &[u8; 11]) {
    let units: Vec<u16> = name.encode_utf16().collect();
    let checksum = checksum(short);
    let parts = units.chunks(UNITS);
    // At most 20 parts: names of more than 255 units were refused.
    let last = u8::try_from(parts.len()).unwrap_or(u8::MAX);
    for (ordinal, part) in (1..=last).zip(parts).rev() {
        let mark = if ordinal == last { LongEntry::LAST } else { 0 };
        out.extend_from_slice(LongEntry::new(ordinal | mark, part, checksum).as_bytes());
    }
}
