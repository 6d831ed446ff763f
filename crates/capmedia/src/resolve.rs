//! A checked request becomes facts: the boot image opened, every boot file found, every added file
//! looked at, equal contents made one. Nothing is written, and of large files nothing is read but what
//! must be known.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boot_image::{Architecture, BootFile, BootFiles, BootImage, BootImageError, Found};
use extent_image::scan::{ScanError, host_folder};
use extent_image::{Data, FileSource, OpenFile, ReadAt, ShareError, Timestamp, share_equal};
use iso9660_image::{EfiImageError, check_efi_image};
use media_model::{
    AddSpec, BootPrompt, CheckedRequest, FileSystem, MediaPath, MediaPathError, MediaType,
};

use crate::boot_code;
use crate::compose::{Added, BootFileAt, Facts, Part};
use crate::report::Warning;

/// What the request names cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The file given as boot image cannot be opened.
    #[error("cannot open the boot image {}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder of boot files cannot be read.
    #[error("cannot read the folder of boot files {}", path.display())]
    BootFiles {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The boot image, or the boot files for it, are not usable.
    #[error(transparent)]
    BootImage(#[from] BootImageError),
    /// The file that UEFI would start from a disc cannot be read.
    #[error("cannot read {place}, which UEFI starts")]
    ReadEfiImage {
        /// Where the file was found.
        place: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file that UEFI would start from a disc is none that it can start.
    #[error(
        "{place} is not what UEFI can start from a disc; give a folder that holds the right one with \
         --boot-files"
    )]
    EfiImage {
        /// Where the file was found.
        place: String,
        /// Why.
        #[source]
        source: EfiImageError,
    },
    /// A file or folder to be added cannot be looked at.
    #[error("cannot read {}, which is to be added", path.display())]
    Add {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder to be added cannot be scanned.
    #[error("cannot add the folder {}", path.display())]
    Scan {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: ScanError,
    },
    /// A file to be added has no name on the media.
    #[error(
        "{} is a file and was added to the root of the media without a name; write its media path \
         after the `=`",
        path.display()
    )]
    AddedFileWithoutName {
        /// The path.
        path: PathBuf,
    },
    /// A name that Windows could not open.
    #[error("{} cannot be put on the media", path.display())]
    AddedName {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: MediaPathError,
    },
    /// Two files of the same length could not be compared.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// A boot file's own name cannot be put on the media.
    #[error("{place} cannot be put on the media")]
    BootFileName {
        /// Where the file was found.
        place: String,
        /// Why.
        #[source]
        source: MediaPathError,
    },
}

/// An opened boot image and all that the media is made of.
pub(crate) struct Resolved {
    pub(crate) facts: Facts,
    pub(crate) architecture: Architecture,
    pub(crate) starts: Starts,
    pub(crate) warnings: Vec<Warning>,
}

pub(crate) fn resolve(request: &CheckedRequest) -> Result<Resolved, ResolveError> {
    if let Some(folder) = request.boot_files() {
        // Looked at first, or a mistyped folder would show as missing boot files.
        std::fs::read_dir(folder)
            .map_err(|source| ResolveError::BootFiles { path: folder.to_path_buf(), source })?;
    }
    let path = request.boot_image();
    let in_open = |source| ResolveError::Open { path: path.to_path_buf(), source };
    let source = FileSource::new(path).map_err(in_open)?;
    let boot_image_modified = modified(path).map_err(in_open)?;
    let image = BootImage::open(Arc::new(OpenFile::open(path).map_err(in_open)?))?;
    let mut warnings: Vec<Warning> = image
        .wim()
        .warnings()
        .iter()
        .map(|w| Warning::new(format!("{}: {w}", path.display())))
        .collect();

    let architecture = image.architecture(request.boot_files())?;
    let files = image.boot_files(architecture, request.boot_files())?;
    for missing in files.missing.iter().filter(|missing| missing.file == BootFile::Font) {
        warnings.push(Warning::new(format!(
            "no boot fonts were found (searched: {}): the boot manager's messages may stay \
             invisible; give a folder that has them with --boot-files",
            missing.searched.join(", ")
        )));
    }
    let starts = Starts::new(request, architecture, &files, &mut warnings);
    let mut boot_files = Vec::new();
    for found in files.require(&starts.required)? {
        let path = MediaPath::new(&found.media).map_err(|source| ResolveError::BootFileName {
            place: found.source.describe(),
            source,
        })?;
        let part = match found.file {
            BootFile::Etfsboot if starts.disc => Part::BiosProgram,
            file if Some(file) == starts.efi_image => {
                check_efi_program(&found)?;
                Part::EfiImage
            }
            BootFile::Etfsboot | BootFile::Efisys | BootFile::EfisysNoprompt => continue,
            BootFile::Bootfix if !starts.prompt => continue,
            BootFile::Bootmgr | BootFile::BootmgrEfi | BootFile::EfiBootManager => {
                Part::BootManager
            }
            _ => Part::Other,
        };
        boot_files.push(BootFileAt {
            path,
            data: Data::Source(found.source),
            modified: found.modified,
            part,
            for_uefi: found.for_uefi,
        });
    }
    let mut added = Vec::new();
    for (group, spec) in request.add().iter().enumerate() {
        add(spec, group, &mut added, &mut warnings)?;
    }
    if !request.media_type().is_stick() {
        // FAT has no way to store content once for two files.
        let contents = boot_files.iter_mut().map(|file| &mut file.data);
        share_equal(contents.chain(added.iter_mut().filter_map(|added| added.data.as_mut())))?;
    }
    let program = boot_files.iter().any(|file| file.part == Part::BiosProgram);
    let (on_stick, on_disc) = (request.media_type().is_stick(), starts.disc && !program);
    let facts = Facts {
        label: request.label().clone(),
        include_autorun: request.include_autorun(),
        architecture: architecture.name().to_owned(),
        hybrid: request.media_type() == MediaType::Hybrid,
        boot_code: boot_code::digest(starts.bios && on_stick, starts.bios && on_disc),
        boot_image: Data::Source(Arc::new(source)),
        boot_image_modified,
        boot_files,
        added,
        newest_allowed: request.source_date_epoch().map(Timestamp::from_unix_seconds),
    };
    Ok(Resolved { facts, architecture, starts, warnings })
}

/// What firmware starts, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Starts {
    /// Whether a BIOS starts the media.
    pub(crate) bios: bool,
    /// Whether the media is a disc, or both disc and stick.
    disc: bool,
    /// Whether a disc is to ask for a key.
    prompt: bool,
    /// The file that UEFI starts from a disc; `None` where it starts a FAT volume of our own.
    pub(crate) efi_image: Option<BootFile>,
    /// Boot files that this kind of media cannot do without, beside those that none can.
    required: Vec<BootFile>,
}

impl Starts {
    /// Boot images that Configuration Manager made have the programs that discs start by; stock ones
    /// have none, and ours stand in.
    fn new(
        request: &CheckedRequest,
        architecture: Architecture,
        files: &BootFiles,
        warnings: &mut Vec<Warning>,
    ) -> Self {
        let disc = request.media_type().is_disc();
        let bios = architecture != Architecture::Arm64;
        let prompt = !disc || request.boot_prompt() == BootPrompt::Yes;
        let mut this = Self { bios, disc, prompt, efi_image: None, required: Vec::new() };
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
        if request.media_type().is_stick() {
            return this;
        }
        let asks = files.has(BootFile::Efisys);
        let silent = files.has(BootFile::EfisysNoprompt);
        match (prompt, asks, silent) {
            (true, true, _) => this.efi_image = Some(BootFile::Efisys),
            (false, _, true) => this.efi_image = Some(BootFile::EfisysNoprompt),
            (true, false, true) => {
                this.efi_image = Some(BootFile::EfisysNoprompt);
                warnings.push(Warning::new(format!(
                    "there is no efisys.bin{}: UEFI starts efisys_noprompt.bin, which does not ask \
                     for a key",
                    searched(files, BootFile::Efisys)
                )));
            }
            (false, true, false) => this.required.push(BootFile::EfisysNoprompt),
            (_, false, false) => warnings.push(Warning::new(format!(
                "there is no efisys.bin{}: UEFI starts a FAT volume in the disc that holds its boot \
                 files, and does not ask for a key",
                searched(files, BootFile::Efisys)
            ))),
        }
        this
    }
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

fn add(
    spec: &AddSpec,
    group: usize,
    added: &mut Vec<Added>,
    warnings: &mut Vec<Warning>,
) -> Result<(), ResolveError> {
    let host = spec.host();
    let in_add = |source| ResolveError::Add { path: host.to_path_buf(), source };
    let metadata = std::fs::metadata(host).map_err(in_add)?;
    if !metadata.is_dir() {
        if spec.media().is_root() {
            return Err(ResolveError::AddedFileWithoutName { path: host.to_path_buf() });
        }
        let source = FileSource::with_metadata(host.to_path_buf(), &metadata).map_err(in_add)?;
        added.push(Added {
            path: spec.media().clone(),
            modified: Timestamp::from_system_time(metadata.modified().map_err(in_add)?),
            data: Some(Data::Source(Arc::new(source))),
            origin: host.display().to_string(),
            group,
        });
        return Ok(());
    }
    let entries = host_folder(host)
        .map_err(|source| ResolveError::Scan { path: host.to_path_buf(), source })?;
    if !spec.media().is_root() {
        added.push(Added {
            path: spec.media().clone(),
            modified: Timestamp::from_system_time(metadata.modified().map_err(in_add)?),
            data: None,
            origin: host.display().to_string(),
            group,
        });
    }
    for entry in entries {
        let origin = host.join(&entry.path);
        // Name by name: on Linux a name may hold a backslash, which must not become a folder.
        let below = MediaPath::from_names(entry.path.split('/'))
            .map_err(|source| ResolveError::AddedName { path: origin.clone(), source })?;
        let path = spec.media().join(&below);
        if let Some(name) = path.reserved_component() {
            warnings.push(Warning::new(format!(
                "{path}: Windows takes {name} for a device and will not open the file; rename it"
            )));
        }
        added.push(Added {
            path,
            modified: entry.modified,
            data: entry.file.map(Data::from),
            origin: origin.display().to_string(),
            group,
        });
    }
    Ok(())
}

fn modified(path: &Path) -> io::Result<Timestamp> {
    Ok(Timestamp::from_system_time(std::fs::metadata(path)?.modified()?))
}
