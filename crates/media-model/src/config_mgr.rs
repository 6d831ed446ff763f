//! What Configuration Manager calls an error of ours.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// An error that media creation of Configuration Manager has a name for.
///
/// Those of the SDK's `ITsMediaClass` that can come up while capture media is made, and the hash
/// error that the product shows when damaged content is read. The others are about management
/// points and certificates, which capture media does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigMgrError {
    /// Something that the media needs is nowhere to be had: a package that the task sequence refers
    /// to and that is not on the media.
    MissingPackage,
    /// A volume of FAT16, which the product does not write media to. For drives, which come later.
    UfdFsFat16,
    /// A volume of a file system that the product does not know. For drives, which come later.
    UfdFsUnknown,
    /// Content that does not fit: a file of 4 GiB on FAT32, one that is larger than a disc, or all of
    /// it.
    PackageTooLarge,
    /// Content that is not what its hash says.
    HashValue,
}

impl ConfigMgrError {
    /// All of them, by their numbers.
    pub const ALL: &[Self] = &[
        Self::MissingPackage,
        Self::UfdFsFat16,
        Self::UfdFsUnknown,
        Self::PackageTooLarge,
        Self::HashValue,
    ];

    /// The symbolic name.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingPackage => "CREATETSMEDIA_E_MISSINGPACKAGE",
            Self::UfdFsFat16 => "CREATETSMEDIA_E_UFD_FS_FAT16",
            Self::UfdFsUnknown => "CREATETSMEDIA_E_UFD_FS_UNKNOWN",
            Self::PackageTooLarge => "CREATETSMEDIA_E_PACKAGETOOLARGE",
            Self::HashValue => "CRYPT_E_HASH_VALUE",
        }
    }

    /// The number, which logs show in hexadecimal.
    pub fn hresult(self) -> u32 {
        match self {
            Self::MissingPackage => 0x8004_0003,
            Self::UfdFsFat16 => 0x8004_000A,
            Self::UfdFsUnknown => 0x8004_000B,
            Self::PackageTooLarge => 0x8004_000C,
            Self::HashValue => 0x8009_1007,
        }
    }
}

impl fmt::Display for ConfigMgrError {
    /// `NAME 0x8004000C`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#010X}", self.name(), self.hresult())
    }
}

impl Serialize for ConfigMgrError {
    /// An object with `name` and `hresult`, the latter as text as logs have it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ConfigMgrError", 2)?;
        object.serialize_field("name", self.name())?;
        object.serialize_field("hresult", &format!("{:#010X}", self.hresult()))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(
            ConfigMgrError::PackageTooLarge.to_string(),
            "CREATETSMEDIA_E_PACKAGETOOLARGE 0x8004000C"
        );
        assert_eq!(
            serde_json::to_string(&ConfigMgrError::HashValue).unwrap(),
            r#"{"name":"CRYPT_E_HASH_VALUE","hresult":"0x80091007"}"#
        );
        assert!(ConfigMgrError::ALL.is_sorted_by_key(|error| error.hresult()));
    }
}
