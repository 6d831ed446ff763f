//! Volumes that belong together (ECMA-119 6.6).

use crate::text::VolumeSetId;

/// Which volume of which set an image is.
///
/// Every volume has a whole tree of its own: no reader follows a record to another disc.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeSet {
    id: VolumeSetId,
    number: u16,
    size: u16,
}

impl VolumeSet {
    /// The volume with this number, counted from 1, of a set of `size`. All volumes of a set have
    /// its identifier and its size.
    ///
    /// # Errors
    /// [`VolumeSetError`] when there is no such volume.
    pub fn new(id: VolumeSetId, number: u16, size: u16) -> Result<Self, VolumeSetError> {
        if (1..=size).contains(&number) {
            Ok(Self { id, number, size })
        } else {
            Err(VolumeSetError { number, size })
        }
    }

    /// The identifier of the set.
    pub fn id(&self) -> &VolumeSetId {
        &self.id
    }

    /// The number of the volume, from 1.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Number of volumes.
    pub fn size(&self) -> u16 {
        self.size
    }
}

/// A set has no volume of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("volume {number} of a set of {size}: a set has 1 to 65535 volumes, counted from 1")]
#[non_exhaustive]
pub struct VolumeSetError {
    /// The number.
    pub number: u16,
    /// Volumes of the set.
    pub size: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_from_one_to_the_size() {
        let set = |number, size| VolumeSet::new(VolumeSetId::new("SET").unwrap(), number, size);
        assert_eq!(set(1, 1).unwrap().number(), 1);
        assert_eq!(set(u16::MAX, u16::MAX).unwrap().size(), u16::MAX);
        for (number, size) in [(0, 0), (0, 1), (2, 1), (1, 0)] {
            assert_eq!(set(number, size), Err(VolumeSetError { number, size }));
        }
    }
}
