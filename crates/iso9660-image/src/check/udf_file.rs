//! File entries and directories of a UDF tree, one at a time.

use std::io::{Read, Seek};

use zerocopy::FromBytes;

use crate::check::date::Moment;
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::udf_tag;
use crate::check::udf_volume::Udf;
use crate::check::walk::Section;
use crate::disk::udf_basic::{LongAd, ShortAd, Tag};
use crate::disk::udf_file::{
    AD_KIND, DELETED, EXTENDED_FILE_ENTRY, EntryHead, ExtendedFileEntry, FILE_ENTRY,
    FILE_IDENTIFIER, FileEntry, FileIdentifier, TYPE_FILE, TYPE_FOLDER, TYPE_LINK,
};
use crate::units::{SECTOR, SECTOR_LEN, len64};

/// A file entry.
pub(super) struct Found {
    /// Where it is.
    pub(super) position: u64,
    pub(super) is_folder: bool,
    pub(super) modified: Moment,
    /// Bytes of the content.
    pub(super) len: u64,
    /// Where the content lies; together `len` bytes.
    pub(super) sections: Vec<Section>,
    /// True when the content lies in the entry itself.
    pub(super) inline: bool,
    pub(super) links: u16,
    pub(super) unique_id: u64,
    /// Where in the image the unique id is.
    pub(super) unique_id_at: u64,
    /// A link or device.
    pub(super) is_special: bool,
}

/// The fields that both kinds of entries have, and where the descriptors behind them begin.
struct Fields {
    blocks: u64,
    /// Offset and value.
    times: [(u64, Moment); 3],
    modified: Moment,
    unique_id: u64,
    attributes_len: u32,
    ads_len: u32,
    size: usize,
}

/// Reads the entry at a block; `None`, with a fault, when nothing can be made of it.
pub(super) fn entry<R: Read + Seek>(
    medium: &mut Medium<R>,
    udf: &Udf,
    block: u32,
    faults: &mut Faults,
) -> Result<Option<Found>, ReadError> {
    let sector = udf.sector(block);
    let position = sector.saturating_mul(SECTOR);
    let bytes = if udf.holds(block, 1) { medium.sector(sector)? } else { None };
    let Some(bytes) = bytes else {
        let what = "a file entry outside the partition or the image";
        faults.add(position, FaultKind::Udf { what });
        return Ok(None);
    };
    let extended =
        Tag::read_from_prefix(&bytes).is_ok_and(|(tag, _)| tag.id.get() == EXTENDED_FILE_ENTRY);
    let id = if extended { EXTENDED_FILE_ENTRY } else { FILE_ENTRY };
    if !udf_tag::check(&bytes, id, u64::from(block), position, faults) {
        return Ok(None);
    }
    let (Ok((head, _)), Some(fields)) =
        (EntryHead::read_from_prefix(&bytes), fields(&bytes, extended))
    else {
        return Ok(None);
    };
    let at = |offset: u64| position.saturating_add(offset);
    faults.expect(at(20), "strategy of a UDF file entry", head.strategy.get(), 4u8);
    for (offset, _) in fields.times.iter().filter(|(_, time)| *time == Moment::Wrong) {
        faults.add(at(*offset), FaultKind::Date { what: "date of a UDF file entry" });
    }
    faults.expect_zero(at(26), "byte 26 of a UDF file entry", &[head.reserved]);
    // Folder, file, devices, pipe, socket, link.
    if !matches!(head.file_type, TYPE_FOLDER..=TYPE_FILE | 6 | 7 | 9 | 10 | TYPE_LINK) {
        let what = "type of a UDF file entry is none of folder, file, device and link";
        faults.add(at(27), FaultKind::Udf { what });
    }
    let used = usize::try_from(fields.attributes_len.saturating_add(fields.ads_len));
    let whole = fields.size.saturating_add(used.unwrap_or(usize::MAX));
    udf_tag::check_form(&bytes, whole.min(SECTOR_LEN), position, faults);
    let mut ads = Ads { udf, position, sections: Vec::new(), blocks: 0, len: 0 };
    let kind = head.flags.get() & AD_KIND;
    let broken = match content(&bytes, &fields) {
        Some((start, bytes)) => ads.read(kind, start, bytes).err(),
        None => Some("allocation descriptors over the end of a file entry"),
    };
    if let Some(what) = broken {
        faults.add(at(len64(fields.size)), FaultKind::Udf { what });
        return Ok(None);
    }
    let len = head.len.get();
    if ads.len != len {
        let what = "length in a UDF file entry, which its extents must sum up to";
        faults.expect(at(56), what, len, ads.len);
        return Ok(None);
    }
    let offset = if extended { 72 } else { 64 };
    faults.expect(at(offset), "blocks in a UDF file entry", fields.blocks, ads.blocks);
    Ok(Some(Found {
        position,
        is_folder: head.file_type == TYPE_FOLDER,
        modified: fields.modified,
        len,
        sections: ads.sections,
        inline: kind == 3,
        links: head.links.get(),
        unique_id: fields.unique_id,
        unique_id_at: at(if extended { 200 } else { 160 }),
        is_special: !matches!(head.file_type, TYPE_FOLDER | TYPE_FILE),
    }))
}

fn fields(bytes: &[u8], extended: bool) -> Option<Fields> {
    if extended {
        let (it, _) = ExtendedFileEntry::read_from_prefix(bytes).ok()?;
        return Some(Fields {
            blocks: it.blocks.get(),
            times: [
                (80, udf_tag::moment(&it.accessed)),
                (92, udf_tag::moment(&it.modified)),
                (116, udf_tag::moment(&it.attributes_changed)),
            ],
            modified: udf_tag::moment(&it.modified),
            unique_id: it.unique_id.get(),
            attributes_len: it.attributes_len.get(),
            ads_len: it.ads_len.get(),
            size: size_of::<ExtendedFileEntry>(),
        });
    }
    let (it, _) = FileEntry::read_from_prefix(bytes).ok()?;
    Some(Fields {
        blocks: it.blocks.get(),
        times: [
            (72, udf_tag::moment(&it.accessed)),
            (84, udf_tag::moment(&it.modified)),
            (96, udf_tag::moment(&it.attributes_changed)),
        ],
        modified: udf_tag::moment(&it.modified),
        unique_id: it.unique_id.get(),
        attributes_len: it.attributes_len.get(),
        ads_len: it.ads_len.get(),
        size: size_of::<FileEntry>(),
    })
}

/// The allocation descriptors, or the content in their place, and where in the entry they begin.
fn content<'a>(bytes: &'a [u8], fields: &Fields) -> Option<(u64, &'a [u8])> {
    let start = fields.size.checked_add(usize::try_from(fields.attributes_len).ok()?)?;
    let end = start.checked_add(usize::try_from(fields.ads_len).ok()?)?;
    Some((len64(start), bytes.get(start..end)?))
}

/// What the allocation descriptors of an entry add up to.
struct Ads<'a> {
    udf: &'a Udf,
    position: u64,
    sections: Vec<Section>,
    blocks: u64,
    len: u64,
}

impl Ads<'_> {
    fn read(&mut self, kind: u16, start: u64, bytes: &[u8]) -> Result<(), &'static str> {
        let width = match kind {
            0 => size_of::<ShortAd>(),
            1 => size_of::<LongAd>(),
            3 => {
                self.len = len64(bytes.len());
                let start = self.position.saturating_add(start);
                self.sections.push(Section { start, len: self.len });
                return Ok(());
            }
            _ => return Err("allocation descriptors that are neither short nor long"),
        };
        for ad in bytes.chunks(width) {
            let (len, block) = match (ShortAd::read_from_bytes(ad), LongAd::read_from_bytes(ad)) {
                (Ok(ad), _) => (ad.len.get(), ad.block.get()),
                (_, Ok(ad)) if ad.partition.get() == 0 => (ad.len.get(), ad.block.get()),
                _ => return Err("a broken allocation descriptor"),
            };
            if len == 0 {
                break;
            }
            self.add(len, block)?;
        }
        Ok(())
    }

    fn add(&mut self, len: u32, block: u32) -> Result<(), &'static str> {
        if len >> 30 != 0 {
            // Legal, and made by nobody for a medium that is only read.
            return Err("an extent that is not recorded, or further allocation descriptors");
        }
        if !self.len.is_multiple_of(SECTOR) {
            return Err("an extent before the last that is not of whole blocks");
        }
        let len = u64::from(len);
        let blocks = len.div_ceil(SECTOR);
        if !self.udf.holds(block, blocks) {
            return Err("an extent outside the partition");
        }
        let start = self.udf.sector(block).saturating_mul(SECTOR);
        self.sections.push(Section { start, len });
        self.blocks = self.blocks.saturating_add(blocks);
        self.len = self.len.saturating_add(len);
        Ok(())
    }
}

/// One file identifier of a directory.
pub(super) struct Identifier<'a> {
    pub(super) position: u64,
    pub(super) characteristics: u8,
    /// Block of the entry it leads to.
    pub(super) block: u32,
    /// Low half of the unique id of that entry; 0 where the writer left it out.
    pub(super) unique_id: u32,
    /// With the byte that tells the form of its characters.
    pub(super) name: &'a [u8],
}

/// Gives every identifier of a directory, but for those that are deleted. The caller has held its
/// length against that of the image.
pub(super) fn identifiers<R: Read + Seek>(
    medium: &mut Medium<R>,
    udf: &Udf,
    folder: &Found,
    faults: &mut Faults,
    mut each: impl FnMut(&mut Medium<R>, &Identifier<'_>, &mut Faults) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut content = Content { sections: &folder.sections, read: 0, buffer: Vec::new(), at: 0 };
    let mut sections = folder.sections.iter();
    let mut section = sections.next();
    // Bytes of the directory before `section`.
    let mut before = 0u64;
    let mut offset = 0u64;
    loop {
        let rest = content.rest(medium)?;
        if rest.is_empty() {
            break;
        }
        while let Some(s) = section.filter(|s| offset >= before.saturating_add(s.len)) {
            before = before.saturating_add(s.len);
            section = sections.next();
        }
        let start = section.map_or(0, |section| section.start);
        let position = start.saturating_add(offset.saturating_sub(before));
        let first = u64::from(udf.facts.partition.sector());
        let location = (position / SECTOR).saturating_sub(first);
        let Some((raw, name, len)) = split(rest) else {
            let what = "a file identifier over the end of its directory";
            faults.add(position, FaultKind::Udf { what });
            break;
        };
        let own = rest.get(..len).unwrap_or_default();
        if !udf_tag::check(own, FILE_IDENTIFIER, location, position, faults) {
            break;
        }
        let version = raw.version.get();
        faults.expect(position.saturating_add(16), "version of a file identifier", version, 1u8);
        let used = size_of::<FileIdentifier>()
            .saturating_add(usize::from(raw.implementation_use_len.get()))
            .saturating_add(name.len());
        udf_tag::check_form(own, used, position, faults);
        let pad_position = position.saturating_add(len64(used));
        let pad = own.get(used..).unwrap_or_default();
        faults.expect_zero(pad_position, "bytes after the name in a file identifier", pad);
        faults.expect_zero(
            position.saturating_add(18),
            "bits 5 to 7 of the characteristics in a file identifier",
            &[raw.characteristics & 0xE0],
        );
        if raw.characteristics & DELETED == 0 {
            let identifier = Identifier {
                position,
                characteristics: raw.characteristics,
                block: raw.icb.block.get(),
                unique_id: raw.icb.unique_id.get(),
                name,
            };
            each(medium, &identifier, faults)?;
        }
        offset = offset.saturating_add(len64(len));
        content.skip(len);
    }
    Ok(())
}

/// Most bytes of a file identifier: the fixed part, both fields behind it, three to fill it up.
const LONGEST: usize = 38 + 0xFFFF + 0xFF + 3;

/// The bytes of a directory, of which no more are in memory than its longest identifier needs.
struct Content<'a> {
    /// Those that are not read to their end.
    sections: &'a [Section],
    /// Bytes read of the first of them.
    read: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    at: usize,
}

impl Content<'_> {
    /// What follows: all of it, or enough for an identifier.
    fn rest<R: Read + Seek>(&mut self, medium: &mut Medium<R>) -> Result<&[u8], ReadError> {
        if self.buffer.len().saturating_sub(self.at) < LONGEST {
            self.buffer.drain(..self.at.min(self.buffer.len()));
            self.at = 0;
            while let Some((section, others)) = self.sections.split_first() {
                let left = section.len.saturating_sub(self.read);
                if left == 0 {
                    (self.sections, self.read) = (others, 0);
                    continue;
                }
                if self.buffer.len() >= LONGEST.saturating_mul(2) {
                    break;
                }
                let mut chunk = [0; SECTOR_LEN];
                let used = usize::try_from(left.min(SECTOR)).unwrap_or(SECTOR_LEN);
                let used = chunk.get_mut(..used).unwrap_or_default();
                medium.read_at(section.start.saturating_add(self.read), used)?;
                self.read = self.read.saturating_add(len64(used.len()));
                self.buffer.extend_from_slice(used);
            }
        }
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    fn skip(&mut self, len: usize) {
        self.at = self.at.saturating_add(len);
    }
}

/// The fixed part, the name, and the length of all of it.
fn split(rest: &[u8]) -> Option<(FileIdentifier, &[u8], usize)> {
    let (raw, after) = FileIdentifier::read_from_prefix(rest).ok()?;
    let used = usize::from(raw.implementation_use_len.get());
    let end = used.checked_add(usize::from(raw.name_len))?;
    let name = after.get(used..end)?;
    let len = size_of::<FileIdentifier>().checked_add(end)?.checked_next_multiple_of(4)?;
    (len <= rest.len()).then_some((raw, name, len))
}

/// The name in the file identifier that the bytes begin with; empty when it is not whole.
pub(super) fn name_of(bytes: &[u8]) -> String {
    split(bytes).map_or_else(String::new, |(_, name, _)| shown(name))
}

/// The name as readers show it. What would make it another path becomes U+FFFD.
pub(super) fn shown(name: &[u8]) -> String {
    let text = udf_tag::characters(name).unwrap_or_default();
    match text.as_str() {
        "" | "." | ".." => "\u{FFFD}".to_owned(),
        _ => text.replace(['/', '\0'], "\u{FFFD}"),
    }
}

/// What is wrong with a name, if anything is.
pub(super) fn problem(name: &[u8]) -> Option<&'static str> {
    let Some(text) = udf_tag::characters(name) else {
        return Some("a name has one byte or two for a character");
    };
    if name.first() == Some(&16) && name.len().is_multiple_of(2) {
        return Some("a name has whole 16-bit units");
    }
    if text.is_empty() {
        return Some("a name is not empty");
    }
    if udf_tag::is_torn(name) {
        return Some("a name holds half of a surrogate pair");
    }
    text.contains(['/', '\0']).then_some("a name has no slash and no zero")
}
