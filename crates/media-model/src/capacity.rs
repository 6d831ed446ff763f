//! How large a disc or an image file may be.

use std::fmt;
use std::num::NonZeroU64;

use crate::error::{SizeError, SizeFault};
use crate::text::text_form;

const MIB: u64 = 1 << 20;

/// A decimal number and what follows it, with the byte offset of what follows.
fn number_and_unit(text: &str) -> Result<(u64, usize, &str), SizeFault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number = match number.parse() {
        Ok(number) => number,
        // Only digits, so it is either missing or too large.
        Err(_) if digits > 0 => return Err(SizeFault::TooLarge),
        Err(_) => {
            return Err(match text.chars().next() {
                Some(found) => SizeFault::Character { position: 0, found },
                None => SizeFault::Empty,
            });
        }
    };
    match unit.chars().next() {
        None => Err(SizeFault::NoUnit { position: digits }),
        Some(c) if c.is_ascii_alphabetic() => Ok((number, digits, unit)),
        Some(found) => Err(SizeFault::Character { position: digits, found }),
    }
}

/// The largest size of one disc, in sectors of 2048 bytes, or no limit (the default).
///
/// | text | sectors |
/// |---|---|
/// | `650MB` | 332,800 |
/// | `4GB` | 2,097,152 |
/// | `8GB` | 4,171,712 |
/// | `<n>MB` | n x 512, so MB is 2^20 bytes as in the wizard |
/// | `none`, `unlimited` | no limit |
///
/// Upper and lower case are the same. GB is known in these two sizes only. [`NAMED`](Self::NAMED) says
/// what each size is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MediaSize(Option<NonZeroU64>);

text_form!(MediaSize, SizeError);

/// A size of a disc that the wizard offers by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedMediaSize {
    /// What it is called on a command line.
    pub name: &'static str,
    /// How large that is.
    pub size: MediaSize,
    /// The disc it is for, and how many sectors that holds.
    pub disc: &'static str,
}

const fn named(name: &'static str, sectors: u64, disc: &'static str) -> NamedMediaSize {
    NamedMediaSize { name, size: MediaSize(NonZeroU64::new(sectors)), disc }
}

impl MediaSize {
    /// The sizes that have names.
    pub const NAMED: [NamedMediaSize; 3] = [
        named("650MB", 332_800, "a CD of 74 minutes, which holds 333,000 sectors"),
        named("4GB", Self::SECTORS_4GB, "a DVD of one layer, which holds 2,295,104 sectors"),
        named(
            "8GB",
            Self::SECTORS_8GB,
            "a DVD of two layers, which holds as many; 8 GiB would not fit one",
        ),
    ];

    /// What stands for no limit.
    pub const NO_LIMIT: [&str; 2] = ["unlimited", "none"];

    /// No limit.
    pub const UNLIMITED: Self = Self(None);

    /// Bytes of one sector of a disc.
    pub const SECTOR: u64 = 2048;

    const ALLOWED: &str = "650MB, 4GB, 8GB, a whole number of MB (each 2^20 bytes) such as \
                           700MB, none or unlimited";
    const SECTORS_PER_MB: u64 = MIB / Self::SECTOR;
    const SECTORS_4GB: u64 = 2_097_152;
    const SECTORS_8GB: u64 = 4_171_712;

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`SizeError`] for another text, zero, and sizes whose bytes do not fit 64 bits.
    pub fn new(text: &str) -> Result<Self, SizeError> {
        if Self::NO_LIMIT.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Ok(Self::UNLIMITED);
        }
        let refused = |fault| SizeError { fault, allowed: Self::ALLOWED };
        let (number, position, unit) = number_and_unit(text).map_err(refused)?;
        let plain = format!("{number}{unit}");
        let named = Self::NAMED.iter().find(|named| plain.eq_ignore_ascii_case(named.name));
        if let Some(named) = named {
            return Ok(named.size);
        }
        if unit.eq_ignore_ascii_case("MB") {
            return Self::from_megabytes(number);
        }
        Err(refused(SizeFault::Unit { position, found: unit.to_owned() }))
    }

    /// `megabytes` times 2^20 bytes, as the SDK counts.
    ///
    /// # Errors
    ///
    /// [`SizeError`] for zero and for sizes whose bytes do not fit 64 bits.
    pub fn from_megabytes(megabytes: u64) -> Result<Self, SizeError> {
        let refused = |fault| SizeError { fault, allowed: Self::ALLOWED };
        let bytes = megabytes.checked_mul(MIB).ok_or_else(|| refused(SizeFault::TooLarge))?;
        match NonZeroU64::new(bytes / Self::SECTOR) {
            None => Err(refused(SizeFault::Zero)),
            sectors => Ok(Self(sectors)),
        }
    }

    /// Sectors of 2048 bytes; `None` is no limit.
    pub fn sectors(self) -> Option<u64> {
        self.0.map(NonZeroU64::get)
    }

    /// Bytes; `None` is no limit.
    pub fn bytes(self) -> Option<u64> {
        // Does not overflow: the constructors start from bytes or from the two constants.
        self.sectors().map(|sectors| sectors.saturating_mul(Self::SECTOR))
    }
}

impl fmt::Display for MediaSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sectors() {
            None => f.write_str("none"),
            Some(Self::SECTORS_4GB) => f.write_str("4GB"),
            Some(Self::SECTORS_8GB) => f.write_str("8GB"),
            Some(sectors) => write!(f, "{}MB", sectors / Self::SECTORS_PER_MB),
        }
    }
}

/// The size of a USB image in bytes, at least 1.
///
/// The text is a whole number and a unit: `B`, `MB`, `GB` (powers of 10) or `MiB`, `GiB` (powers of
/// 2), upper or lower case. A whole number of sectors is not asked for: sticks are sold in powers
/// of 10, and the planner leaves the odd end unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageSize(NonZeroU64);

text_form!(ImageSize, SizeError);

impl ImageSize {
    const ALLOWED: &str = "a whole number and a unit: MB or GB (powers of 10), MiB or GiB (powers \
                           of 2), or B, such as 8GB";

    /// Largest unit first, so that `Display` finds the shortest form.
    const UNITS: [(&str, u64); 5] =
        [("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", MIB), ("MB", 1_000_000), ("B", 1)];

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`SizeError`] for another text, a missing unit, zero, and more bytes than fit 64 bits.
    pub fn new(text: &str) -> Result<Self, SizeError> {
        let refused = |fault| SizeError { fault, allowed: Self::ALLOWED };
        let (number, position, unit) = number_and_unit(text).map_err(refused)?;
        let Some((_, scale)) = Self::UNITS.iter().find(|(u, _)| unit.eq_ignore_ascii_case(u))
        else {
            return Err(refused(SizeFault::Unit { position, found: unit.to_owned() }));
        };
        let bytes = number.checked_mul(*scale).ok_or_else(|| refused(SizeFault::TooLarge))?;
        Self::from_bytes(bytes)
    }

    /// A number of bytes.
    ///
    /// # Errors
    ///
    /// [`SizeError`] for zero.
    pub fn from_bytes(bytes: u64) -> Result<Self, SizeError> {
        let zero = SizeError { fault: SizeFault::Zero, allowed: Self::ALLOWED };
        NonZeroU64::new(bytes).map(Self).ok_or(zero)
    }

    /// Bytes.
    pub fn bytes(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        match Self::UNITS.iter().find(|(_, scale)| bytes.is_multiple_of(*scale)) {
            Some((unit, scale)) => write!(f, "{}{unit}", bytes / scale),
            // Every number is a multiple of one byte.
            None => write!(f, "{bytes}B"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_sizes() {
        for (text, sectors, display) in [
            ("650MB", Some(332_800), "650MB"),
            ("4GB", Some(2_097_152), "4GB"),
            ("4gb", Some(2_097_152), "4GB"),
            ("008GB", Some(4_171_712), "8GB"),
            ("4096MB", Some(2_097_152), "4GB"),
            ("8GB", Some(4_171_712), "8GB"),
            ("8192mb", Some(4_194_304), "8192MB"),
            ("1Mb", Some(512), "1MB"),
            ("0700MB", Some(358_400), "700MB"),
            ("17592186044415MB", Some(17_592_186_044_415 * 512), "17592186044415MB"),
            ("none", None, "none"),
            ("Unlimited", None, "none"),
        ] {
            let size = MediaSize::new(text).unwrap();
            assert_eq!(size.sectors(), sectors, "{text}");
            assert_eq!(size.bytes(), sectors.map(|s| s * 2048), "{text}");
            assert_eq!(size.to_string(), display, "{text}");
        }
    }

    #[test]
    fn named_sizes_are_read_and_written_so() {
        for named in MediaSize::NAMED {
            assert_eq!(MediaSize::new(named.name).unwrap(), named.size);
            assert_eq!(named.size.to_string(), named.name);
            assert!(MediaSize::ALLOWED.contains(named.name));
        }
        assert!(MediaSize::NO_LIMIT.iter().all(|word| MediaSize::ALLOWED.contains(word)));
    }

    #[test]
    fn media_size_refusals() {
        let unit = |position, found: &str| SizeFault::Unit { position, found: found.to_owned() };
        let character = |position, found| SizeFault::Character { position, found };
        for (text, fault) in [
            ("", SizeFault::Empty),
            ("MB", character(0, 'M')),
            ("-1MB", character(0, '-')),
            ("650", SizeFault::NoUnit { position: 3 }),
            ("650 MB", character(3, ' ')),
            ("4.7GB", character(1, '.')),
            ("5GB", unit(1, "GB")),
            ("650MiB", unit(3, "MiB")),
            ("650MBx", unit(3, "MBx")),
            ("0MB", SizeFault::Zero),
            ("17592186044416MB", SizeFault::TooLarge),
            ("99999999999999999999MB", SizeFault::TooLarge),
            ("unlimited ", character(0, 'u')),
        ] {
            assert_eq!(MediaSize::new(text).unwrap_err().fault(), &fault, "{text}");
        }
    }

    #[test]
    fn image_sizes() {
        for (text, bytes, display) in [
            ("8GB", 8_000_000_000, "8GB"),
            ("8gib", 8 << 30, "8GiB"),
            ("1024MiB", 1 << 30, "1GiB"),
            ("300MB", 300_000_000, "300MB"),
            ("1024MB", 1_024_000_000, "1024MB"),
            ("512B", 512, "512B"),
            ("18446744073709551615B", u64::MAX, "18446744073709551615B"),
        ] {
            let size = ImageSize::new(text).unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, display), "{text}");
        }
        for (text, fault) in [
            ("8", SizeFault::NoUnit { position: 1 }),
            ("8TB", SizeFault::Unit { position: 1, found: "TB".to_owned() }),
            ("0GiB", SizeFault::Zero),
            ("17179869184GiB", SizeFault::TooLarge),
        ] {
            assert_eq!(ImageSize::new(text).unwrap_err().fault(), &fault, "{text}");
        }
    }
}
