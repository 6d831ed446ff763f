//! Slots of a directory: long names put together, fields checked, times read.

use std::collections::HashSet;

use extent_image::Timestamp;

use super::boot::text;
use super::fault::{FaultKind, Faults, Severity};
use super::{u8_at, u16_at, u32_at};
use crate::FatType;

/// 32 bytes of a directory and the byte of the volume where they are.
pub(super) struct Slot {
    pub(super) position: u64,
    pub(super) bytes: [u8; 32],
}

/// A file, folder, label or dot entry.
pub(super) struct Item {
    /// Of its short slot.
    pub(super) position: u64,
    pub(super) name: String,
    pub(super) short: [u8; 11],
    pub(super) short_name: String,
    pub(super) attributes: u8,
    pub(super) cluster: u32,
    pub(super) size: u32,
    pub(super) modified: Option<Timestamp>,
}

impl Item {
    /// A volume label.
    pub(super) fn is_label(&self) -> bool {
        self.attributes & 0x18 == 0x08
    }

    pub(super) fn is_folder(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// `.` or `..`.
    pub(super) fn is_dot(&self) -> bool {
        matches!(&self.short, b".          " | b"..         ")
    }
}

/// The parts of a long name met so far.
struct Long {
    position: u64,
    ordinal: u8,
    checksum: u8,
    /// The ordinal that must come next; 0 when the name is whole.
    next: u8,
    /// Units of the parts met, in order of the name.
    units: Vec<u16>,
}

/// Puts the entries of a directory together.
pub(super) fn decode(
    folder: &str,
    fat_type: FatType,
    slots: &[Slot],
    faults: &mut Faults,
) -> Vec<Item> {
    let (names, shorts) = (HashSet::new(), HashSet::new());
    let mut decoder = Decoder { folder, fat_type, faults, long: None, names, shorts };
    let mut items = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        match slot.bytes {
            [0, ..] => {
                decoder.drop_long(Severity::Untidy);
                decoder.check_end(slots.get(index..).unwrap_or_default());
                return items;
            }
            [0xE5, ..] => decoder.drop_long(Severity::Untidy),
            bytes if u8_at(&bytes, 0x0B) & 0x3F == 0x0F => decoder.long_slot(slot),
            _ => items.push(decoder.short_slot(slot)),
        }
    }
    decoder.drop_long(Severity::Untidy);
    items
}

struct Decoder<'a> {
    folder: &'a str,
    fat_type: FatType,
    faults: &'a mut Faults,
    long: Option<Long>,
    /// Long names, and short ones that can be compared with them, in upper case.
    names: HashSet<String>,
    /// Short names as they stand: bytes of a code page that is not known can only be compared so.
    shorts: HashSet<[u8; 11]>,
}

impl Decoder<'_> {
    fn folder(&self) -> String {
        self.folder.to_owned()
    }

    /// Long-name slots that no entry follows. Systems that know no long names leave them behind when
    /// they delete a file, and nobody misses them; before an entry that may have been theirs they
    /// are a name that is lost.
    fn drop_long(&mut self, severity: Severity) {
        if let Some(Long { position, ordinal, .. }) = self.long.take() {
            let kind = FaultKind::LongOrder { folder: self.folder(), ordinal };
            self.faults.add_as(position, kind, severity);
        }
    }

    fn check_end(&mut self, rest: &[Slot]) {
        for slot in rest {
            if let Some((at, _)) = (0u64..).zip(slot.bytes).find(|(_, byte)| *byte != 0) {
                let position = slot.position.saturating_add(at);
                self.faults.add(position, FaultKind::BehindEnd { folder: self.folder() });
                return;
            }
        }
    }

    fn long_slot(&mut self, slot: &Slot) {
        let bytes = &slot.bytes;
        let (ordinal, checksum) = (u8_at(bytes, 0), u8_at(bytes, 0x0D));
        let number = ordinal & 0x3F;
        let wrong = |field| FaultKind::LongSlot { folder: self.folder.to_owned(), field };
        if u8_at(bytes, 0x0C) != 0 {
            self.faults.add(slot.position.saturating_add(0x0C), wrong("kind"));
        }
        if u16_at(bytes, 0x1A) != 0 {
            self.faults.add(slot.position.saturating_add(0x1A), wrong("cluster"));
        }
        let last = ordinal & 0x40 != 0;
        let places = (0x01..0x0B).chain(0x0E..0x1A).chain(0x1C..0x20).step_by(2);
        let mut units: Vec<u16> = places.map(|at| u16_at(bytes, at)).collect();
        let end = units.iter().position(|unit| *unit == 0);
        if let Some(end) = end {
            let rest = units.split_off(end);
            if !last || rest.iter().skip(1).any(|unit| *unit != 0xFFFF) {
                self.faults.add(slot.position, wrong("filling"));
            }
        }
        if last {
            self.drop_long(Severity::Untidy);
        }
        let follows = match &self.long {
            None => last && (1..=20).contains(&number) && ordinal & 0x80 == 0,
            Some(long) => !last && ordinal == long.next && checksum == long.checksum,
        };
        if !follows {
            self.drop_long(Severity::Damage);
            let folder = self.folder();
            self.faults.add(slot.position, FaultKind::LongOrder { folder, ordinal });
            return;
        }
        let next = number.saturating_sub(1);
        if let Some(long) = &mut self.long {
            units.append(&mut long.units);
            long.units = units;
            long.next = next;
        } else {
            self.long = Some(Long { position: slot.position, ordinal, checksum, next, units });
        }
    }

    fn short_slot(&mut self, slot: &Slot) -> Item {
        let bytes = &slot.bytes;
        let mut short = *bytes.first_chunk::<11>().unwrap_or(&[b' '; 11]);
        let expected = checksum(&short);
        let is_dot = matches!(&short, b".          " | b"..         ");
        if let [first @ 5, ..] = &mut short {
            *first = 0xE5;
        }
        let (attributes, case) = (u8_at(bytes, 0x0B), u8_at(bytes, 0x0C));
        let is_label = attributes & 0x18 == 0x08;
        let short_name = display_short(&short, case);
        if !is_dot && !is_label && !is_short_name(&short) {
            let name = text(&short);
            let kind = FaultKind::ShortName { folder: self.folder(), name };
            self.faults.add(slot.position, kind);
        }
        let long_name = self.long_name(expected);
        let name = long_name.clone().unwrap_or_else(|| short_name.clone());
        if !is_label && !is_dot {
            let plain = short.is_ascii().then(|| upper(&display_short(&short, 0)));
            let full = long_name.as_deref().map(upper).filter(|full| plain.as_ref() != Some(full));
            let mut twice = !self.shorts.insert(short);
            for name in [full, plain].into_iter().flatten() {
                twice |= !self.names.insert(name);
            }
            if twice {
                let kind = FaultKind::DuplicateName { folder: self.folder(), name: name.clone() };
                self.faults.add(slot.position, kind);
            }
        }
        // FAT16 has no high half; OS/2 kept another thing there.
        let high = match self.fat_type {
            FatType::Fat16 => 0,
            FatType::Fat32 => u32::from(u16_at(bytes, 0x14)),
        };
        let cluster = high << 16 | u32::from(u16_at(bytes, 0x1A));
        let item = Item {
            position: slot.position,
            name,
            short,
            short_name,
            attributes,
            cluster,
            size: u32_at(bytes, 0x1C),
            modified: moment(u16_at(bytes, 0x18), u16_at(bytes, 0x16)),
        };
        self.check_fields(slot, &item);
        item
    }

    /// The long name whose slots stand before a short one with this checksum.
    fn long_name(&mut self, expected: u8) -> Option<String> {
        let long = self.long.take()?;
        if long.next != 0 {
            self.long = Some(long);
            self.drop_long(Severity::Damage);
            return None;
        }
        if long.checksum != expected {
            let (folder, found) = (self.folder(), long.checksum);
            let kind = FaultKind::LongChecksum { folder, found, expected };
            self.faults.add(long.position, kind);
            return None;
        }
        let decoded = String::from_utf16(&long.units);
        let is_text = decoded.is_ok();
        let name = decoded.unwrap_or_else(|_| String::from_utf16_lossy(&long.units));
        let refused = |c: char| u32::from(c) < 0x20 || "\"*/:<>?\\|".contains(c);
        let good = is_text
            && !name.is_empty()
            && long.units.len() <= 255
            && !name.contains(refused)
            && !name.ends_with(['.', ' ']);
        if !good {
            let kind = FaultKind::LongName { folder: self.folder(), name: name.clone() };
            self.faults.add(long.position, kind);
        }
        (!name.is_empty()).then_some(name)
    }

    fn check_fields(&mut self, slot: &Slot, item: &Item) {
        let bytes = &slot.bytes;
        let path = || super::audit::join(self.folder, &item.name);
        let mut wrong = |at: u64, field, found| {
            let kind = FaultKind::SlotField { path: path(), field, found };
            self.faults.add(slot.position.saturating_add(at), kind);
        };
        if item.attributes & 0xC0 != 0 || item.attributes & 0x18 == 0x18 {
            wrong(0x0B, "attribute byte", item.attributes.into());
        }
        // 01h and 02h are Windows' marks of encrypted files.
        let case = u8_at(bytes, 0x0C);
        if case & !0x1B != 0 {
            wrong(0x0C, "case byte", case.into());
        }
        let hundredths = u8_at(bytes, 0x0D);
        if hundredths > 199 {
            wrong(0x0D, "hundredths of creation", hundredths.into());
        }
        if item.size != 0 && (item.is_folder() || item.is_label()) {
            wrong(0x1C, "size", item.size);
        }
        let high = u16_at(bytes, 0x14);
        if high != 0 && self.fat_type == FatType::Fat16 {
            wrong(0x14, "high half of the first cluster", high.into());
        }
        if item.cluster != 0 && item.is_label() {
            wrong(0x1A, "first cluster", item.cluster);
        }
        let dates = [
            (0x10, "creation date", false),
            (0x12, "access date", false),
            (0x18, "modification date", true),
        ];
        let mut times = Vec::new();
        for (at, field, needed) in dates {
            let found = u16_at(bytes, at);
            if (needed || found != 0) && moment(found, 0).is_none() {
                times.push((at, field, found));
            }
        }
        for (at, field) in [(0x0E, "creation time"), (0x16, "modification time")] {
            let found = u16_at(bytes, at);
            if moment(0x0021, found).is_none() {
                times.push((at, field, found));
            }
        }
        for (at, field, found) in times {
            let position = slot.position.saturating_add(u64::try_from(at).unwrap_or(0));
            self.faults.add(position, FaultKind::Time { path: path(), field, found });
        }
    }
}

/// The sum that ties long slots to a short name, over its bytes as they are stored.
fn checksum(short: &[u8; 11]) -> u8 {
    let mut sum = 0u8;
    for byte in short {
        sum = ((sum & 1) << 7 | sum >> 1).wrapping_add(*byte);
    }
    sum
}

/// True when both parts have legal characters, spaces behind them only, and the base is not empty.
fn is_short_name(short: &[u8; 11]) -> bool {
    let (base, extension) = short.split_at(8);
    let good = |part: &[u8]| {
        // In the double-byte code pages of East Asia a byte from 81h on may lead another, which is
        // then no character of its own.
        let mut led = false;
        part.trim_ascii_end().iter().all(|byte| {
            let trails = std::mem::take(&mut led);
            match byte {
                b'A'..=b'Z' | b'0'..=b'9' | 0x80 => true,
                0x81.. => {
                    led = !trails;
                    true
                }
                0x40..=0x7E if trails => true,
                _ => b"!#$%&'()-@^_`{}~".contains(byte),
            }
        })
    };
    // trim_ascii_end takes tabs and line ends for spaces.
    let plain = short.iter().all(|byte| *byte >= b' ');
    plain && good(base) && good(extension) && base.first() != Some(&b' ')
}

/// `BASE.EXT`, in lower case where the case byte says so.
fn display_short(short: &[u8; 11], case: u8) -> String {
    let (base, extension) = short.split_at(8);
    let part = |bytes: &[u8], lower: bool| match lower {
        true => text(bytes).to_ascii_lowercase(),
        false => text(bytes),
    };
    let base = part(base, case & 0x08 != 0);
    match part(extension, case & 0x10 != 0) {
        extension if extension.is_empty() => base,
        extension => format!("{base}.{extension}"),
    }
}

/// Upper case, character by character, leaving those alone that would become several, or ASCII,
/// which Windows' table does not do.
fn upper(name: &str) -> String {
    let one = |c: char| {
        let mut mapped = c.to_uppercase();
        let single = if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c };
        if single.is_ascii() && !c.is_ascii() { c } else { single }
    };
    name.chars().map(one).collect()
}

/// A date and a time of day as a moment in UTC; `None` where they are none.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "fields of at most 7 bits, in i64; the divisors are constants"
)]
fn moment(date: u16, time: u16) -> Option<Timestamp> {
    let (year, month, day) = (1980 + i64::from(date >> 9), date >> 5 & 15, date & 31);
    let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2);
    let leap = year % 4 == 0 && year != 2100;
    let february = if leap { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = months.get(..usize::from(month.checked_sub(1)?))?;
    let length = months.get(before.len())?;
    if !(1..=*length).contains(&day) || hour > 23 || minute > 59 || second > 58 {
        return None;
    }
    // Leap days of the years from 1972 on, of which 2100 is none.
    let leap_days = (year - 1969) / 4 - i64::from(year > 2100);
    let of_months: u16 = before.iter().sum();
    let days = (year - 1970) * 365 + leap_days + i64::from(of_months) + i64::from(day) - 1;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some(Timestamp::from_unix_seconds(days * 86_400 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let date = |year: u16, month: u16, day: u16| (year - 1980) << 9 | month << 5 | day;
        for (date, time, text) in [
            (0x0021, 0, "1980-01-01T00:00:00Z"),
            (date(2000, 2, 29), 0xBF7D, "2000-02-29T23:59:58Z"),
            (date(2024, 12, 31), 1 << 11, "2024-12-31T01:00:00Z"),
            (date(2100, 3, 1), 0, "2100-03-01T00:00:00Z"),
            (date(2101, 1, 1), 0, "2101-01-01T00:00:00Z"),
            (0xFF9F, 0xBF7D, "2107-12-31T23:59:58Z"),
        ] {
            assert_eq!(moment(date, time).unwrap().to_string(), text);
        }
        for (date, time) in [
            (0, 0),
            (date(1990, 0, 1), 0),
            (date(1990, 13, 1), 0),
            (date(1990, 1, 0), 0),
            (date(2100, 2, 29), 0),
            (date(2001, 4, 31), 0),
            (0x0021, 24 << 11),
            (0x0021, 60 << 5),
            (0x0021, 30),
        ] {
            assert_eq!(moment(date, time), None, "{date:#x} {time:#x}");
        }
    }

    #[test]
    fn short_names() {
        for good in [b"BOOTMGR    ", b"A       TXT", b"~{}'`^  1  ", b"\xE5\x80      B  "] {
            assert!(is_short_name(good));
        }
        // Shift-JIS: the second byte of a character may be what else no name holds.
        assert!(is_short_name(b"\x83\x5C\x83\x74\x83\x67  TXT"));
        assert!(!is_short_name(b"\x83\x5C\x5C     TXT"));
        for bad in [
            b"           ",
            b" A         ",
            b"A B        ",
            b"a          ",
            b"A       B C",
            b"A.B        ",
            b"A\t         ",
            b"A+         ",
        ] {
            assert!(!is_short_name(bad), "{bad:?}");
        }
        assert_eq!(display_short(b"BOOTMGR EFI", 0x08), "bootmgr.EFI");
        assert_eq!(display_short(b"BOOTMGR    ", 0x18), "bootmgr");
    }
}
