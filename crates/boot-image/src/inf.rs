//! What an INF says of its driver: class, version, and the devices it is for.

use std::fmt;
use std::sync::Arc;

use wim_image::Architecture;

use crate::driver_class::DriverClass;
use crate::inf_files::{InstallSections, NAME_LEN, SysFile, sys_files};
use crate::inf_models::{self, Models, Target};
use crate::inf_text::{InfText, VALUE, key_and_value};
use crate::text::{Unmarked, decode};

/// Why a file is no INF that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfError {
    /// Longer than any driver's.
    #[error("the INF has {found} bytes; at most {limit} are read")]
    TooLarge {
        /// Bytes.
        found: u64,
        /// Most bytes.
        limit: u64,
    },
    /// More lines than any driver's.
    #[error("the INF has more than {limit} lines")]
    TooManyLines {
        /// Most lines.
        limit: usize,
    },
    /// More sections of devices than any driver's.
    #[error("the INF names more than {limit} sections of models")]
    TooManySections {
        /// Most sections.
        limit: usize,
    },
    /// More devices than any driver's.
    #[error("the INF names more than {limit} device IDs")]
    TooManyIds {
        /// Most IDs.
        limit: usize,
    },
    /// It lacks what makes a file an INF.
    #[error("there is no [Version] section")]
    NoVersion,
    /// It is for something else.
    #[error("the signature is {found:?}; \"$Windows NT$\" or \"$Chicago$\" makes an INF")]
    Signature {
        /// As it stands there, cut if it is long; empty without one.
        found: String,
    },
}

/// The facts of an INF (Microsoft's "INF Version Section", "INF Manufacturer Section", "INF Models
/// Section", "INF SourceDisksFiles Section").
///
/// ```
/// use boot_image::{Architecture, Inf};
///
/// let inf = Inf::parse(
///     br#"[Version]
/// Signature = "$Windows NT$"
/// ClassGuid = {4d36e972-e325-11ce-bfc1-08002be10318}
/// DriverVer = 05/17/2021,1.2.3.4
/// [Manufacturer]
/// %Maker% = Cards, NTamd64
/// [Cards.NTamd64]
/// "A card" = Install, PCI\VEN_8086&DEV_15F3
/// [Strings]
/// Maker = "Grey Box"
/// "#,
/// )?;
/// assert_eq!(inf.class().map(ToString::to_string).as_deref(), Some("Net"));
/// assert_eq!(inf.models()[0].architecture, Architecture::Amd64);
/// assert_eq!(&*inf.models()[0].ids[0], r"PCI\VEN_8086&DEV_15F3");
/// # Ok::<(), boot_image::InfError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inf {
    class: Option<Arc<DriverClass>>,
    provider: Option<Arc<str>>,
    date: Option<DriverDate>,
    version: Option<DriverVersion>,
    catalogs: Vec<Catalog>,
    models: Vec<Models>,
    architectures: Vec<Architecture>,
    /// For each of its architectures.
    sys: Vec<(Architecture, Vec<SysFile>)>,
}

/// A catalog's name; for every architecture where none is said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Catalog {
    architecture: Option<Architecture>,
    name: String,
}

/// The version of a driver: four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverVersion(pub [u16; 4]);

impl fmt::Display for DriverVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

/// The day of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DriverDate {
    /// Such as 2021.
    pub year: u16,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

impl DriverDate {
    /// `None` if there is no such day, or its year has five digits.
    pub(crate) fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let fits = year < 10_000 && (1..=12).contains(&month) && (1..=31).contains(&day);
        fits.then_some(Self { year, month, day })
    }
}

impl fmt::Display for DriverDate {
    /// `2021-05-17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Most bytes of an INF that is read. The largest known, of graphics and printers, have 2 to 4 MiB.
pub const INF_LEN: u64 = 16 << 20;
/// Characters of a signature that are told.
const SIGNATURE: usize = 64;

impl Inf {
    /// Reads an INF: UTF-16 and UTF-8 by their byte order marks, else Windows-1252. Texts are those
    /// of `[Strings]`, and of `[Strings.0409]` (English) where there are such.
    ///
    /// # Errors
    /// It is too large, or no INF. What is odd in an INF is left out.
    pub fn parse(bytes: &[u8]) -> Result<Self, InfError> {
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found > INF_LEN {
            return Err(InfError::TooLarge { found, limit: INF_LEN });
        }
        let text = decode(bytes, Unmarked::Ansi);
        let text = InfText::new(&text)?;
        if !text.has(VERSION) {
            return Err(InfError::NoVersion);
        }
        let signature = text.value(VERSION, "Signature").unwrap_or_default();
        if !["$Windows NT$", "$Chicago$", "$Windows 95$"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&signature))
        {
            return Err(InfError::Signature { found: signature.chars().take(SIGNATURE).collect() });
        }
        let guid = text.value(VERSION, "ClassGuid").and_then(|guid| guid.parse().ok());
        let (date, version) = driver_ver(&text);
        let (models, installs) = inf_models::read(&text)?;
        let with_ids = models.iter().filter(|models| !models.ids.is_empty());
        let mut architectures: Vec<_> = with_ids.map(|models| models.architecture).collect();
        architectures.sort_unstable();
        architectures.dedup();
        let sections = InstallSections::new(&text);
        let sys = architectures
            .iter()
            .map(|found| (*found, sys_files(&text, &sections, *found, &models, &installs)));
        Ok(Self {
            class: DriverClass::new(guid, text.value(VERSION, "Class")).map(Arc::new),
            provider: text.value(VERSION, "Provider").map(Arc::from),
            date,
            version,
            catalogs: catalogs(&text),
            sys: sys.collect(),
            models,
            architectures,
        })
    }

    /// What kind of devices it is for.
    pub fn class(&self) -> Option<&DriverClass> {
        self.class.as_deref()
    }

    pub(crate) fn shared_class(&self) -> Option<Arc<DriverClass>> {
        self.class.clone()
    }

    /// Who made the package.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    pub(crate) fn shared_provider(&self) -> Option<Arc<str>> {
        self.provider.clone()
    }

    /// The day in `DriverVer`.
    pub fn date(&self) -> Option<DriverDate> {
        self.date
    }

    /// The version in `DriverVer`.
    pub fn version(&self) -> Option<DriverVersion> {
        self.version
    }

    /// The devices it is for. Sections without devices are among them: where Windows takes one of
    /// those, the others of the maker do not count.
    pub fn models(&self) -> &[Models] {
        &self.models
    }

    /// The architectures it has devices for; where it names none, x86.
    pub fn architectures(&self) -> &[Architecture] {
        &self.architectures
    }

    /// The catalog that signs the package on an architecture.
    pub fn catalog(&self, architecture: Architecture) -> Option<&str> {
        let of = |wanted| self.catalogs.iter().find(move |file| file.architecture == wanted);
        of(Some(architecture)).or_else(|| of(None)).map(|file| file.name.as_str())
    }

    /// The names of the driver files (`.sys`) that the package may hold for an architecture that it
    /// has devices for, at most 256: those that are listed (`[SourceDisksFiles]`) and copied there.
    pub fn sys_files(&self, architecture: Architecture) -> impl Iterator<Item = &str> {
        self.sys(architecture).iter().map(|file| &*file.name)
    }

    pub(crate) fn sys(&self, architecture: Architecture) -> &[SysFile] {
        let found = self.sys.iter().find(|(found, _)| *found == architecture);
        found.map(|(_, files)| files.as_slice()).unwrap_or_default()
    }

    /// About as many bytes as it takes in memory.
    pub(crate) fn retained(&self) -> usize {
        // For each text its place and what the memory's keeper adds.
        let text = |len: usize| len.saturating_add(2 * size_of::<Box<str>>());
        let ids = self.models.iter().flat_map(|models| models.ids.iter());
        let ids = ids.map(|id| text(id.len()));
        let files = self.sys.iter().flat_map(|(_, files)| files);
        let files = files.map(|file| text(file.name.len()));
        let models = self.models.iter().map(|_| size_of::<Models>());
        let fixed = 4 * VALUE + size_of::<Self>();
        ids.chain(files).chain(models).fold(fixed, usize::saturating_add)
    }
}

const VERSION: &str = "Version";

/// The architecture as INFs write it after `NT` and in `SourceDisksFiles.amd64`.
pub(crate) fn architecture_named(name: &str) -> Option<Architecture> {
    let names = [
        ("x86", Architecture::X86),
        ("amd64", Architecture::Amd64),
        ("arm64", Architecture::Arm64),
        ("arm", Architecture::Arm),
        ("ia64", Architecture::Ia64),
    ];
    let found = names.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, architecture)| architecture)
}

fn driver_ver(text: &InfText<'_>) -> (Option<DriverDate>, Option<DriverVersion>) {
    let line = text.lines(VERSION).find_map(|line| match key_and_value(line) {
        (Some(key), value) if key.eq_ignore_ascii_case("DriverVer") => Some(value),
        _ => None,
    });
    let mut fields = line.into_iter().flat_map(|line| text.fields(line));
    let date = fields.next().and_then(|date| {
        let mut parts = date.split(['/', '-']);
        let (month, day) = (parts.next()?.trim().parse().ok()?, parts.next()?.trim().parse().ok()?);
        DriverDate::new(parts.next()?.trim().parse().ok()?, month, day)
    });
    (date, fields.next().and_then(|version| driver_version(&version)))
}

/// One to four numbers; those left out are 0.
fn driver_version(text: &str) -> Option<DriverVersion> {
    let mut version = [0; 4];
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > version.len() {
        return None;
    }
    for (number, part) in version.iter_mut().zip(parts) {
        *number = part.trim().parse().ok()?;
    }
    Some(DriverVersion(version))
}

/// The first for each architecture.
fn catalogs(text: &InfText<'_>) -> Vec<Catalog> {
    let mut catalogs: Vec<Catalog> = Vec::new();
    for line in text.lines(VERSION) {
        let (Some(key), value) = key_and_value(line) else { continue };
        let mut parts = key.splitn(2, '.');
        if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("CatalogFile")) {
            continue;
        }
        // `.NT` is for all.
        let architecture = match parts.next() {
            None => None,
            Some(decoration) if decoration.eq_ignore_ascii_case("nt") => None,
            Some(decoration) => match Target::parse(decoration) {
                Some(target) => target.architecture,
                None => continue,
            },
        };
        if catalogs.iter().any(|known| known.architecture == architecture) {
            continue;
        }
        let name = text.expanded(value);
        if !name.is_empty() && name.len() <= NAME_LEN {
            catalogs.push(Catalog { architecture, name });
        }
    }
    catalogs
}

#[cfg(test)]
#[path = "inf_tests.rs"]
mod tests;
