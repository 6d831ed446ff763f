//! The drivers of a boot image, as values.

use std::collections::BTreeMap;

use boot_image::{Architecture, BootImage, DeviceRole, DriverOrigin, DriverPackage, Inf};
use serde::{Serialize, Serializer};

use crate::boot::driver_groups::{DriverFindingGroup, DriverFindingKind, grouped};

/// The drivers of a boot image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DriversReport {
    /// Whether there is a driver store at all.
    pub store: bool,
    /// How many there are of each class, the largest class first.
    pub classes: Vec<DriverClassReport>,
    /// Every package, those of Windows PE itself too.
    pub packages: Vec<DriverReport>,
    /// What is odd about them, or could not be read; what matters most first.
    pub findings: Vec<DriverFindingReport>,
    /// The same in words, one sentence for each kind; not in JSON.
    #[serde(skip)]
    pub groups: Vec<DriverFindingGroup>,
}

/// The drivers of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DriverClassReport {
    /// Such as `Net`; `(none)` for INFs that name none.
    pub class: String,
    /// `network` or `storage` for the classes that a boot image must have drivers of.
    #[serde(serialize_with = "role")]
    pub role: Option<DeviceRole>,
    /// Packages of it.
    pub packages: usize,
    /// How many of these were added to Windows PE.
    pub added: usize,
}

/// A driver package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DriverReport {
    /// The name of its INF.
    pub inf: String,
    /// The name under which that was published, such as `oem3.inf`.
    pub published: Option<String>,
    /// Its folder in the driver store.
    pub folder: Option<String>,
    /// `inbox`, `added`, or `unknown`.
    #[serde(serialize_with = "origin")]
    pub origin: DriverOrigin,
    /// The kind of device, such as `Net`.
    pub class: Option<String>,
    /// Who made it.
    pub provider: Option<String>,
    /// Its day.
    pub date: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Architectures that its INF has devices for.
    pub architectures: Vec<&'static str>,
    /// Driver files that its INF names and that are not there.
    pub missing_files: Vec<String>,
    /// Hardware and compatible IDs that its INF has for the image's architecture, as it writes them.
    pub hardware_ids: Vec<String>,
    /// How many more there are: of all packages, a hundred thousand are listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_hardware_ids: usize,
}

/// Something odd about the drivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DriverFindingReport {
    /// Its kind.
    pub kind: DriverFindingKind,
    /// Whether `create` refuses such a boot image.
    pub error: bool,
    /// The finding in words.
    pub text: String,
}

/// Most IDs that are listed in all. Windows PE has some ten thousand; thousands of packages may share
/// one INF.
const IDS: usize = 100_000;

pub(crate) fn drivers_report(image: &BootImage, architecture: Architecture) -> DriversReport {
    let drivers = image.drivers(architecture);
    let mut classes: BTreeMap<String, DriverClassReport> = BTreeMap::new();
    for package in drivers.packages() {
        let class = package.class.as_ref();
        let name = class.map_or_else(|| "(none)".to_owned(), ToString::to_string);
        let report = classes.entry(name.clone()).or_insert(DriverClassReport {
            class: name,
            role: class.and_then(|class| class.role()),
            packages: 0,
            added: 0,
        });
        report.packages = report.packages.saturating_add(1);
        let added = usize::from(package.origin == DriverOrigin::Added);
        report.added = report.added.saturating_add(added);
    }
    let mut classes: Vec<_> = classes.into_values().collect();
    // Stable: equal ones stay in the order of their names.
    classes.sort_by_key(|class| std::cmp::Reverse(class.packages));
    let mut findings = drivers.findings();
    findings.sort_by_key(DriverFindingKind::of);
    let groups = grouped(&findings);
    let findings = findings.into_iter().map(|finding| DriverFindingReport {
        kind: DriverFindingKind::of(&finding),
        error: finding.is_error(),
        text: finding.to_string(),
    });
    let mut ids_left = IDS;
    let packages = drivers.packages().iter();
    let packages = packages.map(|package| driver_report(package, architecture, &mut ids_left));
    DriversReport {
        store: drivers.has_store(),
        classes,
        packages: packages.collect(),
        findings: findings.collect(),
        groups,
    }
}

fn driver_report(
    package: &DriverPackage,
    architecture: Architecture,
    ids_left: &mut usize,
) -> DriverReport {
    let models = package.facts().map(Inf::models).unwrap_or_default().iter();
    let models = models.filter(|models| models.architecture == architecture);
    let mut ids = models.flat_map(|models| models.ids.iter());
    let hardware_ids: Vec<_> = ids.by_ref().take(*ids_left).map(ToString::to_string).collect();
    *ids_left = ids_left.saturating_sub(hardware_ids.len());
    let missing = package.sys().filter(|file| !file.is_present);
    DriverReport {
        inf: package.inf.clone(),
        published: package.published.clone(),
        folder: package.folder.clone(),
        origin: package.origin,
        class: package.class.as_ref().map(ToString::to_string),
        provider: package.provider.as_deref().map(str::to_owned),
        date: package.date.map(|date| date.to_string()),
        version: package.version.map(|version| version.to_string()),
        architectures: package.architectures().iter().map(|found| found.name()).collect(),
        missing_files: missing.map(|file| file.name.to_owned()).collect(),
        hardware_ids,
        more_hardware_ids: ids.count(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

// The words of JSON for sets that are told apart elsewhere.

fn role<S: Serializer>(role: &Option<DeviceRole>, to: S) -> Result<S::Ok, S::Error> {
    role.map(DeviceRole::name).serialize(to)
}

fn origin<S: Serializer>(origin: &DriverOrigin, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(origin.name())
}
