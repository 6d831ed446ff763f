//! Where the boot files of the classic set come from and where they go: the one table of it. What
//! the set signed for the Windows UEFI CA 2023 has of its own is in `ex_set`.
//!
//! The places are those that published tools read (wim-peers, section 3.1). Unconfirmed: that every
//! Configuration Manager boot image holds `sms\bin\<arch>\{etfsboot.com,efisys.bin,bootfix.bin}`
//! (they are named in its injection list), which is why they come last and a folder of boot files
//! can stand in for any of them.

/// What a boot file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BootFile {
    /// The El Torito program that a BIOS starts from a disc.
    Etfsboot,
    /// The FAT image that UEFI starts from a disc. Its loader asks for a key.
    Efisys,
    /// The same with a loader that does not ask.
    EfisysNoprompt,
    /// The boot manager that our boot record starts under BIOS.
    Bootmgr,
    /// The boot manager that UEFI starts by its name.
    EfiBootManager,
    /// A boot manager that older loaders chain to.
    BootmgrEfi,
    /// Boot configuration for BIOS.
    BcdBios,
    /// Boot configuration for UEFI.
    BcdEfi,
    /// The RAM disk that the boot image is attached to.
    BootSdi,
    /// Makes the BIOS disc program ask for a key.
    Bootfix,
    /// The list of revoked signatures, read by newer boot managers.
    BootStl,
    /// Code integrity policy, read if present.
    WinSiPolicy,
    /// The memory test for BIOS.
    MemtestBios,
    /// The memory test for UEFI.
    MemtestEfi,
    /// Pictures of the boot manager under UEFI.
    BootResources,
    /// A font of the boot manager.
    Font,
}

impl BootFile {
    /// Its path on media, names separated by `\`; `None` where that depends on the architecture or
    /// on the file's own name.
    pub fn path_on_media(self) -> Option<&'static str> {
        let place = PLACES.iter().find(|place| place.file == self)?;
        Some(place.media).filter(|media| !media.contains('{'))
    }
}

/// Whether media can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Media without it does not start.
    Required,
    /// Starts discs, of no use elsewhere. Another program can stand in for it.
    StartsDiscs,
    /// Media needs it, and one can be made where none is found.
    Replaceable,
    /// Copied when it is there.
    Optional,
}

/// The firmware that reads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firmware {
    Bios,
    Uefi,
    Both,
}

pub(crate) struct Place {
    pub(crate) file: BootFile,
    /// Path on the media. `{efi}` is the architecture in the name UEFI starts: `x64`, `ia32`.
    pub(crate) media: &'static str,
    pub(crate) need: Need,
    pub(crate) firmware: Firmware,
    /// Paths in the boot image, first found wins. `{lang}` stands for a language folder, `{arch}`
    /// for the architecture as Configuration Manager writes it: `x64`, `i386`.
    pub(crate) image: &'static [&'static str],
    /// Other names in a folder of boot files, where it is not laid out like media or a boot image:
    /// `fwfiles` and, in newer versions, `bootbins` are what the Windows ADK's `copype` makes.
    pub(crate) folder: &'static [&'static str],
}

/// The fonts, by folder: every `*.ttf` in it is copied.
pub(crate) const FONTS_IN_IMAGE: &str = r"Windows\Boot\Fonts";
/// The same in a folder of boot files.
pub(crate) const FONTS_IN_FOLDER: &[&str] = &[
    r"boot\fonts",
    r"media\boot\fonts",
    r"EFI\Microsoft\Boot\Fonts",
    r"media\EFI\Microsoft\Boot\Fonts",
    FONTS_IN_IMAGE,
];
/// Where each font goes, and which firmware reads it there.
pub(crate) const FONTS_ON_MEDIA: &[(&str, Firmware)] =
    &[(r"boot\fonts", Firmware::Bios), (r"EFI\Microsoft\Boot\fonts", Firmware::Uefi)];

pub(crate) const PLACES: &[Place] = &[
    Place {
        file: BootFile::Etfsboot,
        media: r"boot\etfsboot.com",
        need: Need::StartsDiscs,
        firmware: Firmware::Bios,
        image: &[r"Windows\Boot\DVD\PCAT\etfsboot.com", r"sms\bin\{arch}\etfsboot.com"],
        folder: &[r"fwfiles\etfsboot.com", r"bootbins\etfsboot.com", "etfsboot.com"],
    },
    Place {
        file: BootFile::Efisys,
        media: r"EFI\Microsoft\Boot\efisys.bin",
        need: Need::StartsDiscs,
        firmware: Firmware::Uefi,
        image: &[
            r"Windows\Boot\DVD\EFI\{lang}\efisys.bin",
            r"Windows\Boot\DVD\EFI\efisys.bin",
            r"sms\bin\{arch}\efisys.bin",
        ],
        folder: &[r"fwfiles\efisys.bin", r"bootbins\efisys.bin", "efisys.bin"],
    },
    Place {
        file: BootFile::EfisysNoprompt,
        media: r"EFI\Microsoft\Boot\efisys_noprompt.bin",
        need: Need::StartsDiscs,
        firmware: Firmware::Uefi,
        image: &[
            r"Windows\Boot\DVD\EFI\{lang}\efisys_noprompt.bin",
            r"Windows\Boot\DVD\EFI\efisys_noprompt.bin",
            r"sms\bin\{arch}\efisys_noprompt.bin",
        ],
        folder: &[
            r"fwfiles\efisys_noprompt.bin",
            r"bootbins\efisys_noprompt.bin",
            "efisys_noprompt.bin",
        ],
    },
    Place {
        file: BootFile::Bootmgr,
        media: "bootmgr",
        need: Need::Required,
        firmware: Firmware::Bios,
        image: &[r"Windows\Boot\PCAT\bootmgr"],
        folder: &[],
    },
    Place {
        file: BootFile::EfiBootManager,
        media: r"EFI\Boot\boot{efi}.efi",
        need: Need::Required,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\EFI\bootmgfw.efi"],
        folder: &[r"bootbins\bootmgfw.efi", "bootmgfw.efi", "boot{efi}.efi"],
    },
    Place {
        file: BootFile::BootmgrEfi,
        media: "bootmgr.efi",
        need: Need::Optional,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\EFI\bootmgr.efi"],
        folder: &[],
    },
    Place {
        file: BootFile::BcdBios,
        media: r"boot\bcd",
        need: Need::Replaceable,
        firmware: Firmware::Bios,
        image: &[r"Windows\Boot\DVD\PCAT\BCD"],
        folder: &[],
    },
    Place {
        file: BootFile::BcdEfi,
        media: r"EFI\Microsoft\Boot\bcd",
        need: Need::Replaceable,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\DVD\EFI\BCD"],
        folder: &[],
    },
    Place {
        file: BootFile::BootSdi,
        media: r"boot\boot.sdi",
        need: Need::Required,
        firmware: Firmware::Both,
        image: &[
            r"Windows\Boot\DVD\PCAT\boot.sdi",
            r"Windows\Boot\DVD\EFI\boot.sdi",
            r"sms\boot\boot.sdi",
        ],
        folder: &["boot.sdi"],
    },
    Place {
        file: BootFile::Bootfix,
        media: r"boot\bootfix.bin",
        need: Need::Optional,
        firmware: Firmware::Bios,
        image: &[
            r"Windows\Boot\DVD\PCAT\{lang}\bootfix.bin",
            r"Windows\Boot\DVD\PCAT\bootfix.bin",
            r"sms\bin\{arch}\bootfix.bin",
        ],
        folder: &[r"fwfiles\bootfix.bin", "bootfix.bin"],
    },
    Place {
        file: BootFile::BootStl,
        media: r"EFI\Microsoft\Boot\boot.stl",
        need: Need::Optional,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\EFI\boot.stl"],
        folder: &["boot.stl"],
    },
    Place {
        file: BootFile::WinSiPolicy,
        media: r"EFI\Microsoft\Boot\winsipolicy.p7b",
        need: Need::Optional,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\EFI\winsipolicy.p7b"],
        folder: &["winsipolicy.p7b"],
    },
    Place {
        file: BootFile::MemtestBios,
        media: r"boot\memtest.exe",
        need: Need::Optional,
        firmware: Firmware::Bios,
        image: &[r"Windows\Boot\PCAT\memtest.exe"],
        folder: &["memtest.exe"],
    },
    Place {
        file: BootFile::MemtestEfi,
        media: r"EFI\Microsoft\Boot\memtest.efi",
        need: Need::Optional,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\EFI\memtest.efi"],
        folder: &["memtest.efi"],
    },
    Place {
        file: BootFile::BootResources,
        media: r"EFI\Microsoft\Boot\Resources\bootres.dll",
        need: Need::Optional,
        firmware: Firmware::Uefi,
        image: &[r"Windows\Boot\Resources\bootres.dll"],
        folder: &["bootres.dll"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_one_row_and_one_place_on_the_media() {
        for (index, place) in PLACES.iter().enumerate() {
            for other in &PLACES[index + 1..] {
                assert_ne!(place.file, other.file);
                assert!(!place.media.eq_ignore_ascii_case(other.media));
            }
            assert!(!place.image.is_empty());
        }
        assert_eq!(BootFile::BcdBios.path_on_media(), Some(r"boot\bcd"));
        assert_eq!(BootFile::EfiBootManager.path_on_media(), None);
        assert_eq!(BootFile::Font.path_on_media(), None);
    }
}
