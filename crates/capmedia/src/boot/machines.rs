//! The computers that media is for, and whether they start the boot image.
//!
//! | `--target-arch` | boot images | what UEFI starts |
//! |---|---|---|
//! | `x64` | x64, x86 | `bootx64.efi` |
//! | `x86` | x86 | `bootia32.efi` |
//! | `arm64` | arm64 | `bootaa64.efi` |
//!
//! No BIOS starts arm64 computers, so their media has nothing for one.
//!
//! A boot image for x86 on x64 computers is the odd case. A BIOS starts it. UEFI of 64 bits starts
//! only `bootx64.efi`, so one is looked for (in `--boot-files`, then the boot image), and the media
//! gets it beside `bootia32.efi`. That one stays in any case: some x64 computers have UEFI of 32
//! bits, and they start it and such a boot image. Without `bootx64.efi` the media starts by a BIOS,
//! and by that kind of UEFI where it has `bootia32.efi`; a warning says so.

use boot_image::{Architecture, BootFile, BootFiles, BootImage, BootImageError, BootSet};
use media_model::{CheckedRequest, TargetArch};

use crate::boot::manager::manager_name;
use crate::report::Warning;

/// The computers asked for do not start boot images of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{boot_image} is for {image} computers and the media for {target} ones, which start {} boot \
     images only; give such a boot image, or the right computers with --target-arch {}",
    started_by(*target), fitting(*image)
)]
#[non_exhaustive]
pub struct TargetError {
    /// The boot image.
    pub boot_image: String,
    /// Its architecture.
    pub image: Architecture,
    /// The computers asked for.
    pub target: Architecture,
}

fn started_by(target: Architecture) -> &'static str {
    match target {
        Architecture::Amd64 => "x64 and x86",
        other => other.name(),
    }
}

fn fitting(image: Architecture) -> &'static str {
    match image {
        Architecture::X86 => "x86 or x64",
        other => other.name(),
    }
}

/// The boot image's architecture, and that of the computers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machines {
    pub(crate) image: Architecture,
    pub(crate) target: Architecture,
}

/// Why machines are not known, or do not fit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MachinesError {
    #[error(transparent)]
    BootImage(#[from] BootImageError),
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl Machines {
    /// The boot image's own architecture where nothing else is asked for.
    pub(crate) fn of(request: &CheckedRequest, image: &BootImage) -> Result<Self, MachinesError> {
        let target = request.target_arch().map(architecture);
        let own = match image.architecture(request.boot_files()) {
            // What was given beside a boot image for x86 is the loader that it lacks.
            Err(BootImageError::Disagree {
                expected: Architecture::X86,
                pe: Architecture::Amd64,
                ..
            }) if target == Some(Architecture::Amd64) => Architecture::X86,
            own => own?,
        };
        let target = target.unwrap_or(own);
        let x86_on_x64 = (own, target) == (Architecture::X86, Architecture::Amd64);
        if own == target || x86_on_x64 {
            return Ok(Self { image: own, target });
        }
        Err(TargetError { boot_image: image.name(), image: own, target }.into())
    }

    /// Whether a BIOS starts such computers.
    pub(crate) fn have_bios(self) -> bool {
        self.image != Architecture::Arm64
    }

    /// The architecture of the loader that the computers need and the boot image lacks.
    pub(crate) fn other_loader(self) -> Option<Architecture> {
        (self.image != self.target).then_some(self.target)
    }

    /// Whether there is a loader that the boot image's own programs for discs do not start.
    pub(crate) fn has_other_loader(self, files: &BootFiles) -> bool {
        self.other_loader().is_some_and(|other| has_loader(files, other))
    }

    /// The UEFI that starts the media, as the report calls it; `None` where there is nothing for it.
    pub(crate) fn uefi(self, files: &BootFiles) -> Option<&'static str> {
        let has = |architecture| has_loader(files, architecture);
        if self.other_loader().is_none() {
            // Without a boot manager there is no media, or it has one.
            return Some("UEFI");
        }
        match (has(self.target), has(self.image)) {
            (true, _) => Some("UEFI"),
            (false, true) => Some("UEFI (32-bit)"),
            (false, false) => None,
        }
    }

    /// What an operator who makes media for x64 computers from a boot image for x86 should know.
    pub(crate) fn warning(
        self,
        image: &BootImage,
        files: &BootFiles,
        set: BootSet,
    ) -> Option<Warning> {
        let target = self.other_loader()?;
        let (name, own) = (image.name(), self.image);
        let wanted = format!(r"EFI\Boot\{}", target.efi_boot_file());
        if has_loader(files, target) {
            return Some(Warning::new(format!(
                "{name} is for {own}: {target} computers with UEFI start {wanted}, but Microsoft \
                 says that it starts no Windows PE of another architecture; if that is so, start \
                 them by their BIOS (legacy boot), or use a boot image for {target}"
            )));
        }
        let missing = files.missing.iter().find(|missing| missing.media == wanted);
        let searched = missing.map_or(String::new(), |missing| missing.searched.join(", "));
        let small = match has_loader(files, own) {
            true => format!(", or by UEFI of 32 bits, which starts {}", own.efi_boot_file()),
            false => String::new(),
        };
        Some(Warning::new(format!(
            "{target} computers start this media only by their BIOS (legacy boot){small}: {name} is \
             for {own} and there is no boot manager for {target} (searched: {searched}); use a boot \
             image for {target}, or give its {} with --boot-files",
            manager_name(set)
        )))
    }
}

fn has_loader(files: &BootFiles, architecture: Architecture) -> bool {
    let mut managers = files.found.iter().filter(|found| found.file == BootFile::EfiBootManager);
    managers.any(|found| found.media.ends_with(architecture.efi_boot_file()))
}

fn architecture(target: TargetArch) -> Architecture {
    match target {
        TargetArch::X86 => Architecture::X86,
        TargetArch::Arm64 => Architecture::Arm64,
        _ => Architecture::Amd64,
    }
}
