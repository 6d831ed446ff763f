//! What firmware starts from the media: the boot image's own programs for discs, or ours.

use boot_image::{BootFile, BootFiles, BootSet, Found};
use extent_image::ReadAt;
use iso9660_image::check_efi_image;
use media_model::{BootPrompt, CheckedRequest, FileSystem, MediaType};

use crate::boot::code::StickCode;
use crate::boot::loaders::{self, Named};
use crate::boot::machines::Machines;
use crate::boot::manager::{BootManagerSummary, TakenFor};
use crate::plan::resolve::ResolveError;
use crate::plan::stick::DiskShape;
use crate::report::Warning;

/// What firmware starts, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Starts {
    /// Whether a BIOS starts the media.
    pub(crate) bios: bool,
    /// What a BIOS starts it by where it is a stick.
    pub(crate) stick: Option<StickCode>,
    /// The UEFI that starts the media; `None` where none does.
    pub(crate) uefi: Option<&'static str>,
    /// Whether the media is a disc, or both disc and stick.
    pub(crate) disc: bool,
    /// Whether a disc is to ask for a key.
    pub(crate) prompt: bool,
    /// What UEFI starts from a disc.
    efi: EfiStart,
    /// Boot files that this kind of media cannot do without, beside those that none can.
    pub(crate) required: Vec<BootFile>,
}

/// What UEFI starts from a plain disc.
#[derive(Debug, Clone)]
enum EfiStart {
    /// This file, which is a volume.
    File(BootFile),
    /// A FAT volume of our own.
    Own(OwnVolume),
    /// Nothing, or it is no plain disc.
    None,
}

/// Why UEFI starts a FAT volume of our own from a disc.
#[derive(Debug, Clone)]
pub(crate) struct OwnVolume {
    /// In words.
    pub(crate) reason: String,
    /// How to have the boot image's own program started.
    pub(crate) remedy: &'static str,
}

impl OwnVolume {
    fn told(&self) -> String {
        format!(
            "{}: UEFI starts a FAT volume in the disc that holds its boot files, and does not ask for \
             a key",
            self.reason
        )
    }
}

impl Starts {
    /// Boot images that Configuration Manager made have the programs that discs start by; stock ones
    /// have none, and ours stand in.
    pub(crate) fn new(
        request: &CheckedRequest,
        shape: &DiskShape,
        machines: Machines,
        set: BootSet,
        files: &BootFiles,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let disc = request.media_type().is_disc();
        let uefi = machines.uefi(files);
        let stick = match request.media_type() {
            MediaType::Hybrid => Some(StickCode::Partition),
            MediaType::Usb => shape.boot_code(),
            _ => None,
        };
        let stick = stick.filter(|_| machines.have_bios());
        let bios = machines.have_bios() && (disc || stick.is_some());
        if let Some(why) = shape.without_bios().filter(|_| machines.have_bios() && !disc) {
            warnings.push(Warning::new(format!(
                "no BIOS starts the stick, as {why}{}",
                if uefi.is_none() { "; and no UEFI does: nothing starts it" } else { "" }
            )));
        }
        if let Some(why) = shape.without_uefi().filter(|_| uefi.is_some() && !disc) {
            warnings.push(Warning::new(why));
        }
        let prompt = !disc || request.boot_prompt() == BootPrompt::Yes;
        let efi = EfiStart::None;
        let mut this = Self { bios, stick, uefi, disc, prompt, efi, required: Vec::new() };
        if !disc {
            return this;
        }
        if bios && !files.has(BootFile::Etfsboot) {
            if request.file_system() == FileSystem::UdfStub {
                // Ours looks for the boot manager in ISO 9660.
                this.required.push(BootFile::Etfsboot);
            } else {
                warnings.push(Warning::new(format!(
                    "there is no etfsboot.com{}: a BIOS starts the disc by capmedia's own program",
                    searched(files, BootFile::Etfsboot)
                )));
            }
        }
        if request.media_type().is_stick() || uefi.is_none() {
            return this;
        }
        this.efi = if machines.has_other_loader(files) {
            // The one in efisys.bin is the boot image's.
            EfiStart::Own(OwnVolume {
                reason: "there are loaders of both architectures".to_owned(),
                remedy: "use a boot image for x64, or --media-type usb",
            })
        } else {
            this.program(set, files, warnings)
        };
        if let EfiStart::Own(own) = &this.efi {
            warnings.push(Warning::new(own.told()));
        }
        this
    }

    fn program(
        &mut self,
        set: BootSet,
        files: &BootFiles,
        warnings: &mut Vec<Warning>,
    ) -> EfiStart {
        let asks = files.has(BootFile::Efisys);
        let silent = files.has(BootFile::EfisysNoprompt);
        match (self.prompt, asks, silent) {
            (true, true, _) => EfiStart::File(BootFile::Efisys),
            (false, _, true) => EfiStart::File(BootFile::EfisysNoprompt),
            (true, false, true) => {
                warnings.push(Warning::new(format!(
                    "there is no efisys.bin{}: UEFI starts efisys_noprompt.bin, which does not ask \
                     for a key",
                    searched(files, BootFile::Efisys)
                )));
                EfiStart::File(BootFile::EfisysNoprompt)
            }
            // The program of the other set would start the other boot manager; none is needed.
            (false, true, false) if set == BootSet::Ex => EfiStart::Own(OwnVolume {
                reason: format!(
                    "there is no efisys_noprompt.bin of the _EX set{}",
                    searched(files, BootFile::EfisysNoprompt)
                ),
                remedy: "give a folder that holds efisys_noprompt_EX.bin with --boot-files, or leave \
                         --boot-prompt no out",
            }),
            (false, true, false) => {
                self.required.push(BootFile::EfisysNoprompt);
                EfiStart::None
            }
            (_, false, false) => EfiStart::Own(OwnVolume {
                reason: format!("there is no efisys.bin{}", searched(files, BootFile::Efisys)),
                remedy: "give a folder that holds efisys.bin with --boot-files",
            }),
        }
    }

    /// The file that UEFI starts from a disc; `None` where it starts a FAT volume of our own.
    pub(crate) fn efi_image(&self) -> Option<BootFile> {
        match self.efi {
            EfiStart::File(file) => Some(file),
            _ => None,
        }
    }

    /// Why UEFI starts a FAT volume of our own from a disc, where it does.
    pub(crate) fn own_volume(&self) -> Option<&OwnVolume> {
        match &self.efi {
            EfiStart::Own(own) => Some(own),
            _ => None,
        }
    }

    /// Looks into the program that UEFI starts from a disc, and puts its loader into the report. A
    /// FAT volume of our own takes the program's place where that starts on other computers, and where
    /// its signature, the first that Secure Boot asks for, is not of the years that the boot manager is
    /// taken for.
    pub(crate) fn look_at_program(
        &mut self,
        machines: Machines,
        files: &BootFiles,
        taken: &TakenFor,
        report: &mut BootManagerSummary,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), ResolveError> {
        let program = self.efi_image();
        let found = files.found.iter().find(|found| Some(found.file) == program);
        let Some(found) = found else { return Ok(()) };
        check_efi_program(found)?;
        let place = found.source.describe();
        let path = found.media.replace('\\', "/");
        let (loaders, notes) = loaders::in_file(&path, &*found.source)
            .map_err(|source| ResolveError::ReadEfiImage { place: place.clone(), source })?;
        // Where there is a boot manager for others too, there is a volume of our own already.
        let wanted = machines.image.efi_boot_file();
        let first = loaders.iter().find(|loader| loader.name == wanted);
        let reason = match first {
            // What cannot be read may hold anything; a note tells that.
            None if loaders.is_empty() => None,
            None => {
                let names: Vec<_> = loaders.iter().map(|loader| loader.name).collect();
                Some(format!(
                    "{place} holds {}, and {} computers start {wanted}",
                    names.join(" and "),
                    machines.image
                ))
            }
            Some(Named { looked, .. }) => taken.year_lacking_in(looked).map(|year| {
                format!(
                    "the loader in {place} does not start where certificates of {} are trusted, as \
                     the boot manager does ({})",
                    year.number(),
                    looked.loader.secure_boot
                )
            }),
        };
        let Some(reason) = reason else {
            report.notes.extend(notes);
            report.notes.extend(first.and_then(|Named { looked, .. }| {
                let told = format!("the loader in {place}");
                loaders::mismatch(&told, looked, "the boot manager", &taken.generations)
            }));
            for Named { looked, .. } in loaders {
                report.found.push(place.clone());
                report.loaders.push(looked.loader);
            }
            return Ok(());
        };
        let own = OwnVolume {
            reason,
            remedy: match (first.is_some(), taken.set) {
                (true, BootSet::Classic) => {
                    "give a folder that holds an efisys.bin whose loader does, with --boot-files"
                }
                (true, BootSet::Ex) => {
                    "give a folder that holds an efisys_EX.bin whose loader does, with --boot-files"
                }
                (false, BootSet::Classic) => {
                    "give a folder that holds an efisys.bin for these computers, with --boot-files"
                }
                (false, BootSet::Ex) => {
                    "give a folder that holds an efisys_EX.bin for these computers, with --boot-files"
                }
            },
        };
        warnings.push(Warning::new(format!("{}; to change that, {}", own.told(), own.remedy)));
        self.efi = EfiStart::Own(own);
        Ok(())
    }
}

/// Takes out what UEFI alone reads, for media that none starts.
pub(crate) fn without_uefi(files: &mut BootFiles) {
    // The RAM disk is for both.
    files.found.retain(|found| !found.for_uefi || found.file == BootFile::BootSdi);
    files.missing.retain(|missing| missing.file != BootFile::BcdEfi);
}

fn check_efi_program(found: &Found) -> Result<(), ResolveError> {
    let place = found.source.describe();
    let len = usize::try_from(found.source.len()).unwrap_or(usize::MAX).min(SECTOR);
    let mut sector = vec![0; len];
    match ReadAt::read_exact_at(&*found.source, &mut sector, 0) {
        Ok(()) => {
            check_efi_image(&sector).map_err(|source| ResolveError::EfiImage { place, source })
        }
        Err(source) => Err(ResolveError::ReadEfiImage { place, source }),
    }
}

/// Bytes of a FAT volume that say what it is.
const SECTOR: usize = 512;

fn searched(files: &BootFiles, file: BootFile) -> String {
    let missing = files.missing.iter().find(|missing| missing.file == file);
    missing.map_or(String::new(), |m| format!(" (searched: {})", m.searched.join(", ")))
}
