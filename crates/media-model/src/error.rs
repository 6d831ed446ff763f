//! Why a value was refused. Every error has two halves, what is wrong and the way out, because a
//! [`Problem`](crate::Problem) shows them apart; its `Display` is `what; remedy`. thiserror makes
//! one text per variant and could not give the halves, so [`Refusal`] does its work here.
//!
//! Positions are byte offsets into the text that was given.

use std::error::Error;
use std::fmt;

use crate::text::shown;

/// The two halves of a refusal.
pub trait Refusal: Error {
    /// What is wrong, with numbers; no full stop.
    fn what(&self) -> String;

    /// What to give instead; no full stop.
    fn remedy(&self) -> String;
}

macro_rules! display_both_halves {
    ($($error:ty),* $(,)?) => {$(
        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}; {}", self.what(), self.remedy())
            }
        }

        impl Error for $error {}
    )*};
}

display_both_halves!(
    LabelError,
    SizeError,
    NameError,
    OutputError,
    PackageIdError,
    MediaPathError,
    AddSpecError,
    HardwareIdError,
    LocaleError,
    ContentLocationError,
    PackageSpecError,
    AccountNameError,
);

/// Why a text is no [`MediaLabel`](crate::MediaLabel).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// Nothing was given.
    Empty,
    /// More characters than a label has.
    TooLong {
        /// Characters given.
        length: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A character that is not printable ASCII.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
}

impl Refusal for LabelError {
    fn what(&self) -> String {
        match self {
            Self::Empty => "the media label is empty".to_owned(),
            Self::TooLong { length, max } => {
                format!("the media label has {length} characters where {max} are allowed")
            }
            Self::Character { position, found } => {
                format!("{found:?} at byte {position} cannot stand in a media label")
            }
        }
    }

    fn remedy(&self) -> String {
        "use 1 to 32 printable ASCII characters (space to ~)".to_owned()
    }
}

/// Why a text is no [`MediaSize`](crate::MediaSize) or [`ImageSize`](crate::ImageSize).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeError {
    pub(crate) fault: SizeFault,
    /// What this kind of size looks like.
    pub(crate) allowed: &'static str,
}

impl SizeError {
    /// What is wrong with the text.
    pub fn fault(&self) -> &SizeFault {
        &self.fault
    }
}

/// What is wrong with the text of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeFault {
    /// Nothing was given.
    Empty,
    /// Something else where a digit or the unit is due.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
    /// A number without a unit.
    NoUnit {
        /// Byte offset where the unit is missing.
        position: usize,
    },
    /// A unit this size is not given in.
    Unit {
        /// Byte offset of the unit.
        position: usize,
        /// The unit.
        found: String,
    },
    /// Nothing fits into zero bytes.
    Zero,
    /// More than can be counted in 64 bits of bytes.
    TooLarge,
}

impl Refusal for SizeError {
    fn what(&self) -> String {
        match &self.fault {
            SizeFault::Empty => "the size is empty".to_owned(),
            SizeFault::Character { position, found } => {
                format!("{found:?} at byte {position} is neither a digit nor a unit")
            }
            SizeFault::NoUnit { position } => {
                format!("the number ends at byte {position} without a unit")
            }
            SizeFault::Unit { position, found } => {
                format!("{} at byte {position} is no unit of this size", shown(found))
            }
            SizeFault::Zero => "the size is zero".to_owned(),
            SizeFault::TooLarge => format!("the size is above {} bytes", u64::MAX),
        }
    }

    fn remedy(&self) -> String {
        format!("give {}", self.allowed)
    }
}

/// A word that is none of the words known, for [`MediaType`](crate::MediaType) and
/// [`TargetArch`](crate::TargetArch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    pub(crate) kind: &'static str,
    pub(crate) found: String,
    pub(crate) allowed: &'static [&'static str],
}

impl NameError {
    /// The words that are known.
    pub fn allowed(&self) -> &'static [&'static str] {
        self.allowed
    }

    /// The known word that was probably meant: `cd-dvd` for `CdDvd`, `hybrid` for `hibrid`.
    pub fn nearest(&self) -> Option<&'static str> {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let found = plain(&self.found);
        let likeness = |word: &&str| strsim::jaro(&found, &plain(word));
        let nearest =
            self.allowed.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
        // A number is not nearly another one.
        let is_word = !nearest.starts_with(|c: char| c.is_ascii_digit());
        let enough = if is_word { 0.8 } else { 1.0 };
        (likeness(&nearest) >= enough).then_some(nearest)
    }
}

impl Refusal for NameError {
    fn what(&self) -> String {
        if self.found.is_empty() {
            format!("the {} is empty", self.kind)
        } else {
            format!("{} is no {} this version knows", shown(&self.found), self.kind)
        }
    }

    fn remedy(&self) -> String {
        let allowed = self.allowed.join(", ");
        match self.nearest() {
            Some(nearest) => format!("give one of {allowed}; {nearest} is nearest"),
            None => format!("give one of: {allowed}"),
        }
    }
}

/// What is wrong with a path of the host that holds a control character.
pub(crate) fn control_character(position: usize, found: char) -> String {
    format!("{found:?} at byte {position} is a control character, which no path here may hold")
}

/// The way out of [`control_character`].
pub(crate) const CONTROL_CHARACTER_REMEDY: &str = "put paths with \\ in single quotes in a request \
                                                   file ('C:\\folder\\file'), or rename the file";

/// Why a path is no [`Output`](crate::Output).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputError {
    /// Nothing was given.
    Empty,
    /// A path that can only be a folder: it ends in a separator, `.` or `..`.
    Folder {
        /// The path, as far as it is Unicode.
        path: String,
    },
    /// A control character.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
    /// A path of Windows on another system, where it would be the name of a file in the current
    /// folder: `\\server\share\media.iso`, `C:\media.iso`.
    OfWindows {
        /// The path.
        path: String,
    },
}

/// What a path of Windows is on another system.
pub(crate) fn of_windows(path: &str) -> String {
    format!("{} is a path of Windows, and no place on this system", shown(path))
}

/// The way out of [`of_windows`].
pub(crate) const OF_WINDOWS_REMEDY: &str =
    "mount the share or drive, and give the path that it has here";

impl Refusal for OutputError {
    fn what(&self) -> String {
        match self {
            Self::Empty => "the output path is empty".to_owned(),
            Self::Folder { path } => format!("{} names a folder, not a file", shown(path)),
            Self::Character { position, found } => control_character(*position, *found),
            Self::OfWindows { path } => of_windows(path),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Character { .. } => CONTROL_CHARACTER_REMEDY.to_owned(),
            Self::OfWindows { .. } => OF_WINDOWS_REMEDY.to_owned(),
            Self::Folder { path } if is_letter_root(path) => {
                let drive = path.get(..2).unwrap_or_default();
                format!("to write the drive itself, give it as {drive}; else the path of a file")
            }
            _ => "give the path of the image file to make, or - for standard output".to_owned(),
        }
    }
}

/// `E:\`, as Windows shows a stick.
fn is_letter_root(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'\\' | b'/'] if letter.is_ascii_alphabetic())
}

/// Why a text is no [`PackageId`](crate::PackageId).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageIdError {
    /// Not eight characters before the version.
    Length {
        /// Characters before the version.
        length: usize,
        /// Characters a package id has.
        allowed: usize,
    },
    /// A character the id cannot have there.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
        /// What may stand there.
        allowed: &'static str,
    },
    /// A dot with no version behind it.
    EmptyVersion {
        /// Byte offset where the version is missing.
        position: usize,
    },
    /// A version above the largest number we count to.
    VersionTooLarge {
        /// Byte offset of the version.
        position: usize,
        /// Largest version.
        max: u64,
    },
}

impl Refusal for PackageIdError {
    fn what(&self) -> String {
        match self {
            Self::Length { length, allowed } => {
                format!("the package id has {length} characters where there are {allowed}")
            }
            Self::Character { position, found, allowed } => {
                format!("{found:?} at byte {position} of the package id is not {allowed}")
            }
            Self::EmptyVersion { position } => {
                format!("the version of the package is missing at byte {position}")
            }
            Self::VersionTooLarge { position, max } => {
                format!("the version at byte {position} of the package id is above {max}")
            }
        }
    }

    fn remedy(&self) -> String {
        "give the site code and five hexadecimal digits, such as PS100005, \
         or with a version PS100005.3"
            .to_owned()
    }
}

/// Why a text is no [`MediaPath`](crate::MediaPath).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaPathError {
    /// Two separators in a row, or one at the end.
    EmptyComponent {
        /// Byte offset where a name is missing.
        position: usize,
    },
    /// `.` or `..`.
    Dots {
        /// Byte offset of the component.
        position: usize,
        /// The component.
        component: String,
    },
    /// A character Windows does not allow in a name.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
        /// The component it is in.
        component: String,
    },
    /// A dot or space at the end of a component; Windows drops them and then misses the file.
    TrailingDotOrSpace {
        /// Byte offset of the dot or space.
        position: usize,
        /// The component.
        component: String,
    },
    /// A component longer than FAT and UDF can hold.
    TooLong {
        /// Byte offset of the component.
        position: usize,
        /// The component.
        component: String,
        /// Its length in UTF-16 units.
        units: usize,
        /// UTF-16 units allowed.
        max: usize,
    },
}

impl Refusal for MediaPathError {
    fn what(&self) -> String {
        match self {
            Self::EmptyComponent { position } => {
                format!("a name is missing at byte {position} of the media path")
            }
            Self::Dots { position, component } => {
                format!("{component} at byte {position} of the media path is no name")
            }
            Self::Character { position, found, component } => format!(
                "{found:?} at byte {position} of the media path cannot stand in a name ({})",
                shown(component)
            ),
            Self::TrailingDotOrSpace { position, component } => format!(
                "the name '{}' ends in a dot or space at byte {position} of the media path",
                shown(component)
            ),
            Self::TooLong { position, component, units, max } => format!(
                "the name at byte {position} of the media path has {units} UTF-16 units where \
                 {max} are allowed ({})",
                shown(component)
            ),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::EmptyComponent { .. } => "take out the doubled or last separator",
            Self::Dots { .. } => "write the path from the root of the media, such as Tools\\x64",
            Self::Character { .. } => {
                "leave out control characters and \" * : < > ? |; \\ and / separate names"
            }
            Self::TrailingDotOrSpace { .. } => "take the dot or space out",
            Self::TooLong { .. } => "shorten the name",
        }
        .to_owned()
    }
}

/// Why a text is no [`AddSpec`](crate::AddSpec).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddSpecError {
    /// No `=` between the two paths.
    NoEquals {
        /// The text.
        text: String,
    },
    /// Nothing before the `=`.
    EmptyHost,
    /// A control character in the host path.
    HostCharacter {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
    /// The media path holds a `=`, so the text form would be split elsewhere.
    EqualsInMediaPath {
        /// Byte offset in the media path.
        position: usize,
    },
    /// The part behind the last `=` is no media path; positions count from there.
    MediaPath(MediaPathError),
}

impl Refusal for AddSpecError {
    fn what(&self) -> String {
        match self {
            Self::NoEquals { text } => {
                format!("{} has no = between host path and media path", shown(text))
            }
            Self::EmptyHost => "nothing stands before the =".to_owned(),
            Self::HostCharacter { position, found } => control_character(*position, *found),
            Self::EqualsInMediaPath { position } => {
                format!("= at byte {position} of the media path")
            }
            Self::MediaPath(error) => error.what(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoEquals { .. } | Self::EmptyHost => {
                "write HOST=MEDIA_PATH, such as tools=\\Tools; the last = divides".to_owned()
            }
            Self::HostCharacter { .. } => CONTROL_CHARACTER_REMEDY.to_owned(),
            Self::EqualsInMediaPath { .. } => {
                "give the file a name without =, or add the folder that holds it".to_owned()
            }
            Self::MediaPath(error) => error.remedy(),
        }
    }
}

/// Why a text is no [`ContentLocation`](crate::ContentLocation).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentLocationError {
    /// Nothing was given.
    Empty,
    /// A control character.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
    /// An address of another kind.
    Scheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// A user or password in the address, which lists of processes and logs would show.
    User,
    /// No host, or one that no host can be called.
    Host {
        /// What stands there.
        host: String,
    },
    /// No port from 1 to 65535.
    Port,
    /// An address that does not have `//` behind the `:`.
    Slashes,
    /// A query or fragment.
    Query {
        /// What begins it.
        found: char,
    },
    /// A name that is one too many, or leads elsewhere.
    Path {
        /// The name.
        name: String,
    },
}

impl Refusal for ContentLocationError {
    fn what(&self) -> String {
        match self {
            Self::Empty => "the location is empty".to_owned(),
            Self::Character { position, found } => control_character(*position, *found),
            Self::Scheme { scheme } => format!("{} is no kind of location", shown(scheme)),
            Self::User => "the address holds a user name, and others could read it".to_owned(),
            Self::Host { host } if host.is_empty() => "the address has no host".to_owned(),
            Self::Host { host } => format!("{} can be no host", shown(host)),
            Self::Port => "what follows the host and : is no port from 1 to 65535".to_owned(),
            Self::Slashes => "the address has no // behind the first :".to_owned(),
            Self::Query { found } => format!("the address has a part behind {found}"),
            Self::Path { name } => format!("the address goes on with {}", shown(name)),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::User => "leave it out and give --user; the password is asked for".to_owned(),
            Self::Character { .. } => CONTROL_CHARACTER_REMEDY.to_owned(),
            _ => r"give http://dp, https://dp, \\dp, smb://dp:445 or a folder".to_owned(),
        }
    }
}

/// Why a text is no [`PackageSpec`](crate::PackageSpec).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageSpecError {
    /// No `=` between id and media path.
    NoEquals {
        /// The text.
        text: String,
    },
    /// The part before the `=` is no package id.
    PackageId(PackageIdError),
    /// The part behind it is no media path; positions count from there.
    MediaPath(MediaPathError),
}

impl Refusal for PackageSpecError {
    fn what(&self) -> String {
        match self {
            Self::NoEquals { text } => {
                format!("{} has no = between package id and media path", shown(text))
            }
            Self::PackageId(error) => error.what(),
            Self::MediaPath(error) => error.what(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoEquals { .. } => r"write ID=MEDIA_PATH, such as PS100012=\Tools".to_owned(),
            Self::PackageId(error) => error.remedy(),
            Self::MediaPath(error) => error.remedy(),
        }
    }
}

/// Why a text is no [`AccountName`](crate::AccountName).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountNameError {
    /// Nothing was given.
    Empty,
    /// More characters than a name has.
    TooLong {
        /// Characters given.
        length: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A control character.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
    /// An empty part, or more than domain and name.
    Parts,
}

impl Refusal for AccountNameError {
    fn what(&self) -> String {
        match self {
            Self::Empty => "the account has no name".to_owned(),
            Self::TooLong { length, max } => {
                format!("the account has {length} characters where {max} are allowed")
            }
            Self::Character { position, found } => control_character(*position, *found),
            Self::Parts => r"a domain and a name are due, with one \ between them".to_owned(),
        }
    }

    fn remedy(&self) -> String {
        r"give DOMAIN\name or name@domain".to_owned()
    }
}

/// Why a text is no [`HardwareId`](crate::HardwareId).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HardwareIdError {
    /// Nothing was given.
    Empty,
    /// A character that no hardware ID has.
    Character {
        /// Byte offset of the character.
        position: usize,
        /// The character.
        found: char,
    },
    /// No backslash, which divides the bus from the rest; a shell may have taken it.
    NoBus,
    /// A PCI device without vendor and device, or a PCI class.
    Pci,
    /// More characters than a hardware ID has.
    TooLong {
        /// Characters given.
        length: usize,
        /// Characters allowed.
        max: usize,
    },
}

impl Refusal for HardwareIdError {
    fn what(&self) -> String {
        match self {
            Self::Empty => "the hardware ID is empty".to_owned(),
            Self::Character { position, found } => {
                format!("{found:?} at byte {position} cannot stand in a hardware ID")
            }
            Self::NoBus => "the hardware ID has no backslash behind the name of a bus".to_owned(),
            Self::Pci => {
                "the hardware ID of a PCI device begins neither with PCI\\VEN_vvvv&DEV_dddd nor with \
                 PCI\\CC_cccc (hexadecimal digits)"
                    .to_owned()
            }
            Self::TooLong { length, max } => {
                format!("the hardware ID has {length} characters where {max} are allowed")
            }
        }
    }

    fn remedy(&self) -> String {
        "give one ID as Device Manager shows it, such as 'PCI\\VEN_8086&DEV_15F3', in quotes on a \
         command line; repeat the option for more"
            .to_owned()
    }
}

/// Why a text is no [`Locale`](crate::Locale).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocaleError {
    pub(crate) found: String,
}

impl Refusal for LocaleError {
    fn what(&self) -> String {
        format!("{} is no name of a language", shown(&self.found))
    }

    fn remedy(&self) -> String {
        "give one such as en-US".to_owned()
    }
}
