//! What is odd about the drivers of a boot image.

use std::collections::HashMap;
use std::fmt;
use std::mem::{Discriminant, discriminant};

use wim_image::Architecture;

use crate::driver_class::DeviceRole;
use crate::drivers::{DriverOrigin, DriverPackage, Drivers, STORE};
use crate::inf::DriverVersion;

/// Something that should be known of the drivers. Only [`is_error`](Self::is_error) ones keep the
/// image from doing what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriverFinding {
    /// An added package is for other computers.
    WrongArchitecture {
        /// The package.
        package: String,
        /// What it is for.
        found: Vec<Architecture>,
        /// What the image is for.
        image: Architecture,
    },
    /// A Windows without a driver store.
    NoStore,
    /// No package drives an adapter of that kind.
    NoDriver {
        /// The kind.
        role: DeviceRole,
    },
    /// A package is without driver files that its INF names.
    MissingFiles {
        /// The package.
        package: String,
        /// The names, the first of them.
        files: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// An added package is without its catalog, and so without signature.
    NoCatalog {
        /// The package.
        package: String,
        /// The catalog's name; `None` when the INF names none.
        catalog: Option<String>,
    },
    /// An added package drives nothing that a boot image needs.
    OtherClass {
        /// The package.
        package: String,
        /// Its class.
        class: String,
    },
    /// Of two versions of an added package, the older one.
    Older {
        /// The package.
        package: String,
        /// Its version.
        version: DriverVersion,
        /// The newer package.
        newer: String,
        /// Its version.
        newest: DriverVersion,
    },
    /// A package in the store that the registry does not know.
    Unregistered {
        /// Its folder.
        folder: String,
    },
    /// A package that the registry knows and the store does not hold.
    NoFolder {
        /// The published INF.
        published: String,
        /// The folder that should be there.
        folder: String,
    },
    /// A folder of the store without INF.
    NoInf {
        /// The folder's path.
        folder: String,
    },
    /// An INF that could not be read.
    Inf {
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A hive, or a part of it, that could not be read.
    Hive {
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A hive with changes that are only in its log files.
    DirtyHive {
        /// Its path.
        path: String,
    },
    /// More of the kinds above than are told.
    More {
        /// How many.
        count: usize,
    },
    /// More packages or longer INFs than are read.
    Truncated {
        /// Packages that are read at most.
        packages: usize,
        /// Bytes of INFs that are read at most.
        bytes: u64,
    },
}

impl DriverFinding {
    /// Whether media should not be made of such an image.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::WrongArchitecture { .. })
    }
}

impl fmt::Display for DriverFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongArchitecture { package, found, image } => {
                let found: Vec<&str> = found.iter().map(|found| found.name()).collect();
                write!(
                    f,
                    "the driver {package} is for {}, the boot image for {image}",
                    found.join(", ")
                )
            }
            Self::NoStore => write!(f, "there is no driver store ({STORE}), so no driver"),
            Self::NoDriver { role: DeviceRole::Network } => write!(
                f,
                "there is no driver for a network adapter (class Net): Windows PE will restart \
                 before it reaches the network"
            ),
            Self::NoDriver { role: DeviceRole::Storage } => write!(
                f,
                "there is no driver for a storage controller (class SCSIAdapter or HDC): Windows PE \
                 will see no disk"
            ),
            Self::MissingFiles { package, files, more } => write!(
                f,
                "the driver {package} is without {}, which its INF names",
                Names(files, *more)
            ),
            Self::NoCatalog { package, catalog: Some(catalog) } => {
                write!(f, "the driver {package} is without its catalog {catalog}, so not signed")
            }
            Self::NoCatalog { package, catalog: None } => {
                write!(f, "the driver {package} names no catalog, so it is not signed")
            }
            Self::OtherClass { package, class } => write!(
                f,
                "the driver {package} (class {class}) was added; boot images need only those for \
                 network, storage and input"
            ),
            Self::Older { package, version, newer, newest } => write!(
                f,
                "the driver {package} has version {version}; {newer} is the same with version \
                 {newest}"
            ),
            Self::Unregistered { folder } => write!(
                f,
                "the driver store holds {folder}, which the image's registry does not know"
            ),
            Self::NoFolder { published, folder } => write!(
                f,
                "the image's registry knows the driver {published}, whose folder {folder} is not \
                 in the driver store"
            ),
            Self::NoInf { folder } => write!(f, "{folder} is a driver's folder without INF"),
            Self::Inf { path, reason } => write!(f, "{path} cannot be read: {reason}"),
            Self::Hive { path, reason } => {
                write!(f, "{path} cannot be read whole: {reason}")
            }
            Self::DirtyHive { path } => write!(
                f,
                "{path} was not closed after its last change; what its log files hold is not known"
            ),
            Self::More { count } => write!(f, "{count} more of these findings are not told"),
            Self::Truncated { packages, bytes } => write!(
                f,
                "there are more drivers than the {packages} packages and {bytes} bytes of INFs that \
                 are read"
            ),
        }
    }
}

/// Names of files, as a text. Not all are told.
pub(crate) struct Names<'n>(pub(crate) &'n [String], pub(crate) usize);

impl<'n> Names<'n> {
    /// The first of many, and how many more there are.
    pub(crate) fn first<'a>(mut all: impl Iterator<Item = &'a str>) -> (Vec<String>, usize) {
        const NAMES: usize = 8;
        let names = all.by_ref().take(NAMES).map(str::to_owned).collect();
        (names, all.count())
    }
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))?;
        if self.1 > 0 {
            write!(f, " and {} more", self.1)?;
        }
        Ok(())
    }
}

/// Findings, of each kind so many that they can be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    found: Vec<DriverFinding>,
    kinds: HashMap<Discriminant<DriverFinding>, usize>,
    /// How many more there were.
    more: usize,
}

impl Findings {
    /// Findings of a kind that are kept.
    const OF_A_KIND: usize = 100;

    pub(crate) fn push(&mut self, finding: DriverFinding) {
        let count = self.kinds.entry(discriminant(&finding)).or_default();
        if *count < Self::OF_A_KIND {
            *count = count.saturating_add(1);
            self.found.push(finding);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Only if there is none of that kind.
    pub(crate) fn push_once(&mut self, finding: DriverFinding) {
        if !self.kinds.contains_key(&discriminant(&finding)) {
            self.push(finding);
        }
    }

    fn extend(&mut self, findings: impl IntoIterator<Item = DriverFinding>) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }

    fn into_vec(mut self) -> Vec<DriverFinding> {
        if self.more > 0 {
            self.found.push(DriverFinding::More { count: self.more });
        }
        self.found
    }
}

impl Drivers {
    /// What is odd about them, the errors first. Packages that are part of Windows are only reported
    /// where they are for network or storage: Windows PE comes with parts of some others. Of each
    /// kind there are at most 100.
    pub fn findings(&self) -> Vec<DriverFinding> {
        let mut found = Findings::default();
        for package in self.added() {
            found.extend(self.wrong_architecture(package));
        }
        if self.has_store {
            for role in [DeviceRole::Network, DeviceRole::Storage] {
                let is_it = |package: &DriverPackage| {
                    package.class.as_ref().and_then(|class| class.role()) == Some(role)
                        && package.drives_hardware()
                };
                if !self.packages.iter().any(is_it) {
                    found.push(DriverFinding::NoDriver { role });
                }
            }
        } else if self.has_windows {
            found.push(DriverFinding::NoStore);
        }
        for package in &self.packages {
            found.extend(self.incomplete(package));
        }
        for package in self.added() {
            let class = package.class.as_ref();
            if let Some(class) = class.filter(|class| !class.suits_boot_image()) {
                let (package, class) = (package.name(), class.to_string());
                found.push(DriverFinding::OtherClass { package, class });
            }
        }
        found.extend(self.older());
        for package in &self.packages {
            if package.is_unregistered()
                && let Some(folder) = &package.folder
            {
                found.push(DriverFinding::Unregistered { folder: folder.clone() });
            }
        }
        found.extend(self.faults.found.iter().cloned());
        found.more = found.more.saturating_add(self.faults.more);
        found.into_vec()
    }

    fn added(&self) -> impl Iterator<Item = &DriverPackage> {
        self.packages.iter().filter(|package| package.origin == DriverOrigin::Added)
    }

    /// By the name of its folder, and by the architectures its INF names. An INF that names none is
    /// for x86 by the book, and not refused elsewhere. Printers are let be: Windows keeps those of
    /// other architectures, to give them to others.
    fn wrong_architecture(&self, package: &DriverPackage) -> Option<DriverFinding> {
        let image = self.architecture;
        if package.class.as_ref().is_some_and(|class| class.is("Printer")) {
            return None;
        }
        let by_folder = package.folder_architecture.filter(|found| *found != image);
        let unnamed = || {
            let models = package.facts().map(|inf| inf.models()).unwrap_or_default();
            models.iter().any(|models| !models.is_named && !models.ids.is_empty())
        };
        let found = match by_folder {
            Some(found) => vec![found],
            None if package.architectures().is_empty()
                || package.architectures().contains(&image)
                || unnamed() =>
            {
                return None;
            }
            None => package.architectures().to_vec(),
        };
        Some(DriverFinding::WrongArchitecture { package: package.name(), found, image })
    }

    fn incomplete(&self, package: &DriverPackage) -> Vec<DriverFinding> {
        let mut found = Vec::new();
        let is_added = package.origin == DriverOrigin::Added;
        let has_role = package.class.as_ref().is_some_and(|class| class.role().is_some());
        if !package.is_for(self.architecture) || !(is_added || has_role) {
            return found;
        }
        let (files, more) = Names::first(package.lacks());
        if !files.is_empty() {
            found.push(DriverFinding::MissingFiles { package: package.name(), files, more });
        }
        if package.is_unsigned() {
            let catalog = package.catalog().map(|file| file.name.to_owned());
            found.push(DriverFinding::NoCatalog { package: package.name(), catalog });
        }
        found
    }

    /// Added packages whose INF has the name, provider and class of another with a higher version.
    fn older(&self) -> Vec<DriverFinding> {
        let key = |package: &DriverPackage| {
            let provider = package.provider.as_deref().unwrap_or_default().to_uppercase();
            let class = package.class.as_ref().map(ToString::to_string);
            (package.inf.to_uppercase(), provider, class, package.folder_architecture)
        };
        // An INF without folder has lost its own name.
        let known = || {
            self.added().filter(|package| package.folder.is_some()).filter_map(|package| {
                package.version.map(|version| (key(package), version, package))
            })
        };
        let mut newest = HashMap::new();
        for (key, version, package) in known() {
            let best = newest.entry(key).or_insert((version, package));
            if best.0 < version {
                *best = (version, package);
            }
        }
        let older = known().filter_map(|(key, version, package)| {
            let (newest, newer) = newest.get(&key).filter(|(newest, _)| *newest > version)?;
            let (package, newer, newest) = (package.name(), newer.name(), *newest);
            Some(DriverFinding::Older { package, version, newer, newest })
        });
        older.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_findings_some_are_told() {
        let mut findings = Findings::default();
        let folder = |at: usize| DriverFinding::NoInf { folder: at.to_string() };
        findings.extend((0..250).map(folder));
        findings.push(DriverFinding::NoStore);
        findings.push_once(DriverFinding::NoStore);
        let found = findings.into_vec();
        assert_eq!(found.len(), Findings::OF_A_KIND + 2);
        assert_eq!(found.last(), Some(&DriverFinding::More { count: 150 }));
        let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let (first, more) = Names::first(names.iter().map(String::as_str));
        assert_eq!(Names(&first, more).to_string(), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
