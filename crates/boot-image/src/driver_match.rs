//! Which driver of a boot image a device would get, and why it would get none.

use std::collections::{HashMap, HashSet};
use std::fmt;

use wim_image::Architecture;

use crate::device::Device;
use crate::driver_findings::Names;
use crate::drivers::{DriverPackage, Drivers, PackageKind};
use crate::hardware_id::HardwareId;
use crate::inf_models::{self, Fit};

/// The driver found for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverFound {
    /// The package.
    pub package: String,
    /// The ID that both have, as the INF writes it.
    pub id: String,
    /// The package is of class System: its driver makes a bus, and the card's network or storage
    /// parts on that need drivers of their own.
    pub is_bus: bool,
    /// Why Windows PE may not take it all the same. No package without such a doubt names the device.
    pub doubts: Vec<DriverDoubt>,
}

/// Why Windows PE may not take a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DriverDoubt {
    /// The image's registry does not know it.
    Unregistered,
    /// It is without its catalog.
    Unsigned,
}

impl fmt::Display for DriverDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unregistered => "the image's registry does not know it",
            Self::Unsigned => "it is without its catalog, so not signed",
        })
    }
}

/// Why a device gets no driver, and the package that comes nearest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoDriver {
    /// No package names the device.
    Unknown,
    /// Only for the same chip on other boards.
    OtherBoard {
        /// The package.
        package: String,
        /// An ID of it.
        id: String,
        /// Whether the device was given with its board (`SUBSYS`).
        is_board_known: bool,
    },
    /// Only in a package without driver files that its INF names.
    MissingFiles {
        /// The package.
        package: String,
        /// The names, the first of them.
        files: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// Only in a section for another Windows: one that the maker's section for the boot image's
    /// replaces, or that is for servers.
    OtherWindows {
        /// The package.
        package: String,
        /// Since which Windows (major, minor, build) another section counts, which does not name the
        /// device; `None` for one that is for servers.
        replaced: Option<(u32, u32, u32)>,
    },
    /// Only for a later Windows than the boot image's.
    LaterWindows {
        /// The package.
        package: String,
        /// Major, minor, build.
        since: (u32, u32, u32),
    },
    /// Only in a package of another class.
    OtherClass {
        /// The package.
        package: String,
        /// Its class.
        class: String,
    },
    /// Only for computers of another architecture.
    OtherArchitecture {
        /// The package.
        package: String,
        /// What it is for.
        architecture: Architecture,
    },
}

impl fmt::Display for NoDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no driver names it"),
            Self::OtherBoard { package, id, is_board_known } => {
                write!(f, "{package} has a driver for this chip, but only on boards such as {id}")?;
                if !is_board_known {
                    f.write_str(
                        "; give the ID with its SUBSYS, which `pnputil /enum-devices /connected \
                         /ids` (newer: /deviceids) and `lspci -nnv` tell",
                    )?;
                }
                Ok(())
            }
            Self::MissingFiles { package, files, more } => write!(
                f,
                "{package} has a driver for it, but is without {}, which its INF names",
                Names(files, *more)
            ),
            Self::OtherWindows { package, replaced: Some((major, minor, build)) } => write!(
                f,
                "{package} has a driver for it on older Windows only; its devices for Windows \
                 {major}.{minor}.{build} and later are others"
            ),
            Self::OtherWindows { package, replaced: None } => {
                write!(f, "{package} has a driver for it, for servers only")
            }
            Self::LaterWindows { package, since: (major, minor, build) } => write!(
                f,
                "{package} has a driver for it, for Windows {major}.{minor}.{build} and later"
            ),
            Self::OtherClass { package, class } => {
                write!(f, "{package} names it, but is of class {class}")
            }
            Self::OtherArchitecture { package, architecture } => {
                write!(f, "{package} has a driver for it, for {architecture}")
            }
        }
    }
}

/// What a boot image has for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceAnswer<'d> {
    /// The device.
    pub device: &'d Device,
    /// Its driver.
    pub driver: Result<DriverFound, NoDriver>,
}

impl Drivers {
    /// The driver of each device, in the order of the devices: a package for the image's
    /// architecture and not for a later Windows, of the device's class where that is known, that
    /// names one of its IDs, the most specific one first; of class System too for PCI's network and
    /// storage controllers. Of the sections that an INF has for a maker the one counts that Windows
    /// takes; that Windows PE counts as a workstation is assumed. Packages that are not signed, or that
    /// the registry does not know, only count where there is no other. Extension INFs drive nothing.
    pub fn answers<'d>(&self, devices: &'d [Device]) -> Vec<DeviceAnswer<'d>> {
        let mut search = Search::new(devices);
        // Of packages with one INF the first answers for all that are like it.
        let mut seen: HashSet<PackageKind> = HashSet::new();
        for package in &self.packages {
            if package.kind().is_some_and(|kind| seen.insert(kind)) {
                search.look_into(package, self);
            }
        }
        let answers = devices.iter().zip(search.best);
        answers
            .map(|(device, best)| {
                let driver = match best {
                    None => Err(NoDriver::Unknown),
                    Some((_, answer)) => answer,
                };
                DeviceAnswer { device, driver }
            })
            .collect()
    }
}

/// How good an answer is; the smallest wins, and of equal ones the first.
type Rank = (Nearness, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Fits,
    FitsAsBus,
    FitsWithDoubt,
    MissingFiles,
    OtherWindows,
    LaterWindows,
    OtherClass,
    OtherArchitecture,
    OtherBoard,
}

struct Search<'d> {
    devices: &'d [Device],
    /// Devices by ID, with the place of the ID in the device's list.
    by_id: HashMap<&'d str, Vec<(usize, usize)>>,
    /// Devices by vendor and device of PCI.
    by_chip: HashMap<String, Vec<usize>>,
    best: Vec<Best>,
}

impl<'d> Search<'d> {
    fn new(devices: &'d [Device]) -> Self {
        let mut by_id: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
        let mut by_chip: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, device) in devices.iter().enumerate() {
            for (place, id) in device.ids.iter().enumerate() {
                by_id.entry(id.as_str()).or_default().push((at, place));
            }
            if let Some(chip) = device.ids.iter().find_map(HardwareId::pci_chip) {
                by_chip.entry(chip).or_default().push(at);
            }
        }
        Self { devices, by_id, by_chip, best: vec![None; devices.len()] }
    }

    fn look_into(&mut self, package: &DriverPackage, drivers: &Drivers) {
        let class = package.class.as_ref();
        let Some(inf) = package.facts() else { return };
        if class.is_some_and(|class| class.is("Extension")) {
            return;
        }
        let image = drivers.version.map(|v| (v.major, v.minor, v.build));
        let fits = inf_models::fits(inf.models(), drivers.architecture, image);
        let lacks_files = package.lacks().next().is_some();
        let doubts = doubts(package);
        let mut upper = String::new();
        for (models, fit) in inf.models().iter().zip(fits) {
            let architecture = package
                .folder_architecture
                .filter(|found| *found != drivers.architecture)
                .unwrap_or(models.architecture);
            for id in models.ids.iter() {
                upper.clear();
                upper.push_str(id);
                upper.make_ascii_uppercase();
                for (at, place) in self.by_id.get(upper.as_str()).into_iter().flatten() {
                    let Some(device) = self.devices.get(*at) else { continue };
                    let role = class.and_then(|class| class.role());
                    let is_other = device.role.is_some() && device.role != role;
                    let is_bus =
                        device.is_pci_controller() && class.is_some_and(|class| class.is("System"));
                    let nearness = if architecture != drivers.architecture {
                        Nearness::OtherArchitecture
                    } else if is_other && !is_bus {
                        Nearness::OtherClass
                    } else {
                        match fit {
                            Fit::Later(_) => Nearness::LaterWindows,
                            Fit::Server | Fit::Replaced(_) => Nearness::OtherWindows,
                            Fit::OtherArchitecture => Nearness::OtherArchitecture,
                            Fit::Taken if lacks_files => Nearness::MissingFiles,
                            Fit::Taken if !doubts.is_empty() => Nearness::FitsWithDoubt,
                            Fit::Taken if is_bus => Nearness::FitsAsBus,
                            Fit::Taken => Nearness::Fits,
                        }
                    };
                    offer(&mut self.best, *at, (nearness, *place), || {
                        let (name, id) = (package.name(), id.to_string());
                        match (nearness, fit) {
                            (Nearness::OtherArchitecture, _) => {
                                Err(NoDriver::OtherArchitecture { package: name, architecture })
                            }
                            (Nearness::OtherClass, _) => {
                                let class = class.map(ToString::to_string).unwrap_or_default();
                                Err(NoDriver::OtherClass { package: name, class })
                            }
                            (_, Fit::Later(since)) => {
                                Err(NoDriver::LaterWindows { package: name, since })
                            }
                            (_, Fit::Server) => {
                                Err(NoDriver::OtherWindows { package: name, replaced: None })
                            }
                            (_, Fit::Replaced(since)) => {
                                Err(NoDriver::OtherWindows { package: name, replaced: Some(since) })
                            }
                            (Nearness::MissingFiles, _) => {
                                let (files, more) = Names::first(package.lacks());
                                Err(NoDriver::MissingFiles { package: name, files, more })
                            }
                            _ => Ok(DriverFound {
                                package: name,
                                id,
                                is_bus,
                                doubts: doubts.clone(),
                            }),
                        }
                    });
                }
                if architecture == drivers.architecture
                    && fit == Fit::Taken
                    && let Some(chip) = chip(&upper)
                {
                    for at in self.by_chip.get(chip).into_iter().flatten() {
                        let rank = (Nearness::OtherBoard, 0);
                        offer(&mut self.best, *at, rank, || {
                            let ids = self.devices.get(*at).map(|device| device.ids.as_slice());
                            let has_board = |id: &HardwareId| id.as_str().contains("&SUBSYS_");
                            let is_board_known = ids.is_some_and(|ids| ids.iter().any(has_board));
                            let (package, id) = (package.name(), id.to_string());
                            Err(NoDriver::OtherBoard { package, id, is_board_known })
                        });
                    }
                }
            }
        }
    }
}

/// What is wrong with a package that is whole.
fn doubts(package: &DriverPackage) -> Vec<DriverDoubt> {
    let unregistered = package.is_unregistered().then_some(DriverDoubt::Unregistered);
    let unsigned = package.is_unsigned().then_some(DriverDoubt::Unsigned);
    unregistered.into_iter().chain(unsigned).collect()
}

type Best = Option<(Rank, Result<DriverFound, NoDriver>)>;

fn offer(
    best: &mut [Best],
    at: usize,
    rank: Rank,
    answer: impl FnOnce() -> Result<DriverFound, NoDriver>,
) {
    if let Some(place) = best.get_mut(at)
        && place.as_ref().is_none_or(|(known, _)| rank < *known)
    {
        *place = Some((rank, answer()));
    }
}

/// The first two parts of a PCI ID that has more: `PCI\VEN_8086&DEV_15F3` of an ID with a subsystem.
fn chip(id: &str) -> Option<&str> {
    let (end, _) = id.match_indices('&').nth(1)?;
    id.get(..end).filter(|_| id.starts_with(r"PCI\VEN_"))
}
