//! A checked request becomes facts: the boot image opened, every boot file found, every added file
//! looked at, equal contents made one. Nothing is written, and of large files nothing is read but what
//! must be known.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boot_image::{BootFile, BootFileSearch, BootImage, BootImageError, Found};
use extent_image::scan::{ScanError, host_folder};
use extent_image::{Attributes, Data, FileSource, ShareError, Timestamp, share_equal};
use iso9660_image::EfiImageError;
use media_model::{
    AddSpec, CheckedContent, CheckedRequest, MediaPath, MediaPathError, MediaType, PackageId,
};

use crate::boot::code;
use crate::boot::configuration::{self, BcdFault, OwnBcdError};
use crate::boot::driver_check::{self, DriverError};
use crate::boot::index::{self, Opened};
use crate::boot::machines::{Machines, MachinesError, TargetError};
use crate::boot::manager::{BootManagerError, BootManagerSummary, Candidates, Chosen};
use crate::boot::starts::{Starts, without_uefi};
use crate::plan::inputs::Inputs;
use crate::plan::stick::DiskShape;
use crate::report::{BootConfiguration, DeviceSummary, Warning};
use crate::tree::compose::{Added, BootFileAt, Facts, Part};
use crate::tree::media_data::media_data;
use crate::tree::media_data_error::MediaDataError;
use crate::tree::sequence;

/// The way out where a package id was given, and no location.
fn perhaps_package(path: &Path) -> &'static str {
    match path.to_str().map(PackageId::new) {
        Some(Ok(_)) => "; where it is a package, say where from with --distribution-point",
        _ => "",
    }
}

/// What the request names cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The file given as boot image cannot be opened.
    #[error("cannot open the boot image {}{}", path.display(), perhaps_package(path))]
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
    /// The computers asked for do not start this boot image.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The boot manager asked for cannot be had.
    #[error(transparent)]
    BootManager(Box<BootManagerError>),
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
    /// The boot configuration that was asked for does not start the media.
    #[error("{place} cannot be the boot configuration of the media; --bcd own has one made")]
    Bcd {
        /// Where the file was found.
        place: String,
        /// Why.
        #[source]
        source: Box<BcdFault>,
    },
    /// A boot configuration of ours was refused; a mistake in this program.
    #[error("the boot configuration cannot be written, please report this")]
    OwnBcd(#[source] OwnBcdError),
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
    /// A name in a package that no medium can hold.
    #[error(
        "{path} of package {package} has a name that no medium can hold; rename it there, and \
             update the distribution points"
    )]
    PackageName {
        /// The content id.
        package: String,
        /// The path in the package.
        path: String,
        /// Why.
        #[source]
        source: MediaPathError,
    },
    /// The task sequence, its runtime or a template cannot be used.
    #[error(transparent)]
    MediaData(#[from] MediaDataError),
    /// The drivers in the boot image do not suit the computers that it is for.
    #[error(transparent)]
    Drivers(#[from] DriverError),
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

impl From<MachinesError> for ResolveError {
    fn from(error: MachinesError) -> Self {
        match error {
            MachinesError::BootImage(error) => Self::BootImage(error),
            MachinesError::Target(error) => Self::Target(error),
        }
    }
}

impl From<BootManagerError> for ResolveError {
    fn from(error: BootManagerError) -> Self {
        match error {
            BootManagerError::BootImage(error) => match Arc::try_unwrap(error) {
                Ok(error) => Self::BootImage(error),
                Err(shared) => Self::BootManager(Box::new(BootManagerError::BootImage(shared))),
            },
            error => Self::BootManager(Box::new(error)),
        }
    }
}

/// An opened boot image and all that the media is made of.
pub(crate) struct Resolved {
    pub(crate) facts: Facts,
    /// What messages call the boot image.
    pub(crate) boot_image: String,
    pub(crate) machines: Machines,
    pub(crate) boot_manager: BootManagerSummary,
    pub(crate) starts: Starts,
    pub(crate) configurations: Vec<BootConfiguration>,
    /// The image of the WIM that the media starts.
    pub(crate) boot_index: u32,
    /// Devices that were named, and their drivers.
    pub(crate) devices: Vec<DeviceSummary>,
    pub(crate) warnings: Vec<Warning>,
}

pub(crate) fn resolve(
    request: &CheckedRequest,
    inputs: &Inputs,
    shape: &DiskShape,
) -> Result<Resolved, ResolveError> {
    look_at_boot_files(request)?;
    if let Some(path) = request.content().and_then(CheckedContent::password_file) {
        sequence::off_media(path, request)?;
    }
    let boot_image_modified = inputs.boot_image.modified;
    let Opened { source, image, warnings: odd } =
        index::open(&inputs.boot_image, request.boot_index())?;
    let mut warnings = inputs.warnings.clone();
    warnings.extend(odd);

    let machines = Machines::of(request, &image)?;
    let devices =
        driver_check::check(request, &image, &image.drivers(machines.image), &mut warnings)?;
    let boot = Boot::of(request, shape, &image, machines, boot_image_modified, &mut warnings)?;
    let Boot { files, boot_manager, starts, bcd } = boot;
    let newest_allowed = newest_allowed(request);
    let mut boot_files = bcd.own;
    for found in files {
        let path = media_path(&found.media, || found.source.describe())?;
        let part = match found.file {
            BootFile::Etfsboot if starts.disc => Part::BiosProgram,
            file if Some(file) == starts.efi_image() => Part::EfiImage,
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
    for (group, package) in (request.add().len()..).zip(&inputs.packages) {
        package.add(group, &mut added, &mut warnings)?;
    }
    let mut media_data =
        media_data(request, &image, machines, boot_image_modified, &added, &mut warnings)?;
    if !request.media_type().is_stick() {
        // FAT has no way to store content once for two files.
        let contents = boot_files.iter_mut().map(|file| &mut file.data);
        let contents = contents.chain(media_data.iter_mut().map(|file| &mut file.data));
        share_equal(contents.chain(added.iter_mut().filter_map(|added| added.data.as_mut())))?;
    }
    let program = boot_files.iter().any(|file| file.part == Part::BiosProgram);
    let on_disc = starts.bios && starts.disc && !program;
    let facts = Facts {
        label: request.label().clone(),
        architecture: machines.image.name().to_owned(),
        hybrid: request.media_type() == MediaType::Hybrid,
        boot_code: code::digest(starts.stick, on_disc),
        boot_image: Data::Source(source),
        boot_image_modified,
        boot_files,
        media_data,
        added,
        joins: Vec::new(),
        newest_allowed,
        known: identity(image.index(), &boot_manager),
        holds_password: request.store_password(),
    };
    let (configurations, boot_index) = (bcd.configurations, image.index());
    Ok(Resolved {
        facts,
        boot_image: image.name(),
        machines,
        boot_manager,
        starts,
        configurations,
        boot_index,
        devices,
        warnings,
    })
}

/// Looks at the folder of boot files: to be done first, or a mistyped one would show as missing boot
/// files.
pub(crate) fn look_at_boot_files(request: &CheckedRequest) -> Result<(), ResolveError> {
    let Some(folder) = request.boot_files() else { return Ok(()) };
    let in_read = |source| ResolveError::BootFiles { path: folder.to_path_buf(), source };
    std::fs::read_dir(folder).map(drop).map_err(in_read)
}

/// What firmware starts the media with.
pub(crate) struct Boot {
    /// The boot files, none of which is missing that this kind of media needs.
    pub(crate) files: Vec<Found>,
    pub(crate) boot_manager: BootManagerSummary,
    pub(crate) starts: Starts,
    pub(crate) bcd: configuration::Chosen,
}

impl Boot {
    /// Finds the boot files, chooses the boot manager, and what starts it, and the boot configurations.
    /// `modified` is the boot image's time.
    pub(crate) fn of(
        request: &CheckedRequest,
        shape: &DiskShape,
        image: &BootImage,
        machines: Machines,
        modified: Timestamp,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ResolveError> {
        let search = BootFileSearch::new(machines.image)
            .with_folder(request.boot_files())
            .with_loader_for(machines.other_loader());
        let chosen = Candidates::read(image, search).choose(image, request.boot_manager())?;
        let Chosen { mut files, taken, summary: mut boot_manager, warnings: doubts } = chosen;
        warnings.extend(doubts);
        warnings.extend(machines.warning(image, &files, taken.set));
        for missing in files.missing.iter().filter(|missing| missing.file == BootFile::Font) {
            warnings.push(Warning::new(format!(
                "no boot fonts were found (searched: {}): the boot manager's messages may stay \
                 invisible; give a folder that has them with --boot-files",
                missing.searched.join(", ")
            )));
        }
        let mut starts = Starts::new(request, shape, machines, taken.set, &files, warnings);
        starts.look_at_program(machines, &files, &taken, &mut boot_manager, warnings)?;
        if starts.uefi.is_none() {
            without_uefi(&mut files);
        }
        let time = newest_allowed(request).map_or(modified, |newest| newest.min(modified));
        let bcd = configuration::choose(request, image, &mut files, time, warnings)?;
        let files = files.require(&[&*starts.required, &*bcd.required].concat())?;
        Ok(Self { files, boot_manager, starts, bcd })
    }
}

/// The time to which later ones are set back.
fn newest_allowed(request: &CheckedRequest) -> Option<Timestamp> {
    request.source_date_epoch().map(Timestamp::from_unix_seconds)
}

/// What tells media apart whose files have the same lengths: the image that boots, and the programs
/// that UEFI starts, by the digests that their signers made.
fn identity(boot_index: u32, boot_manager: &BootManagerSummary) -> Vec<String> {
    let signatures = boot_manager.loaders.iter().flat_map(|loader| &loader.signatures);
    let digests = signatures.map(|signature| signature.digest.clone());
    std::iter::once(boot_index.to_string()).chain(digests).collect()
}

/// The path of a boot file on the media; `place` is where the file comes from.
pub(crate) fn media_path(
    media: &str,
    place: impl FnOnce() -> String,
) -> Result<MediaPath, ResolveError> {
    MediaPath::new(media).map_err(|source| ResolveError::BootFileName { place: place(), source })
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
            attributes: Attributes::default(),
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
            attributes: Attributes::default(),
            group,
        });
    }
    for entry in entries {
        let origin = host.join(&entry.path);
        // Name by name: on Linux a name may hold a backslash, which must not become a folder.
        let below = MediaPath::from_names(entry.path.split('/'))
            .map_err(|source| ResolveError::AddedName { path: origin.clone(), source })?;
        let path = spec.media().join(&below);
        warnings.extend(device_name(&path));
        added.push(Added {
            path,
            modified: entry.modified,
            data: entry.file.map(Data::from),
            origin: origin.display().to_string(),
            attributes: Attributes::default(),
            group,
        });
    }
    Ok(())
}

/// A name that can be stored, and that Windows will not open.
pub(crate) fn device_name(path: &MediaPath) -> Option<Warning> {
    path.reserved_component().map(|name| {
        Warning::new(format!(
            "{path}: Windows takes {name} for a device and will not open the file; rename it"
        ))
    })
}
