//! Processor architectures, as WIM XML, PE files and firmware number and name them
//! (wim-format 1.7).

use std::fmt;

/// A processor architecture Windows was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// 32-bit x86.
    X86,
    /// 32-bit ARM.
    Arm,
    /// Itanium.
    Ia64,
    /// 64-bit x86; its name is `x64`.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// Every architecture.
    pub const ALL: [Self; 5] = [Self::X86, Self::Arm, Self::Ia64, Self::Amd64, Self::Arm64];

    /// The architecture with this number in a WIM's XML (`WINDOWS/ARCH`).
    pub fn from_xml_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.xml_number() == number)
    }

    /// The architecture with this machine number in a PE file.
    pub fn from_pe_machine(machine: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.pe_machine() == machine)
    }

    /// The number in a WIM's XML.
    pub const fn xml_number(self) -> u32 {
        match self {
            Self::X86 => 0,
            Self::Arm => 5,
            Self::Ia64 => 6,
            Self::Amd64 => 9,
            Self::Arm64 => 12,
        }
    }

    /// The machine number in PE files.
    pub const fn pe_machine(self) -> u16 {
        match self {
            Self::X86 => 0x014C,
            Self::Arm => 0x01C4,
            Self::Ia64 => 0x0200,
            Self::Amd64 => 0x8664,
            Self::Arm64 => 0xAA64,
        }
    }

    /// The file UEFI firmware starts from removable media, in `\EFI\Boot`.
    pub const fn efi_boot_file(self) -> &'static str {
        match self {
            Self::X86 => "bootia32.efi",
            Self::Arm => "bootarm.efi",
            Self::Ia64 => "bootia64.efi",
            Self::Amd64 => "bootx64.efi",
            Self::Arm64 => "bootaa64.efi",
        }
    }

    /// `x86`, `arm`, `ia64`, `x64` or `arm64`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::Arm => "arm",
            Self::Ia64 => "ia64",
            Self::Amd64 => "x64",
            Self::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back() {
        for architecture in Architecture::ALL {
            assert_eq!(
                Architecture::from_xml_number(architecture.xml_number()),
                Some(architecture)
            );
            assert_eq!(
                Architecture::from_pe_machine(architecture.pe_machine()),
                Some(architecture)
            );
        }
        assert_eq!(Architecture::from_xml_number(1), None);
        assert_eq!(Architecture::from_pe_machine(0), None);
        assert_eq!(format!("{:>5}", Architecture::Amd64), "  x64");
    }
}
