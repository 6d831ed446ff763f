//! The bytes of a directory (fat-format 6).

use std::borrow::Cow;
use std::collections::HashMap;

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
        let children = order(tree, folder, &options.first_in_root);
        let names = || children.iter().map(|child| tree.name(*child));
        let slot_count = names().map(slots).fold(2, usize::saturating_add);
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
        for &child in children.iter() {
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

/// The children of a folder; in the root, those of the names in `first` before all others.
fn order<'a>(tree: &'a Tree, folder: NodeId, first: &[String]) -> Cow<'a, [NodeId]> {
    let children = tree.children(folder);
    if folder != NodeId::ROOT || first.is_empty() {
        return Cow::Borrowed(children);
    }
    // Of a name that is there twice, its first place counts.
    let ranks: HashMap<String, usize> =
        first.iter().enumerate().rev().map(|(rank, name)| (upcase(name), rank)).collect();
    let mut children = children.to_vec();
    children.sort_by_cached_key(|child| {
        ranks.get(&upcase(tree.name(*child))).copied().unwrap_or(usize::MAX)
    });
    Cow::Owned(children)
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
