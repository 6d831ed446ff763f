//! The second set of boot files in newer boot images: the boot manager signed for the Windows UEFI
//! CA 2023 and what goes with it, in folders whose names end in `_EX`.
//!
//! Windows boot images have it since the cumulative update of April 2024. The files lie on media
//! under the names of the classic set. What has no row here has one form for both sets, and comes
//! from the classic places. The folder `bootbins`, and the programs for discs in it, are what the
//! `copype` of newer Windows ADKs makes. Unconfirmed: `efisys_noprompt_EX.bin` in the boot image. Public
//! scripts read it there, and `copype` copies one of that name.

use crate::places::BootFile;

/// Which of the two sets of boot files. They differ in what UEFI starts and reads; which
/// certificate a boot manager is signed with, its signature alone tells: newer boot images have
/// programs of both generations in the classic set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BootSet {
    /// `Windows\Boot\EFI`, `Fonts`, `DVD`.
    #[default]
    Classic,
    /// `Windows\Boot\EFI_EX`, `Fonts_EX`, `DVD_EX`.
    Ex,
}

/// Where the `_EX` form of a boot file is.
pub(crate) struct ExPlace {
    pub(crate) file: BootFile,
    /// Paths in the boot image, as in the classic table.
    pub(crate) image: &'static [&'static str],
    /// Other names in a folder of boot files.
    pub(crate) folder: &'static [&'static str],
}

/// The row of a file that the `_EX` set has a form of its own of.
pub(crate) fn ex_place(file: BootFile) -> Option<&'static ExPlace> {
    EX_PLACES.iter().find(|place| place.file == file)
}

const EX_PLACES: &[ExPlace] = &[
    ExPlace {
        file: BootFile::EfiBootManager,
        image: &[r"Windows\Boot\EFI_EX\bootmgfw_EX.efi"],
        folder: &[r"EFI_EX\bootmgfw_EX.efi", r"bootbins\bootmgfw_EX.efi", "bootmgfw_EX.efi"],
    },
    ExPlace {
        file: BootFile::BootmgrEfi,
        image: &[r"Windows\Boot\EFI_EX\bootmgr_EX.efi"],
        folder: &[r"EFI_EX\bootmgr_EX.efi", r"bootbins\bootmgr_EX.efi", "bootmgr_EX.efi"],
    },
    ExPlace {
        file: BootFile::Efisys,
        image: &[
            r"Windows\Boot\DVD_EX\EFI\{lang}\efisys_EX.bin",
            r"Windows\Boot\DVD_EX\EFI\efisys_EX.bin",
        ],
        folder: &[
            r"DVD_EX\EFI\en-US\efisys_EX.bin",
            r"fwfiles\efisys_EX.bin",
            r"bootbins\efisys_EX.bin",
            "efisys_EX.bin",
        ],
    },
    ExPlace {
        file: BootFile::EfisysNoprompt,
        image: &[
            r"Windows\Boot\DVD_EX\EFI\{lang}\efisys_noprompt_EX.bin",
            r"Windows\Boot\DVD_EX\EFI\efisys_noprompt_EX.bin",
        ],
        folder: &[
            r"DVD_EX\EFI\en-US\efisys_noprompt_EX.bin",
            r"fwfiles\efisys_noprompt_EX.bin",
            r"bootbins\efisys_noprompt_EX.bin",
            "efisys_noprompt_EX.bin",
        ],
    },
];

/// Where the `_EX` set has a list of revoked signatures of its own. Not every one has.
pub(crate) const EX_BOOT_STL: &str = r"Windows\Boot\EFI_EX\boot.stl";

/// The fonts of the `_EX` set in the boot image, by folder.
pub(crate) const EX_FONTS_IN_IMAGE: &str = r"Windows\Boot\Fonts_EX";
/// The same in a folder of boot files; the empty path is that folder itself.
pub(crate) const EX_FONTS_IN_FOLDER: &[&str] = &[EX_FONTS_IN_IMAGE, "Fonts_EX", ""];
/// How the names of these fonts end; loose ones are told by it from those of the classic set.
pub(crate) const EX_FONT: &str = "_EX.ttf";

/// A font's name on media: without `_EX`.
pub(crate) fn font_on_media(name: &str) -> String {
    let stem = name.len().checked_sub(EX_FONT.len()).and_then(|at| name.split_at_checked(at));
    match stem {
        Some((stem, end)) if end.eq_ignore_ascii_case(EX_FONT) => {
            format!("{stem}{}", end.get("_EX".len()..).unwrap_or_default())
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::PLACES;

    #[test]
    fn each_file_has_one_row_and_one_in_the_classic_table() {
        for place in EX_PLACES {
            assert_eq!(EX_PLACES.iter().filter(|other| other.file == place.file).count(), 1);
            assert_eq!(PLACES.iter().filter(|other| other.file == place.file).count(), 1);
            assert!(place.image.iter().chain(place.folder).all(|path| path.contains("_EX")));
        }
    }

    #[test]
    fn fonts_lose_their_suffix_and_nothing_else() {
        for (name, media) in [
            ("wgl4_boot_EX.ttf", "wgl4_boot.ttf"),
            ("Segoe_ex.TTF", "Segoe.TTF"),
            ("cht_boot.ttf", "cht_boot.ttf"),
            ("_EX.ttf", ".ttf"),
            ("ÄEX.ttf", "ÄEX.ttf"),
            ("é", "é"),
        ] {
            assert_eq!(font_on_media(name), media);
        }
    }
}
