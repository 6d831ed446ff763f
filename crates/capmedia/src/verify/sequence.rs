//! The task sequence on a medium, read back.

use std::io::{self, Read, Seek};

use media_model::task_sequence::{MAX_FILE_BYTES, Sequence};

use crate::medium::{File, Medium, MediumError, is_damage};
use crate::tree::sequence::SEQUENCE;

use super::Findings;

/// Looks at the task sequence of a medium, if there is one; `ours` where we made the medium. Passwords
/// that stand on it, or may, are notes: that may be meant so.
pub(super) fn look<R: Read + Seek>(
    medium: &mut Medium<R>,
    files: &[File],
    ours: bool,
) -> Result<Findings, MediumError> {
    let mut findings = Findings::default();
    let place = SEQUENCE.replace('\\', "/");
    let Some(file) = files.iter().find(|file| file.path.eq_ignore_ascii_case(&place)) else {
        return Ok(findings);
    };
    let faults = match sequence(medium, file) {
        Ok(sequence) => {
            let passwords = sequence.secret_notices().into_iter();
            findings.notes.extend(passwords.map(|notice| format!("{}: {notice}", file.path)));
            sequence.check().iter().map(|problem| problem.what().to_owned()).collect()
        }
        Err(Unread::Io(error)) if !is_damage(&error) => return Err(error.into()),
        Err(Unread::Io(error)) => vec![format!("cannot be read: {error}")],
        Err(Unread::Text(fault)) => vec![fault],
    };
    let faults = faults.into_iter().map(|fault| format!("{}: {fault}", file.path));
    if ours {
        findings.faults.extend(faults)
    } else {
        findings.notes.extend(faults)
    }
    Ok(findings)
}

enum Unread {
    Io(io::Error),
    Text(String),
}

fn sequence<R: Read + Seek>(medium: &mut Medium<R>, file: &File) -> Result<Sequence, Unread> {
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    if file.size > limit {
        let text = format!("{} bytes, more than the {limit} that are read", file.size);
        return Err(Unread::Text(text));
    }
    let mut bytes = Vec::new();
    medium.open_file(file).take(limit).read_to_end(&mut bytes).map_err(Unread::Io)?;
    Sequence::read(&bytes).map_err(|error| Unread::Text(format!("is no task sequence: {error}")))
}
