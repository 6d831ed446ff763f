//! Walking DER: the values that lie one behind the other, each borrowed from the input, so that
//! nothing is allocated by a number that was read.
//!
//! The `der` crate reads tags and lengths. Its own collections are not used: they sort each SET they
//! read, one insertion at a time, for which a hostile file has room for a great many elements; and
//! Microsoft does not keep the order of sets anyway.

use der::asn1::AnyRef;
use der::{Header, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

/// Why a signature cannot be read.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Which part of it.
    pub(super) part: &'static str,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { part: "its outermost values", reason: reason.into() }
    }
}

impl From<der::Error> for Wrong {
    fn from(error: der::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Says which part of a signature it is that cannot be read.
pub(super) trait InPart<T> {
    fn part(self, part: &'static str) -> Result<T, Wrong>;
}

impl<T> InPart<T> for Result<T, Wrong> {
    fn part(self, part: &'static str) -> Self {
        self.map_err(|wrong| Wrong { part, ..wrong })
    }
}

/// Values one behind the other.
pub(super) struct Values<'a> {
    reader: SliceReader<'a>,
    /// The last one could not be read; there is no telling where the next begins.
    failed: bool,
}

impl<'a> Values<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self { reader: SliceReader::new(bytes)?, failed: false })
    }

    /// The next one, which must be there.
    pub(super) fn required(&mut self) -> Result<AnyRef<'a>, Wrong> {
        self.next().unwrap_or_else(|| Err(Wrong::new("ends too early")))
    }

    /// The next one, where it has the tag `[number]` of its context; of one that has another tag
    /// nothing is taken.
    pub(super) fn tagged(&mut self, number: u32) -> Result<Option<AnyRef<'a>>, Wrong> {
        let wanted = Tag::ContextSpecific { constructed: true, number: TagNumber(number) };
        if self.reader.is_finished() || Header::peek(&self.reader)?.tag() != wanted {
            return Ok(None);
        }
        self.next().transpose()
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Result<AnyRef<'a>, Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.is_finished() {
            return None;
        }
        let value = self.reader.decode::<AnyRef<'a>>();
        self.failed = value.is_err();
        Some(value.map_err(Wrong::from))
    }
}

/// What is inside a value of the type `tag`.
pub(super) fn inside(value: AnyRef<'_>, tag: Tag) -> Result<Values<'_>, Wrong> {
    if value.tag() != tag {
        return Err(Wrong::new(format!("{tag} expected, {} found", value.tag())));
    }
    Values::of(value.value())
}
