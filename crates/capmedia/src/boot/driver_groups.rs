//! Findings about drivers by their kinds. A boot image can have hundreds of one kind; told one by one
//! they would hide the others.

use std::collections::BTreeMap;

use boot_image::{DeviceRole, DriverFinding};
use serde::Serialize;

/// The kinds of findings about drivers, those that matter most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DriverFindingKind {
    /// An added driver is for other computers. The only kind that is an error.
    WrongArchitecture,
    /// A hive cannot be read.
    Hive,
    /// A hive was not closed after its last change.
    DirtyHive,
    /// An INF cannot be read.
    Inf,
    /// More drivers than are read.
    Truncated,
    /// A Windows without a driver store.
    NoStore,
    /// No driver for a network adapter.
    NoNetworkDriver,
    /// No driver for a storage controller.
    NoStorageDriver,
    /// A driver without files that its INF names.
    MissingFiles,
    /// A driver that the registry knows and the store does not hold.
    NoFolder,
    /// A driver's folder without INF.
    NoInf,
    /// An added driver without its catalog.
    NoCatalog,
    /// An added driver of which there is a newer version.
    Older,
    /// A driver in the store that the registry does not know.
    Unregistered,
    /// An added driver of a class that a boot image does not need.
    OtherClass,
    /// Anything else.
    Other,
}

/// All findings of one kind, told in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverFindingGroup {
    /// The kind.
    pub kind: DriverFindingKind,
    /// Whether `create` refuses such a boot image.
    pub error: bool,
    /// The finding, or how many there are and the first of them; what to do last.
    pub text: String,
}

/// Findings of a kind that are named.
const NAMED: usize = 3;

/// The findings by kind, the kinds that matter most first.
pub(crate) fn grouped<'a>(
    findings: impl IntoIterator<Item = &'a DriverFinding>,
) -> Vec<DriverFindingGroup> {
    let mut kinds: BTreeMap<DriverFindingKind, Vec<&DriverFinding>> = BTreeMap::new();
    for finding in findings {
        kinds.entry(DriverFindingKind::of(finding)).or_default().push(finding);
    }
    let groups = kinds.into_iter().map(|(kind, findings)| {
        let mut text = match (&*findings, kind.of_several()) {
            ([one], _) => one.to_string(),
            (several, Some(of_several)) => told(several, of_several, name),
            (several, None) => told(several, "findings about the drivers", ToString::to_string),
        };
        if let Some(remedy) = kind.remedy() {
            text.push_str("; ");
            text.push_str(remedy);
        }
        DriverFindingGroup { kind, error: findings.iter().any(|it| it.is_error()), text }
    });
    groups.collect()
}

fn told(
    findings: &[&DriverFinding],
    what: &str,
    name: impl Fn(&DriverFinding) -> String,
) -> String {
    let names: Vec<_> = findings.iter().take(NAMED).map(|finding| name(finding)).collect();
    let more = match findings.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more, which `capmedia inspect --json` lists"),
    };
    format!("{} {what}: {}{more}", findings.len(), names.join(", "))
}

/// What one of several findings of a kind is about.
fn name(finding: &DriverFinding) -> String {
    match finding {
        DriverFinding::WrongArchitecture { package, found, .. } => {
            let found: Vec<_> = found.iter().map(|found| found.name()).collect();
            format!("{package} (for {})", found.join(", "))
        }
        DriverFinding::Hive { path, reason } | DriverFinding::Inf { path, reason } => {
            format!("{path} ({reason})")
        }
        DriverFinding::MissingFiles { package, files, more } => {
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{package} (without {}{more})", files.join(", "))
        }
        DriverFinding::OtherClass { package, class } => format!("{package} (class {class})"),
        DriverFinding::Older { package, version, newest, .. } => {
            format!("{package} ({version}, there is {newest})")
        }
        DriverFinding::NoCatalog { package, .. } => package.clone(),
        DriverFinding::NoFolder { published, .. } => published.clone(),
        DriverFinding::DirtyHive { path } => path.clone(),
        DriverFinding::NoInf { folder } | DriverFinding::Unregistered { folder } => folder.clone(),
        other => other.to_string(),
    }
}

impl DriverFindingKind {
    pub(crate) fn of(finding: &DriverFinding) -> Self {
        match finding {
            DriverFinding::WrongArchitecture { .. } => Self::WrongArchitecture,
            DriverFinding::NoStore => Self::NoStore,
            DriverFinding::NoDriver { role: DeviceRole::Network } => Self::NoNetworkDriver,
            DriverFinding::NoDriver { role: DeviceRole::Storage } => Self::NoStorageDriver,
            DriverFinding::MissingFiles { .. } => Self::MissingFiles,
            DriverFinding::NoCatalog { .. } => Self::NoCatalog,
            DriverFinding::OtherClass { .. } => Self::OtherClass,
            DriverFinding::Older { .. } => Self::Older,
            DriverFinding::Unregistered { .. } => Self::Unregistered,
            DriverFinding::NoFolder { .. } => Self::NoFolder,
            DriverFinding::NoInf { .. } => Self::NoInf,
            DriverFinding::Inf { .. } => Self::Inf,
            DriverFinding::Hive { .. } => Self::Hive,
            DriverFinding::DirtyHive { .. } => Self::DirtyHive,
            DriverFinding::Truncated { .. } => Self::Truncated,
            _ => Self::Other,
        }
    }

    /// What several of them are, behind their number.
    fn of_several(self) -> Option<&'static str> {
        Some(match self {
            Self::WrongArchitecture => "drivers are for other computers than the boot image",
            Self::Hive => "hives cannot be read whole",
            Self::DirtyHive => "hives were not closed after their last change",
            Self::Inf => "INFs cannot be read",
            Self::MissingFiles => "drivers are without files that their INFs name",
            Self::NoFolder => "drivers are known to the image's registry and not in the store",
            Self::NoInf => "folders of drivers are without INF",
            Self::NoCatalog => "drivers are without their catalogs, so not signed",
            Self::Older => "drivers are there in a newer version too",
            Self::Unregistered => "drivers in the store are not known to the image's registry",
            Self::OtherClass => {
                "drivers were added that are neither for network nor for storage, all that boot \
                 images need"
            }
            _ => return None,
        })
    }

    fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::Hive | Self::DirtyHive => {
                "which drivers were added is not certain: make the boot image again (Update \
                 Distribution Points in the Configuration Manager console), and use that one"
            }
            Self::Inf => {
                "what it drives is not known: remove the driver from the boot image in the \
                 Configuration Manager console (Properties, Drivers) and add it again"
            }
            Self::Truncated => "remove drivers that this boot image does not need",
            Self::NoStore => {
                "use a boot image with its driver store whole, such as Configuration Manager makes \
                 from that of the Windows ADK"
            }
            Self::NoNetworkDriver | Self::NoStorageDriver => {
                "add one to the boot image in the Configuration Manager console (Properties, \
                 Drivers)"
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_of_a_kind_hide_no_other() {
        let trivial = (0..30).map(|number| DriverFinding::OtherClass {
            package: format!("oem{number}.inf"),
            class: "Display".into(),
        });
        let mut findings: Vec<_> = trivial.collect();
        findings.push(DriverFinding::NoDriver { role: DeviceRole::Storage });
        findings.push(DriverFinding::Hive { path: "DRIVERS".into(), reason: "cut off".into() });
        let groups = grouped(&findings);
        let kinds: Vec<_> = groups.iter().map(|group| group.kind).collect();
        use DriverFindingKind::{Hive, NoStorageDriver, OtherClass};
        assert_eq!(kinds, [Hive, NoStorageDriver, OtherClass]);
        assert!(groups[0].text.starts_with("DRIVERS cannot be read whole: cut off; "));
        assert!(groups[1].text.contains("Properties, Drivers"));
        assert_eq!(
            groups[2].text,
            "30 drivers were added that are neither for network nor for storage, all that boot \
             images need: oem0.inf (class Display), oem1.inf (class Display), oem2.inf (class \
             Display) and 27 more, which `capmedia inspect --json` lists"
        );
        assert!(groups.iter().all(|group| !group.error));
    }
}
