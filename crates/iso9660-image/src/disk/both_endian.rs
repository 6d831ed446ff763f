//! Numbers written in both byte orders, one after the other (ECMA-119 7.2.3 and 7.3.3).

use std::mem::offset_of;

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, big_endian, little_endian,
};

/// A 16-bit number, little-endian then big-endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Both16 {
    le: little_endian::U16,
    be: big_endian::U16,
}

const _: () = assert!(size_of::<Both16>() == 4);
const _: () = assert!(offset_of!(Both16, be) == 2);

impl Both16 {
    pub(crate) fn new(value: u16) -> Self {
        Self { le: value.into(), be: value.into() }
    }

    /// The number, or `None` when the halves differ.
    pub(crate) fn get(self) -> Option<u16> {
        (self.le.get() == self.be.get()).then(|| self.le.get())
    }

    /// The half that almost every reader uses.
    pub(crate) fn little(self) -> u16 {
        self.le.get()
    }

    /// The other half, for messages.
    pub(crate) fn big(self) -> u16 {
        self.be.get()
    }
}

/// A 32-bit number, little-endian then big-endian.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Both32 {
    le: little_endian::U32,
    be: big_endian::U32,
}

const _: () = assert!(size_of::<Both32>() == 8);
const _: () = assert!(offset_of!(Both32, be) == 4);

impl Both32 {
    pub(crate) fn new(value: u32) -> Self {
        Self { le: value.into(), be: value.into() }
    }

    /// The number, or `None` when the halves differ.
    pub(crate) fn get(self) -> Option<u32> {
        (self.le.get() == self.be.get()).then(|| self.le.get())
    }

    /// The half that almost every reader uses.
    pub(crate) fn little(self) -> u32 {
        self.le.get()
    }

    /// The other half, for messages.
    pub(crate) fn big(self) -> u32 {
        self.be.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_by_hand() {
        assert_eq!(Both16::new(0x0102).as_bytes(), [2, 1, 1, 2]);
        assert_eq!(Both32::new(0x0102_0304).as_bytes(), [4, 3, 2, 1, 1, 2, 3, 4]);
        assert_eq!(Both32::new(7).get(), Some(7));
    }

    #[test]
    fn halves_that_differ_are_no_number() {
        let wrong = Both16::read_from_bytes(&[1, 0, 0, 2]).unwrap();
        assert_eq!((wrong.get(), wrong.little()), (None, 1));
        let wrong = Both32::read_from_bytes(&[1, 0, 0, 0, 0, 0, 0, 2]).unwrap();
        assert_eq!((wrong.get(), wrong.little()), (None, 1));
    }
}
