//! What starts the media.

use std::fmt;

use crate::error::NameError;
use crate::target::words;
use crate::text::text_form;

/// The certificate that the UEFI boot manager of the media is signed for. No boot manager is accepted
/// by every firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BootManagerChoice {
    /// What the boot image gives: the boot manager of `Windows\Boot\EFI`, else that of `EFI_EX`.
    #[default]
    Auto,
    /// Microsoft Windows Production PCA 2011.
    Pca2011,
    /// Windows UEFI CA 2023.
    Ca2023,
}

words!(BootManagerChoice, "boot manager", "auto" => Auto, "2011" => Pca2011, "2023" => Ca2023);

/// Where the boot configuration (BCD) of the media comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BcdChoice {
    /// From the boot image, where it holds one that starts `\sources\boot.wim`, else ours.
    #[default]
    Auto,
    /// From the boot image.
    Image,
    /// Ours.
    Own,
}

words!(BcdChoice, "boot configuration", "auto" => Auto, "image" => Image, "own" => Own);

/// The resolution of the boot manager's graphics: those that the BCD has a number for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BcdResolution {
    /// 1024 x 768.
    W1024H768,
    /// 800 x 600.
    W800H600,
    /// 1024 x 600.
    W1024H600,
    /// The highest that the firmware offers.
    Highest,
}

words!(
    BcdResolution,
    "resolution",
    "1024x768" => W1024H768,
    "800x600" => W800H600,
    "1024x600" => W1024H600,
    "highest" => Highest,
);
