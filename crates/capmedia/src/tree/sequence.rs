//! `\SMS\data\TaskSequence.xml`: the built-in capture sequence, or the one that the operator gives.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use media_model::CheckedRequest;
use media_model::task_sequence::{
    CaptureAccount, CaptureDestination, CaptureOptions, MAX_FILE_BYTES, Notice, ReferenceKind,
    Secret, Sequence, SequenceFile, VariableList,
};

use crate::medium::regular_file;
use crate::report::Warning;
use crate::tree::compose::Added;
use crate::tree::media_data_error::MediaDataError;
use crate::tree::unconfirmed::Packages;

/// Where the task sequence lies: readable, as nothing on media without a password can be hidden.
pub(crate) const SEQUENCE: &str = r"SMS\data\TaskSequence.xml";

/// Longest password file that is read, in bytes: four for each UTF-16 unit that a password may have.
const LONGEST_PASSWORD: usize = 1024;

/// The text of the sequence for media that start `boot_image`. Passwords are in it only where the
/// request says so twice.
pub(crate) fn task_sequence(
    request: &CheckedRequest,
    boot_image: &str,
    added: &[Added],
    warnings: &mut Vec<Warning>,
) -> Result<String, MediaDataError> {
    let mut options = request.capture();
    let stored = request.store_password();
    let mut errors = Vec::new();
    if let Some(path) = request.capture_password_file().filter(|_| stored) {
        match off_media(path, request).and_then(|()| read_password(path)) {
            Ok(password) => options = options.with_stored_password(password),
            Err(error) => errors.push(error),
        }
    }
    let sequence = match request.task_sequence() {
        Some(path) => {
            let given = given(path, request, boot_image, &options, added, warnings);
            given.unwrap_or_else(|error| {
                errors.push(error);
                Sequence::default()
            })
        }
        None => options.sequence(),
    };
    if let Some(error) = MediaDataError::of(errors) {
        return Err(error);
    }
    tell(&sequence, stored, warnings);
    tell_local_destinations(&sequence, warnings);
    let text = sequence.to_xml().map_err(MediaDataError::WriteSequence)?;
    if text.len() > MAX_FILE_BYTES {
        // Only where a given one is near the limit and its form of writing shorter.
        let path = request.task_sequence().map_or_else(PathBuf::new, Path::to_path_buf);
        return Err(MediaDataError::LongSequence { path, allowed: MAX_FILE_BYTES });
    }
    Ok(text)
}

/// The sequence in a file, with the capture options in its capture steps.
fn given(
    path: &Path,
    request: &CheckedRequest,
    boot_image: &str,
    options: &CaptureOptions,
    added: &[Added],
    warnings: &mut Vec<Warning>,
) -> Result<Sequence, MediaDataError> {
    let in_read = |source| MediaDataError::ReadSequence { path: path.to_path_buf(), source };
    let file = regular_file::open(path).map_err(in_read)?;
    let bytes = read_at_most(file, MAX_FILE_BYTES).map_err(in_read)?.ok_or_else(|| {
        MediaDataError::LongSequence { path: path.to_path_buf(), allowed: MAX_FILE_BYTES }
    })?;
    let file = SequenceFile::read(&bytes).map_err(|source| {
        let (path, source) = (path.to_path_buf(), Box::new(source));
        MediaDataError::Sequence { path, source }
    })?;
    tell_boot_image(path, &file, boot_image, warnings);
    let mut sequence = file.into_sequence();
    if !request.store_password() {
        let removed = sequence.remove_stored_passwords();
        if removed > 0 {
            warnings.push(Warning::new(format!(
                "{removed} stored {} taken out of the task sequence {}: set {} when it runs, or \
                 accept with --store-password that everybody who holds the media can read {}",
                if removed == 1 { "password was" } else { "passwords were" },
                path.display(),
                if removed == 1 { "it" } else { "them" },
                if removed == 1 { "it" } else { "them" },
            )));
        }
    }
    let applied = options.apply_to(&mut sequence);
    if applied.passwords_removed > 0 {
        warnings.push(Warning::new(format!(
            "--capture-account takes the place of another account of {}, whose password was taken out; \
             set the new one's when the task sequence runs, or give it with --capture-password-file",
            path.display(),
        )));
    }

    let files = added.iter().filter(|added| added.data.is_some()).map(|added| &added.path);
    let packages = Packages::of(files);
    let mut problems = sequence.check();
    // A package is on the media wherever the request puts it.
    let put = |id: &str| request.packages().iter().any(|spec| spec.id().id() == id);
    let missing = sequence.check_references(|reference| {
        packages.hold(reference.id()) || put(&reference.id().trim().to_ascii_uppercase())
    });
    let references = missing.is_some();
    problems.extend(missing);
    if !problems.is_empty() {
        let path = path.to_path_buf();
        return Err(MediaDataError::UnfitSequence { path, problems, references });
    }
    if options.has_password_without_account() {
        let has_account = |list: &VariableList| {
            list.value(CaptureAccount::VARIABLE).is_some_and(|value| !value.is_empty())
        };
        let is_shared = has_account(&sequence.global_variables);
        for step in sequence.capture_steps() {
            if !is_shared && !has_account(&step.variables) {
                let (step, path) = (shown(&step.name), path.to_path_buf());
                return Err(MediaDataError::PasswordWithoutAccount { step, path });
            }
        }
    }
    Ok(sequence)
}

/// An export names its boot image by an id, which the file given as boot image does not have; the
/// site puts it into the file's name.
fn tell_boot_image(
    path: &Path,
    file: &SequenceFile,
    boot_image: &str,
    warnings: &mut Vec<Warning>,
) {
    for reference in file.references() {
        let id = reference.id();
        if reference.kind() == ReferenceKind::BootImage
            && !boot_image.to_ascii_uppercase().contains(&id.to_ascii_uppercase())
        {
            warnings.push(Warning::new(format!(
                "the task sequence {} was exported with the boot image {id}; make sure that \
                 {boot_image} is that one",
                path.display()
            )));
        }
    }
}

/// What somebody has to know who takes the media to a computer: the capture steps that cannot run
/// unless something is set for them, one warning each, and every password that is stored. A step
/// with a destination and no account writes as whoever runs it.
fn tell(sequence: &Sequence, stored_allowed: bool, warnings: &mut Vec<Warning>) {
    let mut steps: Vec<(String, Vec<&'static str>)> = Vec::new();
    let mut stored = Vec::new();
    for notice in sequence.notices() {
        match notice {
            Notice::SetAtRunTime { step, variable } => match steps.last_mut() {
                Some((last, variables)) if *last == step && !variables.contains(&variable) => {
                    variables.push(variable);
                }
                _ => steps.push((step, vec![variable])),
            },
            other => stored.push(other),
        }
    }
    let is_stored = |notice: &Notice| matches!(notice, Notice::PasswordStored { .. });
    if stored_allowed && !stored.iter().any(is_stored) {
        warnings.push(Warning::new(
            "--store-password changes nothing: no password is known in the task sequence, and none \
             was given with --capture-password-file",
        ));
    }
    for (step, variables) in steps {
        let destination = variables.contains(&CaptureDestination::VARIABLE);
        if !destination && variables.contains(&CaptureAccount::VARIABLE) {
            continue;
        }
        let named: Vec<_> = variables.iter().map(|variable| with_option(variable)).collect();
        warnings.push(Warning::new(format!(
            "the capture step '{}' has no {}: set {} when the task sequence runs",
            shown(&step),
            named.join(", no "),
            if variables.len() == 1 { "it" } else { "them" },
        )));
    }
    warnings.extend(stored.into_iter().map(|notice| Warning::loud(notice.to_string())));
}

/// A variable, with the option that sets it. The password has none that only sets it:
/// `--capture-password-file` stores it for everybody to read.
fn with_option(variable: &str) -> String {
    let option = match variable {
        CaptureDestination::VARIABLE => "--capture-destination",
        CaptureAccount::VARIABLE => "--capture-account",
        _ => return variable.to_owned(),
    };
    format!("{variable} ({option})")
}

/// A destination without a server is a drive of the computer that is captured, which may be meant; one
/// without a file name is a folder, which may not. A variable may hold either.
fn tell_local_destinations(sequence: &Sequence, warnings: &mut Vec<Warning>) {
    for step in sequence.capture_steps() {
        let destination = step.variables.value(CaptureDestination::VARIABLE).unwrap_or_default();
        if destination.is_empty() {
            continue;
        }
        if !(destination.starts_with(r"\\") || destination.contains('%')) {
            warnings.push(Warning::new(format!(
                r"the image is captured to {}, on a drive of the reference computer itself; if that is not meant, give a share, such as \\server\share\image.wim",
                shown(destination)
            )));
        }
        let file = destination.rsplit(['\\', '/']).next().unwrap_or_default();
        if !(file.trim_end().to_ascii_lowercase().ends_with(".wim") || file.contains('%')) {
            warnings.push(Warning::new(format!(
                r"the image is captured to {}, which does not end in a file name with .wim; give one, such as \\server\share\image.wim",
                shown(destination)
            )));
        }
    }
}

/// Refuses a password file that is put onto the media, in a folder or by itself.
pub(crate) fn off_media(path: &Path, request: &CheckedRequest) -> Result<(), MediaDataError> {
    // What cannot be found is told when it is read.
    let Ok(place) = path.canonicalize() else { return Ok(()) };
    let added = request.add().iter().map(|spec| ("add", spec.host()));
    let folders = [("runtime", request.runtime()), ("template", request.template())];
    let folders = folders.into_iter().filter_map(|(option, folder)| Some((option, folder?)));
    for (option, folder) in added.chain(folders) {
        if folder.canonicalize().is_ok_and(|folder| place.starts_with(folder)) {
            let (path, folder) = (path.to_path_buf(), folder.to_path_buf());
            return Err(MediaDataError::PasswordOnMedia { path, folder, option });
        }
    }
    Ok(())
}

/// A name from a file in a message: no control characters, and not endless.
fn shown(name: &str) -> String {
    let mut shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    if shown.len() < name.len() {
        shown.push_str("...");
    }
    shown
}

/// The password in a file: its only line, with or without an end.
fn read_password(path: &Path) -> Result<Secret, MediaDataError> {
    let file_fault = |fault| MediaDataError::PasswordFile { path: path.to_path_buf(), fault };
    // A pipe is welcome here: it leaves no password on a disk.
    let bytes = File::open(path)
        .and_then(|file| read_at_most(file, LONGEST_PASSWORD))
        .map_err(|source| MediaDataError::ReadPassword { path: path.to_path_buf(), source })?
        .ok_or_else(|| file_fault("more than 1024 bytes"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| file_fault("bytes that are no UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(file_fault("more than one line"));
    }
    Secret::new(line)
        .map_err(|source| MediaDataError::Password { path: path.to_path_buf(), source })
}

/// All of a file; `None` when it is longer.
pub(crate) fn read_at_most(file: impl Read, most: usize) -> io::Result<Option<Vec<u8>>> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_password(&path)
        };
        for bytes in ["p ä\u{20ac}", "p ä\u{20ac}\n", "\u{FEFF}p ä\u{20ac}\r\n"] {
            assert_eq!(read(bytes.as_bytes()).unwrap().expose(), "p ä\u{20ac}");
        }
        let longest = [b"x".repeat(255), b"\r\n".to_vec()].concat();
        assert_eq!(read(&longest).unwrap().expose().len(), 255);
        for (bytes, told) in [
            (&b""[..], "holds no password"),
            (b"\n", "holds no password"),
            (b"hunter2\nhunter2\n", "more than one line"),
            (b"hunter2\n\n", "more than one line"),
            (b"hunter2\rhunter2", "more than one line"),
            (b"hunter2\0", "holds no password"),
            (b"h\0u\0n\0t\0e\0r\x002\0", "holds no password"),
            (b"\xFF\xFEh\0u\0", "no UTF-8"),
            (&b"hunter2".repeat(200), "more than 1024 bytes"),
            (&b"hunter2".repeat(100), "holds no password"),
        ] {
            let error = read(bytes).unwrap_err();
            let text = crate::error::chain(&error);
            assert!(text.contains(told), "{text}");
            assert!(!format!("{error:?}{text}").contains("hunter2"), "{text}");
        }
        let error = read_password(folder.path()).unwrap_err();
        assert!(matches!(error, MediaDataError::ReadPassword { .. }));
    }
}
