//! What a boot image's registry says of its driver packages: `DriverDatabase\DriverPackages` in the
//! hives `DRIVERS` (since Windows 10) and `SYSTEM` (before, and for what Windows starts from).
//!
//! ```text
//! DriverDatabase\DriverPackages\<folder in the store>
//!     (default)  the INF's published name: oem3.inf
//!     Provider
//!     Version    8: class GUID, 24: day as FILETIME, 32: version, four u16 from the last to the first
//! ```
//!
//! The layout is not documented by Microsoft; it is what published tools for offline injection read
//! and write (wim-peers, section 4.1).

use bcd_store::Guid;
use bcd_store::hive::{Hive, HiveError, Key};
use extent_image::Timestamp;

use crate::driver_class::DriverClass;
use crate::inf::{DriverDate, DriverVersion};

/// A package that the registry knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Registered {
    /// Its folder in the store.
    pub(crate) folder: String,
    /// The INF's name in `Windows\INF`.
    pub(crate) published: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) class: Option<DriverClass>,
    pub(crate) date: Option<DriverDate>,
    pub(crate) version: Option<DriverVersion>,
}

/// What was read of a hive.
#[derive(Debug, Default)]
pub(crate) struct HiveFacts {
    pub(crate) packages: Vec<Registered>,
    /// A write was not ended; what its log files hold is not known.
    pub(crate) is_dirty: bool,
    /// Faults met on the way; what could be read in spite of them is there.
    pub(crate) faults: Vec<HiveError>,
    /// There are more packages than are read.
    is_cut: bool,
}

impl HiveFacts {
    /// Whether a package that is not there is not known to the hive.
    pub(crate) fn is_whole(&self) -> bool {
        !self.is_dirty && !self.is_cut && self.faults.is_empty()
    }
}

/// Packages read of one hive.
const PACKAGES: usize = 20_000;
/// Faults kept of one hive.
const FAULTS: usize = 8;

/// Reads as much as is sound.
pub(crate) fn read(bytes: &[u8]) -> HiveFacts {
    let mut facts = HiveFacts::default();
    let hive = match Hive::open(bytes) {
        Ok(hive) => hive,
        Err(error) => {
            facts.faults.push(error);
            return facts;
        }
    };
    facts.is_dirty = hive.is_dirty();
    match hive.root().and_then(|root| root.find(r"DriverDatabase\DriverPackages")) {
        Ok(Some(packages)) => read_packages(&packages, &mut facts),
        Ok(None) => {}
        Err(error) => facts.faults.push(error),
    }
    facts
}

fn read_packages(packages: &Key<'_>, facts: &mut HiveFacts) {
    for (count, package) in packages.subkeys().enumerate() {
        if count >= PACKAGES {
            facts.is_cut = true;
            break;
        }
        let read = package.and_then(|package| read_package(&package));
        match read {
            Ok(package) => facts.packages.push(package),
            Err(error) if facts.faults.len() < FAULTS => facts.faults.push(error),
            Err(_) => {}
        }
    }
}

fn read_package(key: &Key<'_>) -> Result<Registered, HiveError> {
    let text = |name| -> Result<Option<String>, HiveError> {
        let text = key.value(name)?.and_then(|value| value.text());
        Ok(text.filter(|text| !text.is_empty() && text.len() <= TEXT))
    };
    let mut package = Registered {
        folder: key.name(),
        published: text("")?,
        provider: text("Provider")?,
        ..Registered::default()
    };
    if let Some(version) = key.value("Version")? {
        let data = version.data()?;
        let class = data.get(8..24).and_then(|bytes| bytes.try_into().ok()).map(Guid::from_bytes);
        package.class = DriverClass::new(class, None);
        let day = data.get(24..32).and_then(|bytes| bytes.try_into().ok());
        package.date = day.and_then(|ticks| date(u64::from_le_bytes(ticks)));
        let (numbers, _) = data.get(32..40).unwrap_or_default().as_chunks::<2>();
        if let [d, c, b, a] = numbers {
            package.version = Some(DriverVersion([a, b, c, d].map(|n| u16::from_le_bytes(*n))));
        }
    }
    Ok(package)
}

/// Bytes of a text that is kept; they are names.
const TEXT: usize = 512;

/// The day of a FILETIME.
fn date(ticks: u64) -> Option<DriverDate> {
    let civil = Timestamp::from_filetime(ticks).civil();
    DriverDate::new(u16::try_from(civil.year).ok()?, civil.month, civil.day)
}

#[cfg(test)]
mod tests {
    use bcd_store::hive::{FileTime, KeyTree, ValueType};

    use super::*;

    fn sz(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn version() -> Vec<u8> {
        let mut version = vec![0xFF, 0xFF, 9, 0, 0, 0, 0, 0];
        let net = "{4d36e972-e325-11ce-bfc1-08002be10318}".parse::<Guid>().unwrap();
        version.extend(net.to_bytes());
        version.extend(FileTime::from_unix_seconds(1_621_209_600).ticks().to_le_bytes());
        version.extend(*b"\x38\x4a\x68\x00\x53\x00\x64\x00");
        version
    }

    fn hive(packages: KeyTree) -> Vec<u8> {
        let database = KeyTree::new("driverdatabase").with_subkey(packages);
        KeyTree::new("ROOT").with_subkey(database).to_hive(FileTime::from_unix_seconds(0)).unwrap()
    }

    #[test]
    fn packages_of_a_hive() {
        let package = KeyTree::new("card.inf_amd64_0123456789abcdef")
            .with_value("", ValueType::SZ, sz("oem3.inf"))
            .with_value("InfName", ValueType::SZ, sz("card.inf"))
            .with_value("Provider", ValueType::SZ, sz("Grey Box"))
            .with_value("Version", ValueType::BINARY, version());
        let short = KeyTree::new("short").with_value("Version", ValueType::BINARY, [1, 2, 3]);
        let packages = KeyTree::new("DriverPackages").with_subkey(package).with_subkey(short);
        let facts = read(&hive(packages));
        let [card, short] = facts.packages.as_slice() else { panic!("{facts:?}") };
        assert_eq!(card.folder, "card.inf_amd64_0123456789abcdef");
        assert_eq!(card.published.as_deref(), Some("oem3.inf"));
        assert_eq!(card.provider.as_deref(), Some("Grey Box"));
        assert_eq!(card.class.as_ref().unwrap().to_string(), "Net");
        assert_eq!(card.date.unwrap().to_string(), "2021-05-17");
        assert_eq!(card.version.unwrap().to_string(), "100.83.104.19000");
        let folder = "short".to_owned();
        assert_eq!(*short, Registered { folder, ..Registered::default() });
        assert!(facts.faults.is_empty() && !facts.is_dirty);
    }

    #[test]
    fn other_hives_and_no_hives() {
        let empty = KeyTree::new("ROOT").to_hive(FileTime::from_unix_seconds(0)).unwrap();
        let facts = read(&empty);
        assert!(facts.packages.is_empty() && facts.is_whole());
        assert_eq!(read(b"no hive").faults.len(), 1);
        // A write that was not ended: the second sequence number, and the checksum with it.
        let mut dirty = hive(KeyTree::new("DriverPackages"));
        dirty[4] ^= 2;
        dirty[508] ^= 2;
        let facts = read(&dirty);
        assert!(facts.is_dirty && facts.faults.is_empty() && !facts.is_whole());
    }

    #[test]
    fn days() {
        let day = |seconds| date(FileTime::from_unix_seconds(seconds).ticks()).unwrap().to_string();
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(951_782_400), "2000-02-29");
        assert_eq!(date(0).unwrap().to_string(), "1601-01-01");
        assert_eq!(date(u64::MAX), None);
    }
}
