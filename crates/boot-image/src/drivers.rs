//! The driver packages of a boot image: its driver store, its folder of INFs and its registry, put
//! together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use extent_image::fold_case;
use wim_image::{Architecture, Entry, Sha1, Version};

use crate::driver_class::DriverClass;
use crate::driver_findings::{DriverFinding, Findings};
use crate::driver_hive::{self, Registered};
use crate::hardware_id::is_on_bus;
use crate::image::BootImage;
use crate::inf::{DriverDate, DriverVersion, INF_LEN, Inf, architecture_named};
use crate::inf_models::{self, Fit};

/// The folder that holds a folder for each package.
pub(crate) const STORE: &str = r"Windows\System32\DriverStore\FileRepository";
/// Published INFs: those added to an image are called `oem0.inf` and on.
const PUBLISHED: &str = r"Windows\INF";
/// Where Windows starts drivers from.
const LOADED: &str = r"Windows\System32\drivers";
/// Hives that know packages, `DRIVERS` since Windows 10.
const HIVES: [&str; 2] = [r"Windows\System32\config\DRIVERS", r"Windows\System32\config\SYSTEM"];

/// Packages looked at; an installed Windows has some 2,500, a boot image some 600.
const PACKAGES: usize = 20_000;
/// Bytes of all INFs; those of an installed Windows have some 150 MiB.
const ALL_INFS: u64 = 256 << 20;
/// Bytes of the facts of all INFs that are kept. A few bytes of an INF can make many of its facts.
const RETAINED: usize = 64 << 20;
/// Bytes of a hive; those of boot images have 3 to 15 MiB.
const HIVE_LEN: u64 = 64 << 20;

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriverOrigin {
    /// Part of Windows.
    Inbox,
    /// Added to the image: its INF was published as `oemN.inf`.
    Added,
    /// In the store, and neither published nor registered.
    Unknown,
}

impl DriverOrigin {
    /// `inbox`, `added` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Added => "added",
            Self::Unknown => "unknown",
        }
    }
}

/// A file that a package names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverFile<'p> {
    /// Its name.
    pub name: &'p str,
    /// Whether it is in the package's folder or below, or among the drivers that Windows starts.
    pub is_present: bool,
}

/// A driver package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverPackage {
    /// Its folder in the store; `None` for an INF without one.
    pub folder: Option<String>,
    /// The INF's own name.
    pub inf: String,
    /// The INF's name in `Windows\INF`, where it is known: `oem3.inf`.
    pub published: Option<String>,
    /// Part of Windows, or added.
    pub origin: DriverOrigin,
    /// The kind of device.
    pub class: Option<Arc<DriverClass>>,
    /// Who made it.
    pub provider: Option<Arc<str>>,
    /// Its day.
    pub date: Option<DriverDate>,
    /// Its version.
    pub version: Option<DriverVersion>,
    /// Architecture by the name of its folder.
    pub folder_architecture: Option<Architecture>,
    /// Whether the registry knows it; `None` where no hive tells of packages, and where it was not
    /// found and a hive could not be read whole.
    pub is_registered: Option<bool>,
    /// The facts of its INF, where that could be read. Packages of one INF share them, so whatever is
    /// kept for each is small.
    facts: Option<Facts>,
    /// The image's, for which the files are.
    architecture: Architecture,
    /// Places of the `.sys` files that are not there.
    missing: Box<[u16]>,
    has_catalog: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    inf: Arc<Inf>,
    /// Whether it drives adapters on a bus, on the image's Windows.
    drives_hardware: bool,
}

impl DriverPackage {
    /// What to call it: the published name of an added one, else the INF's.
    /// Control characters, which no name of Windows has, are replaced.
    pub fn name(&self) -> String {
        let name = match &self.published {
            Some(published) if self.origin == DriverOrigin::Added => {
                if published.eq_ignore_ascii_case(&self.inf) {
                    published.clone()
                } else {
                    format!("{published} ({})", self.inf)
                }
            }
            _ => self.inf.clone(),
        };
        name.replace(char::is_control, "\u{FFFD}")
    }

    /// Its INF, where that could be read.
    pub fn facts(&self) -> Option<&Inf> {
        self.facts.as_ref().map(|facts| &*facts.inf)
    }

    /// Architectures that its INF has devices for.
    pub fn architectures(&self) -> &[Architecture] {
        self.facts().map(Inf::architectures).unwrap_or_default()
    }

    /// `.sys` files that its INF names for the image's architecture.
    pub fn sys(&self) -> impl Iterator<Item = DriverFile<'_>> {
        let files = self.facts().map(|inf| inf.sys(self.architecture)).unwrap_or_default();
        files.iter().enumerate().map(|(at, file)| {
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            let is_present = self.missing.binary_search(&at).is_err();
            DriverFile { name: &file.name, is_present }
        })
    }

    /// The catalog that its INF names for the image's architecture.
    pub fn catalog(&self) -> Option<DriverFile<'_>> {
        let name = self.facts()?.catalog(self.architecture)?;
        Some(DriverFile { name, is_present: self.has_catalog })
    }

    /// Whether it serves computers of that architecture: by its folder's name, and its INF has
    /// devices for it.
    pub fn is_for(&self, architecture: Architecture) -> bool {
        self.folder_architecture.is_none_or(|found| found == architecture)
            && self.architectures().contains(&architecture)
    }

    /// Whether it drives adapters on a bus of the image's computers: there are Net and SCSIAdapter
    /// packages that only make software devices.
    pub(crate) fn drives_hardware(&self) -> bool {
        self.is_for(self.architecture) && self.facts.as_ref().is_some_and(|f| f.drives_hardware)
    }

    /// The `.sys` files that it surely lacks: each that is its own beyond doubt, and all where it has
    /// none of them.
    pub(crate) fn lacks(&self) -> impl Iterator<Item = &str> {
        let files = self.facts().map(|inf| inf.sys(self.architecture)).unwrap_or_default();
        let has_none = files.len() == self.missing.len();
        let missing = self.missing.iter().filter_map(|at| files.get(usize::from(*at)));
        missing.filter(move |file| has_none || file.is_sure).map(|file| &*file.name)
    }

    /// Whether the registry should know it and does not. Of Windows' own packages not all are in
    /// every hive.
    pub(crate) fn is_unregistered(&self) -> bool {
        self.is_registered == Some(false)
            && self.origin != DriverOrigin::Inbox
            && self.folder.is_some()
    }

    /// Whether it was added without a catalog. The catalogs of Windows' own are elsewhere.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.origin == DriverOrigin::Added && !self.has_catalog
    }

    /// What tells packages apart in a search for drivers, other than their names.
    pub(crate) fn kind(&self) -> Option<PackageKind> {
        let inf = Arc::as_ptr(&self.facts.as_ref()?.inf);
        let lacks_files = self.lacks().next().is_some();
        let flags = [lacks_files, self.is_unregistered(), self.is_unsigned()];
        Some((inf, self.folder_architecture, flags))
    }
}

/// The INF by its place in memory, the folder's architecture, and what is wrong.
pub(crate) type PackageKind = (*const Inf, Option<Architecture>, [bool; 3]);

/// The driver packages of a boot image.
#[derive(Debug, Clone)]
pub struct Drivers {
    pub(crate) packages: Vec<DriverPackage>,
    pub(crate) architecture: Architecture,
    pub(crate) has_store: bool,
    /// Whether the image holds a Windows at all.
    pub(crate) has_windows: bool,
    /// Of the Windows in the image.
    pub(crate) version: Option<Version>,
    /// Found while reading.
    pub(crate) faults: Findings,
}

impl Drivers {
    /// The packages: those of the store by folder, then the rest by INF.
    pub fn packages(&self) -> &[DriverPackage] {
        &self.packages
    }

    /// Whether the image has a driver store.
    pub fn has_store(&self) -> bool {
        self.has_store
    }

    /// The architecture that the packages should be for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }
}

impl BootImage {
    /// Reads the driver packages, for computers of an architecture: the INF of each folder of the
    /// store once, INFs in `Windows\INF` that are not in the store, and the hives `DRIVERS` and
    /// `SYSTEM` where they are. Log files of hives are not applied.
    ///
    /// Nothing here fails: what cannot be read is among [`Drivers::findings`]. At most 20,000
    /// packages and 256 MiB of INFs are read.
    pub fn drivers(&self, architecture: Architecture) -> Drivers {
        let mut reader = Reader::new(self, architecture);
        let registry = reader.hives();
        let mut packages = reader.store(&registry);
        reader.published_only(&mut packages);
        reader.registered_only(&registry, &packages);
        let image = self.image();
        Drivers {
            packages,
            architecture,
            has_store: image.lookup(STORE).is_some_and(|store| store.is_folder()),
            has_windows: image.lookup(r"Windows\System32\ntoskrnl.exe").is_some(),
            version: version(self),
            faults: reader.faults,
        }
    }
}

/// Of the Windows in the image.
fn version(boot: &BootImage) -> Option<Version> {
    boot.info().and_then(|info| info.version)
}

/// Names fold as NTFS folds them.
fn folded(name: &str) -> String {
    name.chars().map(fold_case).collect()
}

pub(crate) fn has_end(name: &str, end: &str) -> bool {
    let at = name.len().checked_sub(end.len());
    at.and_then(|at| name.get(at..)).is_some_and(|found| found.eq_ignore_ascii_case(end))
}

/// `oem3.inf`: what an INF that was added to an image is called.
fn is_oem(name: &str) -> bool {
    let digits = name.get(..3).filter(|start| start.eq_ignore_ascii_case("oem"));
    let digits = digits.and_then(|_| name.get(3..name.len().checked_sub(4)?));
    has_end(name, ".inf")
        && digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The INF's name and the architecture in the name of a folder: `card.inf_amd64_0123456789abcdef`;
/// of Windows 7 `card.inf_amd64_neutral_0123456789abcdef`, of Vista `card.inf_01234567`.
fn folder_parts(folder: &str) -> (Option<&str>, Option<Architecture>) {
    let lower = folder.to_ascii_lowercase();
    let Some(at) = lower.rfind(".inf_").and_then(|at| at.checked_add(4)) else {
        return (None, None);
    };
    let architecture = folder.get(at..).and_then(|rest| rest.split('_').nth(1));
    (folder.get(..at), architecture.and_then(architecture_named))
}

/// What the hives know.
struct Registry {
    /// By folded folder.
    packages: HashMap<String, Registered>,
    /// Whether a package that is not there is not known: hives tell of packages, and each that is
    /// there could be read whole.
    is_whole: bool,
}

struct Reader<'i> {
    boot: &'i BootImage,
    architecture: Architecture,
    /// INFs read, by content: what is stored twice is read once.
    read: HashMap<Sha1, Option<Facts>>,
    bytes_left: u64,
    /// What the facts may take yet; `None` once they were too many.
    retained_left: Option<usize>,
    version: Option<(u32, u32, u32)>,
    /// `Windows\INF`: by folded name, and by content.
    published: HashMap<String, Entry<'i>>,
    published_as: HashMap<Sha1, Vec<&'i str>>,
    /// Folded names in `Windows\System32\drivers`.
    loaded: HashSet<String>,
    faults: Findings,
}

impl<'i> Reader<'i> {
    fn new(boot: &'i BootImage, architecture: Architecture) -> Self {
        let children = |path| {
            let folder = boot.image().lookup(path).filter(Entry::is_folder);
            folder.into_iter().flat_map(|folder| folder.children())
        };
        let mut published = HashMap::new();
        let mut published_as: HashMap<Sha1, Vec<&str>> = HashMap::new();
        for entry in children(PUBLISHED).filter(|e| !e.is_folder() && has_end(e.name(), ".inf")) {
            published.insert(folded(entry.name()), entry);
            if let Some(hash) = entry.sha1() {
                published_as.entry(hash).or_default().push(entry.name());
            }
        }
        // The first is taken last.
        published_as.values_mut().for_each(|names| names.sort_by(|one, other| other.cmp(one)));
        Self {
            boot,
            architecture,
            read: HashMap::new(),
            bytes_left: ALL_INFS,
            retained_left: Some(RETAINED),
            version: version(boot).map(|version| (version.major, version.minor, version.build)),
            published,
            published_as,
            loaded: children(LOADED).map(|entry| folded(entry.name())).collect(),
            faults: Findings::default(),
        }
    }

    fn hives(&mut self) -> Registry {
        let mut registered = HashMap::new();
        let mut is_whole = true;
        for path in HIVES {
            let Some(entry) = self.boot.image().lookup(path).filter(|e| !e.is_folder()) else {
                continue;
            };
            let bytes = match self.content(entry, HIVE_LEN) {
                Ok(bytes) => bytes,
                Err(reason) => {
                    is_whole = false;
                    self.faults.push(DriverFinding::Hive { path: entry.path(), reason });
                    continue;
                }
            };
            let facts = driver_hive::read(&bytes);
            is_whole &= facts.is_whole();
            if facts.is_dirty && !facts.packages.is_empty() {
                self.faults.push(DriverFinding::DirtyHive { path: entry.path() });
            }
            for fault in facts.faults {
                let reason = fault.to_string();
                self.faults.push(DriverFinding::Hive { path: entry.path(), reason });
            }
            for package in facts.packages {
                registered.entry(folded(&package.folder)).or_insert(package);
            }
        }
        let is_whole = is_whole && !registered.is_empty();
        Registry { packages: registered, is_whole }
    }

    fn content(&self, entry: Entry<'_>, limit: u64) -> Result<Vec<u8>, String> {
        if entry.size() > limit {
            return Err(format!("it has {} bytes; at most {limit} are read", entry.size()));
        }
        let file = self.boot.wim().file(entry).map_err(|error| error.to_string())?;
        file.read_verified().map_err(|error| error.to_string())
    }

    fn inf(&mut self, entry: Entry<'_>) -> Option<Facts> {
        if let Some(known) = entry.sha1().and_then(|hash| self.read.get(&hash)) {
            return known.clone();
        }
        let left = self.bytes_left.checked_sub(entry.size().min(INF_LEN));
        let (Some(left), Some(retained_left)) = (left, self.retained_left) else {
            self.truncated();
            return None;
        };
        self.bytes_left = left;
        let bytes = self.content(entry, INF_LEN);
        let inf = bytes.and_then(|bytes| Inf::parse(&bytes).map_err(|error| error.to_string()));
        let facts = match inf {
            Ok(inf) => {
                self.retained_left = retained_left.checked_sub(inf.retained());
                if self.retained_left.is_none() {
                    self.truncated();
                    return None;
                }
                let drives_hardware = self.drives_hardware(&inf);
                Some(Facts { inf: Arc::new(inf), drives_hardware })
            }
            Err(reason) => {
                self.faults.push(DriverFinding::Inf { path: entry.path(), reason });
                None
            }
        };
        if let Some(hash) = entry.sha1() {
            self.read.insert(hash, facts.clone());
        }
        facts
    }

    fn drives_hardware(&self, inf: &Inf) -> bool {
        let fits = inf_models::fits(inf.models(), self.architecture, self.version);
        let mut taken = inf.models().iter().zip(fits).filter(|(_, fit)| *fit == Fit::Taken);
        taken.any(|(models, _)| models.ids.iter().any(|id| is_on_bus(id)))
    }

    fn truncated(&mut self) {
        self.faults.push_once(DriverFinding::Truncated { packages: PACKAGES, bytes: ALL_INFS });
    }

    /// The packages that have a folder.
    fn store(&mut self, registry: &Registry) -> Vec<DriverPackage> {
        let mut packages = Vec::new();
        let Some(store) = self.boot.image().lookup(STORE) else { return packages };
        for folder in store.children().filter(Entry::is_folder) {
            if packages.len() >= PACKAGES {
                self.truncated();
                break;
            }
            let (inf_name, architecture) = folder_parts(folder.name());
            let named = inf_name.and_then(|name| folder.child(name));
            let any = || folder.children().find(|entry| has_end(entry.name(), ".inf"));
            let Some(entry) = named.or_else(any).filter(|entry| !entry.is_folder()) else {
                self.faults.push(DriverFinding::NoInf { folder: folder.path() });
                continue;
            };
            let known = registry.packages.get(&folded(folder.name()));
            let mut package = self.package(Some(folder), entry, architecture, known);
            package.is_registered = match known {
                Some(_) => Some(true),
                None => registry.is_whole.then_some(false),
            };
            packages.push(package);
        }
        packages.sort_by(|one, other| one.folder.cmp(&other.folder));
        packages
    }

    /// Adds INFs that are published and in no folder of the store.
    fn published_only(&mut self, packages: &mut Vec<DriverPackage>) {
        let mut known: HashSet<String> = HashSet::new();
        for package in packages.iter() {
            known.insert(folded(&package.inf));
            known.extend(package.published.as_deref().map(folded));
        }
        let mut rest: Vec<(String, Entry<'i>)> = self
            .published
            .iter()
            .filter(|(name, _)| !known.contains(*name))
            .map(|(name, entry)| (name.clone(), *entry))
            .collect();
        rest.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (_, entry) in rest {
            if packages.len() >= PACKAGES {
                self.truncated();
                break;
            }
            let package = self.package(None, entry, None, None);
            // Windows has INFs that are for no device.
            if !package.architectures().is_empty() {
                packages.push(package);
            }
        }
    }

    fn registered_only(&mut self, registry: &Registry, packages: &[DriverPackage]) {
        let folders = packages.iter().filter_map(|package| package.folder.as_deref());
        let folders: HashSet<String> = folders.map(folded).collect();
        let mut missing: Vec<&Registered> = registry
            .packages
            .iter()
            .filter(|(folder, package)| {
                // Windows keeps traces of its own packages that are not in this edition.
                !folders.contains(*folder) && package.published.as_deref().is_some_and(is_oem)
            })
            .map(|(_, package)| package)
            .collect();
        missing.sort_by(|one, other| one.folder.cmp(&other.folder));
        for package in missing {
            let folder = package.folder.clone();
            let published = package.published.clone().unwrap_or_default();
            self.faults.push(DriverFinding::NoFolder { published, folder });
        }
    }

    fn package(
        &mut self,
        folder: Option<Entry<'i>>,
        entry: Entry<'i>,
        folder_architecture: Option<Architecture>,
        registered: Option<&Registered>,
    ) -> DriverPackage {
        let inf_name = entry.name().to_owned();
        let facts = self.inf(entry);
        let by_name = self.published.get(&folded(&inf_name)).map(|entry| entry.name());
        let by_content = match entry.sha1().and_then(|hash| self.published_as.get_mut(&hash)) {
            // Of packages with equal INFs each has its own.
            Some(names) if names.len() > 1 => names.pop(),
            Some(names) => names.first().copied(),
            None => None,
        };
        let published = registered
            .and_then(|known| known.published.clone())
            .or_else(|| by_content.or(by_name).map(str::to_owned));
        let origin = match &published {
            Some(name) if is_oem(name) => DriverOrigin::Added,
            Some(_) => DriverOrigin::Inbox,
            None => DriverOrigin::Unknown,
        };
        let inf = facts.as_ref().map(|facts| &*facts.inf);
        let architecture = self.architecture;
        let sys = inf.map(|inf| inf.sys(architecture)).unwrap_or_default();
        let catalog = inf.and_then(|inf| inf.catalog(architecture));
        let in_folder = folder.filter(|_| inf.is_some()).map(names_below).unwrap_or_default();
        let is_there = |name: &str| {
            let name = folded(name);
            // What Windows brings along is started from the folder of drivers.
            let is_loaded = || origin != DriverOrigin::Added && self.loaded.contains(&name);
            in_folder.contains(&name) || is_loaded()
        };
        let missing = sys.iter().zip(0..).filter(|(file, _)| !is_there(&file.name));
        let missing = missing.map(|(_, at)| at).collect();
        let has_catalog = catalog.is_some_and(|name| in_folder.contains(&folded(name)));
        DriverPackage {
            folder: folder.map(|folder| folder.name().to_owned()),
            // An INF without a class is of none, whatever the registry says.
            class: match inf {
                Some(inf) => inf.shared_class(),
                None => registered.and_then(|known| known.class.clone()).map(Arc::new),
            },
            provider: inf
                .and_then(Inf::shared_provider)
                .or_else(|| registered.and_then(|known| known.provider.as_deref()).map(Arc::from)),
            date: inf.and_then(Inf::date).or_else(|| registered.and_then(|known| known.date)),
            version: inf
                .and_then(Inf::version)
                .or_else(|| registered.and_then(|known| known.version)),
            inf: inf_name,
            published,
            origin,
            folder_architecture,
            is_registered: None,
            architecture,
            missing,
            has_catalog,
            facts,
        }
    }
}

/// Folded names of all files in a folder and below.
fn names_below(folder: Entry<'_>) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in folder.children() {
            if entry.is_folder() {
                folders.push(entry);
            } else {
                names.insert(folded(entry.name()));
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders() {
        let amd64 = Some(Architecture::Amd64);
        let parts = folder_parts("card.inf_amd64_0123456789abcdef");
        assert_eq!(parts, (Some("card.inf"), amd64));
        assert_eq!(folder_parts("Card.INF_AMD64_neutral_0123"), (Some("Card.INF"), amd64));
        assert_eq!(folder_parts("card.inf_01234567"), (Some("card.inf"), None));
        assert_eq!(
            folder_parts("a.inf_b.inf_arm64_0"),
            (Some("a.inf_b.inf"), Some(Architecture::Arm64))
        );
        assert_eq!(folder_parts("other"), (None, None));
    }

    #[test]
    fn names_of_added_infs() {
        assert!(is_oem("oem0.inf") && is_oem("OEM123.INF"));
        for name in ["oem.inf", "oemx.inf", "oem1.sys", "card.inf", "oem", "", "oé1.inf"] {
            assert!(!is_oem(name), "{name}");
        }
    }
}
