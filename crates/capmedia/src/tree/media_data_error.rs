//! Why there is no media data.

use std::io;
use std::path::{Path, PathBuf};

use extent_image::scan::ScanError;
use media_model::task_sequence::{FileError, SecretError, WriteError};
use media_model::{MediaPathError, Problem};

use crate::error::chain;
use crate::tree::unconfirmed::{PACKAGES, TEMPLATE};

/// The task sequence, the runtime or a template cannot be used. Nothing here repeats a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaDataError {
    /// The file of `--task-sequence` cannot be read.
    #[error("cannot read the task sequence {}", path.display())]
    ReadSequence {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is longer than any that is read.
    #[error(
        "the task sequence {} has more than {allowed} bytes; export it without the content it refers to",
        path.display()
    )]
    LongSequence {
        /// The path.
        path: PathBuf,
        /// Bytes allowed.
        allowed: usize,
    },
    /// It is no task sequence.
    #[error("{} cannot be read as a task sequence", path.display())]
    Sequence {
        /// The path.
        path: PathBuf,
        /// Where and why, and what to do.
        #[source]
        source: Box<FileError>,
    },
    /// The password file would be a file of the media.
    #[error(
        "the password file {} lies in {}, which goes onto the media with --{option}; keep it elsewhere",
        path.display(),
        folder.display()
    )]
    PasswordOnMedia {
        /// The password file.
        path: PathBuf,
        /// What goes onto the media.
        folder: PathBuf,
        /// The option that puts it there.
        option: &'static str,
    },
    /// Several of these at once.
    #[error("{}", several_text(errors))]
    Several {
        /// Each.
        errors: Vec<MediaDataError>,
    },
    /// It is one that capture media cannot use.
    #[error("{}", unfit_text(path, problems, *references))]
    UnfitSequence {
        /// The path.
        path: PathBuf,
        /// Everything that keeps it from it.
        problems: Vec<Problem>,
        /// Whether one of them is about what the sequence refers to.
        references: bool,
    },
    /// The task sequence cannot be written.
    #[error("the task sequence cannot be written as XML")]
    WriteSequence(#[source] WriteError),
    /// The file of `--capture-password-file` cannot be read.
    #[error("cannot read the password file {}", path.display())]
    ReadPassword {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not hold one password as text.
    #[error(
        "the password file {} has {}; give a file whose only line is the password, saved as UTF-8",
        path.display(),
        fault
    )]
    PasswordFile {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// What it holds cannot be a password.
    #[error("{} holds no password that can be used", path.display())]
    Password {
        /// The path.
        path: PathBuf,
        /// Why, and what to do.
        #[source]
        source: SecretError,
    },
    /// A password is to be stored for a capture step that names no account.
    #[error(
        "the capture step '{step}' of {} names no account that the password could belong to; give it \
         with --capture-account",
        path.display()
    )]
    PasswordWithoutAccount {
        /// The step.
        step: String,
        /// The task sequence.
        path: PathBuf,
    },
    /// The folder of `--runtime` or `--template` cannot be read.
    #[error("cannot read the folder of --{option}, {}", path.display())]
    ReadFolder {
        /// The option.
        option: &'static str,
        /// The folder, or what in it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in that folder cannot go onto media.
    #[error("cannot use the folder of --{option}, {}", path.display())]
    ScanFolder {
        /// The option.
        option: &'static str,
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: ScanError,
    },
    /// A file of a runtime has a name that Windows could not open.
    #[error("{place} cannot be put on the media")]
    RuntimeName {
        /// Where the file is.
        place: String,
        /// Why.
        #[source]
        source: MediaPathError,
    },
    /// The folder of `--runtime` holds no runtime.
    #[error(
        "{} holds no task sequence runtime; give a folder with SMS\\bin\\<arch>, bin\\<arch> or <arch> \
         in it (i386, x64, arm64), or one with the files themselves",
        path.display()
    )]
    NoRuntime {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the boot image's runtime has no usable data.
    #[error("{name}: a file of the task sequence runtime cannot be used")]
    RuntimeFile {
        /// The boot image.
        name: String,
        /// Why.
        #[source]
        source: wim_image::FileError,
    },
    /// The folder of `--template` holds files that take no other's place.
    #[error(
        "{} holds what is no template: {}; templates are {}; other files go onto the media with --add",
        path.display(),
        first_of(names),
        TEMPLATE.join(", ")
    )]
    UnknownTemplate {
        /// The folder.
        path: PathBuf,
        /// Paths in it.
        names: Vec<String>,
    },
    /// Two templates for one file.
    #[error("{} and {} are templates for one file; leave one of them out", first.display(), second.display())]
    TemplateTwice {
        /// The one.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

impl MediaDataError {
    /// All errors as one.
    pub(crate) fn of(mut errors: Vec<Self>) -> Option<Self> {
        match errors.len() {
            0 | 1 => errors.pop(),
            _ => Some(Self::Several { errors }),
        }
    }

    /// What keeps the task sequence from the media, each with its remedy.
    pub fn problems(&self) -> Vec<&Problem> {
        match self {
            Self::UnfitSequence { problems, .. } => problems.iter().collect(),
            Self::Several { errors } => errors.iter().flat_map(Self::problems).collect(),
            _ => Vec::new(),
        }
    }
}

fn several_text(errors: &[MediaDataError]) -> String {
    let texts: Vec<_> = errors.iter().map(|error| chain(error)).collect();
    texts.join("\n")
}

/// The first of a list of names, and how many more there are.
pub(crate) fn first_of(names: &[String]) -> String {
    let first = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Names that are listed in one message.
const LISTED: usize = 100;

fn unfit_text(path: &Path, problems: &[Problem], references: bool) -> String {
    let mut text = format!("{} cannot be the task sequence of capture media:", path.display());
    for problem in problems {
        text.push_str(&format!("\n  {}; {}", problem.what(), problem.remedy()));
    }
    if references {
        text.push_str(&format!(
            "\nA package goes onto the media with --add FOLDER={PACKAGES}\\<ID>, or from a distribution \
             point with --package ID={PACKAGES}\\<ID>"
        ));
    }
    text
}
