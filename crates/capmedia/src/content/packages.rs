//! Content of distribution points as input of media: the packages that a request names, what a report
//! says of them, and starting again with another copy.
//!
//! Nothing of where content comes from gets into an image: names, times, attributes and bytes are
//! those of the package, whoever gives them.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use boot_image::BootImageError;
use dp_content::{Content, ContentError, FoundPackage};
use extent_image::{StreamError, Timestamp, read_at};
use media_model::{BootImageSource, CheckedRequest, PackageId};

use crate::boot::driver_check::DriverError;
use crate::drives::DrivesError;
use crate::error::Error;
use crate::plan::inputs::{BootImageFile, Inputs, PackageOnMedia};
use crate::plan::resolve::ResolveError;
use crate::publish::error::PublishError;
use crate::report::{ContentSummary, PackageSummary, ReportedEvent, Warning};
use crate::tree::media_data_error::MediaDataError;

/// Looks for all packages of the request before anything is fetched, and takes the boot image from
/// its package if it has one.
pub(crate) fn inputs(
    request: &CheckedRequest,
    content: &Content,
) -> Result<(Inputs, ContentSummary), Error> {
    let of_boot_image = match request.boot_image() {
        BootImageSource::Package(id) => Some(id),
        _ => None,
    };
    let added = request.packages().iter().map(|spec| spec.id());
    let ids: Vec<PackageId> = of_boot_image.into_iter().chain(added).cloned().collect();
    let found = content.find(&ids)?;
    let mut packages = Vec::new();
    let mut found = found.into_iter();
    let mut warnings = Vec::new();
    let boot_image = match (request.boot_image(), of_boot_image) {
        (BootImageSource::File(path), _) => BootImageFile::local(path)?,
        _ => {
            let package = found.next().ok_or(ContentError::NoLocation)?;
            packages.push(summary(&package, None));
            boot_image(&package, &mut warnings)?
        }
    };
    let on_media: Vec<PackageOnMedia> = found
        .zip(request.packages())
        .map(|(package, spec)| PackageOnMedia { package, media: spec.media().clone() })
        .collect();
    packages.extend(on_media.iter().map(|on| summary(&on.package, Some(on.media.to_slash()))));
    let locations = request.content().map(|content| content.locations()).unwrap_or_default();
    let locations = locations.iter().map(ToString::to_string).collect();
    let summary = ContentSummary { locations, packages, events: Vec::new() };
    Ok((Inputs { boot_image, packages: on_media, warnings }, summary))
}

pub(crate) fn boot_image(
    package: &FoundPackage,
    warnings: &mut Vec<Warning>,
) -> Result<BootImageFile, Error> {
    let file = package.boot_image()?;
    let source = Arc::clone(file.source());
    let modified = file.file().modified.unwrap_or_else(|| {
        warnings.push(Warning::new(format!(
            "nothing tells the time of {}, so it is 1980-01-01 on the media, and so is that of all \
             that is made for it; take the content from a content library if that matters",
            source.describe()
        )));
        Timestamp::FAT_EPOCH
    });
    Ok(BootImageFile { bytes: read_at(&source), source, modified })
}

pub(crate) fn summary(found: &FoundPackage, media: Option<String>) -> PackageSummary {
    let package = found.package();
    PackageSummary {
        id: package.id.id().to_owned(),
        content_id: package.content_id.clone(),
        location: found.location().to_owned(),
        came_from: Vec::new(),
        media_path: media,
        files: package.files.len() as u64,
        bytes: found.bytes(),
    }
}

/// What has happened, each once: a run that began again asks the same questions again.
pub(crate) fn events(content: &Content) -> Vec<ReportedEvent> {
    let mut events: Vec<ReportedEvent> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for event in content.events() {
        let event = ReportedEvent::from(&event);
        if known.insert(event.text.clone()) {
            events.push(event);
        }
    }
    events
}

/// Those of the events that somebody has to do something about.
pub(crate) fn warnings(events: &[ReportedEvent]) -> impl Iterator<Item = Warning> {
    let to_do = events.iter().filter(|event| event.is_warning());
    to_do.map(|event| Warning::new(event.text.clone()))
}

/// Runs again as long as a run fails because of a copy that is damaged, and there is another.
///
/// The error says what was damaged, too, where bytes made no sense because of it.
pub(crate) fn with_other_copies<T>(
    content: &Content,
    mut run: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut bad_before = content.bad_copies();
    loop {
        let error = match run() {
            Ok(made) => return Ok(made),
            Err(error) => other_copy(content, error)?,
        };
        // There are only so many copies, and each run must find another one bad.
        let bad = content.bad_copies();
        if bad <= bad_before {
            return Err(error);
        }
        bad_before = bad;
    }
}

/// Whether another run may do better than the one that ended with `error`, which is given back then.
///
/// # Errors
/// It cannot: the error, or what is damaged where that explains it.
pub(crate) fn other_copy(content: &Content, error: Error) -> Result<Error, Error> {
    match content_error(&error) {
        Some(ContentError::BadCopy { .. }) => {}
        // What else Content says is its last word.
        Some(_) => return Err(error),
        None if may_stem_from_damage(&error) => {
            // It made no sense; bytes that are read in ranges are not held against a digest.
            let bad = match content.suspect() {
                Ok(bad) => bad,
                Err(cancelled @ ContentError::Cancelled) => return Err(cancelled.into()),
                // That nobody can be asked now does not explain what was wrong before.
                Err(_) => return Err(error),
            };
            let Some(bad) = bad.into_iter().next() else { return Err(error) };
            if !content.can_go_on() {
                return Err(ContentError::WrongDigest {
                    file: bad.file,
                    location: bad.location,
                    expected: bad.expected,
                    found: bad.found,
                }
                .into());
            }
        }
        None => return Err(error),
    }
    if content.can_go_on() { Ok(error) } else { Err(error) }
}

/// Whether damaged bytes of a boot image or of a file could have led to it: not what the request or
/// the output is to blame for. All that is in use is read whole to know.
fn may_stem_from_damage(error: &Error) -> bool {
    match error {
        Error::Resolve(error) => match error {
            // A WIM's tables agree on how many images there are.
            ResolveError::BootImage(BootImageError::NoSuchImage { .. }) => false,
            ResolveError::BootImage(_)
            | ResolveError::Target(_)
            | ResolveError::BootManager(_)
            | ResolveError::ReadEfiImage { .. }
            | ResolveError::EfiImage { .. }
            | ResolveError::Bcd { .. }
            | ResolveError::BootFileName { .. }
            | ResolveError::Share(_)
            // A driver that cannot be read is none.
            | ResolveError::Drivers(DriverError::Unsuitable { .. }) => true,
            ResolveError::MediaData(error) => is_of_runtime(error),
            _ => false,
        },
        Error::Publish(PublishError::Stream { source, .. })
        | Error::Pipe(source)
        | Error::Drives(DrivesError::Stream(source)) => is_of_source(source),
        Error::Refresh(error) => error.stream_error().is_some_and(is_of_source),
        Error::Span(_) | Error::EfiVolume { .. } => true,
        _ => false,
    }
}

/// Whether what was read is to blame.
fn is_of_source(error: &StreamError) -> bool {
    matches!(
        error,
        StreamError::Read { .. }
            | StreamError::SourceChanged { .. }
            | StreamError::DigestMismatch(_)
    )
}

/// The runtime of the boot image is the only media data that comes from content.
fn is_of_runtime(error: &MediaDataError) -> bool {
    match error {
        MediaDataError::RuntimeName { .. } | MediaDataError::RuntimeFile { .. } => true,
        MediaDataError::Several { errors } => errors.iter().any(is_of_runtime),
        _ => false,
    }
}

/// What content says is wrong, however deep in an error.
pub(crate) fn content_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a ContentError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let here = error
            .downcast_ref::<ContentError>()
            .or_else(|| error.downcast_ref::<Box<ContentError>>().map(|boxed| &**boxed))
            .or_else(|| error.downcast_ref::<io::Error>().and_then(ContentError::in_io));
        if here.is_some() {
            return here;
        }
        // A transparent error passes over what is inside.
        let outer = error.downcast_ref::<Error>();
        let outer = outer.or_else(|| error.downcast_ref::<Box<Error>>().map(|boxed| &**boxed));
        if let Some(Error::Content(found)) = outer {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
