//! The boot configuration of the media (BCD), one for each firmware: that of the boot image where it
//! starts our media, or one made here.

use std::io::{self, Read};

use bcd_store::hive::{FileTime, HiveWriteError};
use bcd_store::{
    BootStore, ElementError, Firmware, Locale, NoRamDiskBoot, RamDiskBoot, Resolution, Store,
    StoreError,
};
use boot_image::{BootFile, BootFiles, BootImage, Found};
use extent_image::{Data, Timestamp};
use media_model::{BcdChoice, BcdResolution, CheckedRequest};

use crate::error::chain;
use crate::medium::is_damage;
use crate::plan::resolve::{ResolveError, media_path};
use crate::report::{BootConfiguration, Warning};
use crate::tree::compose::{BootFileAt, Part};

/// The boot image on the media.
pub(crate) const WIM: &str = r"\sources\boot.wim";
/// The RAM disk's boot.sdi on the media.
const SDI: &str = r"\boot\boot.sdi";

/// The configuration of each firmware.
pub(crate) const OF_FIRMWARE: [(BootFile, Firmware); 2] =
    [(BootFile::BcdBios, Firmware::Bios), (BootFile::BcdEfi, Firmware::Uefi)];

/// Why a boot configuration does not start the media.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BcdFault {
    /// It is not read to its end.
    #[error("it has {len} bytes; boot configurations of up to {allowed} are read")]
    TooLong {
        /// Its length.
        len: u64,
        /// The limit.
        allowed: u64,
    },
    /// Its bytes cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It is no store.
    #[error(transparent)]
    Store(StoreError),
    /// It starts something else, or nothing.
    #[error("it starts no boot image of its own medium")]
    NoBoot(#[source] NoRamDiskBoot),
    /// It needs a file that the media does not have.
    #[error("it needs {found}, which is not on the media")]
    NoFile {
        /// The path, with backslashes.
        found: String,
    },
    /// It starts another boot image than that of the media.
    #[error("it starts {found}; on the media is {expected}")]
    OtherFile {
        /// The path it has, with backslashes.
        found: String,
        /// What it should have.
        expected: &'static str,
    },
    /// Its loader cannot be started by this firmware.
    #[error("its loader {loader} is none that {firmware} starts")]
    Loader {
        /// The path of the loader, inside the boot image.
        loader: String,
        /// `BIOS` or `UEFI`.
        firmware: &'static str,
    },
}

/// Why a boot configuration cannot be made. Only a mistake in this program causes one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnBcdError {
    /// An element was refused.
    #[error(transparent)]
    Element(#[from] ElementError),
    /// The hive was refused.
    #[error(transparent)]
    Hive(#[from] HiveWriteError),
}

/// What the configurations of the media are, and the files of those made here.
pub(crate) struct Chosen {
    pub(crate) configurations: Vec<BootConfiguration>,
    pub(crate) own: Vec<BootFileAt>,
    /// Those that must come from the boot image and are missing there.
    pub(crate) required: Vec<BootFile>,
}

/// Chooses the configuration of each firmware that the media is for. Of `files`, those not taken are
/// removed. What is made here gets `time`, in the hive too, so that equal requests give equal bytes.
///
/// # Errors
/// The boot image's own was asked for and does not start the media, or cannot be read although it
/// may be sound.
pub(crate) fn choose(
    request: &CheckedRequest,
    image: &BootImage,
    files: &mut BootFiles,
    time: Timestamp,
    warnings: &mut Vec<Warning>,
) -> Result<Chosen, ResolveError> {
    let mut chosen = Chosen { configurations: Vec::new(), own: Vec::new(), required: Vec::new() };
    let mut unchanged = Vec::new();
    for (file, firmware) in OF_FIRMWARE {
        let found = files.found.iter().find(|found| found.file == file);
        let missing = files.missing.iter().find(|missing| missing.file == file);
        let media = found.map(|found| &found.media).or(missing.map(|missing| &missing.media));
        // Computers without a BIOS have no configuration for one.
        let Some(media) = media.cloned() else { continue };
        let mut report = BootConfiguration {
            firmware: name(firmware).to_owned(),
            path: media.replace('\\', "/"),
            taken: "own".to_owned(),
            found: None,
            locale: None,
            reason: None,
        };
        match (request.bcd(), found) {
            (BcdChoice::Image, None) => {
                chosen.required.push(file);
                continue;
            }
            (BcdChoice::Image, Some(found)) => {
                if let Err(source) = judge(found, firmware) {
                    return Err(refused(found, source));
                }
                report.taken_from(found);
            }
            (BcdChoice::Own, _) => report.reason = Some("asked for".to_owned()),
            (_, None) => report.reason = Some("none was found".to_owned()),
            (_, Some(found)) => match judge(found, firmware) {
                Ok(()) => report.taken_from(found),
                Err(BcdFault::Read(source)) if !is_damage(&source) => {
                    return Err(refused(found, BcdFault::Read(source)));
                }
                Err(fault) => {
                    let reason = format!("{}: {}", found.source.describe(), chain(&fault));
                    warnings.push(Warning::new(format!(
                        "{reason}; a boot configuration for {} was made in its place",
                        name(firmware)
                    )));
                    report.reason = Some(reason);
                }
            },
        }
        if report.taken == "own" {
            files.found.retain(|found| found.file != file);
            let locale = locale(request, image);
            report.locale = Some(locale.to_string());
            let bytes = own(request, firmware, locale, files, time)?;
            chosen.own.push(BootFileAt {
                path: media_path(&media, || OWN.to_owned())?,
                data: Data::bytes(OWN, bytes),
                modified: time,
                part: Part::Other,
                for_uefi: firmware == Firmware::Uefi,
            });
        } else if of_ours_only(request) {
            unchanged.push((report.found.clone().unwrap_or_default(), name(firmware)));
        }
        chosen.configurations.push(report);
    }
    if !unchanged.is_empty() {
        let (places, firmware): (Vec<_>, Vec<_>) = unchanged.into_iter().unzip();
        let (are, one) =
            if places.len() > 1 { ("are", "ones that have") } else { ("is", "one that has") };
        warnings.push(Warning::new(format!(
            "{} {are} not changed, so the options for the boot configuration have no effect under \
             {}; --bcd own makes {one} them",
            places.join(" and "),
            firmware.join(" and ")
        )));
    }
    Ok(chosen)
}

/// What extents and messages call a configuration made here.
const OWN: &str = "capmedia's boot configuration";

impl BootConfiguration {
    fn taken_from(&mut self, found: &Found) {
        self.taken = "image".to_owned();
        self.found = Some(found.source.describe());
    }
}

pub(crate) fn name(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "BIOS",
        Firmware::Uefi => "UEFI",
    }
}

fn refused(found: &Found, source: BcdFault) -> ResolveError {
    ResolveError::Bcd { place: found.source.describe(), source: Box::new(source) }
}

/// Whether a configuration starts the boot image of the media it lies on.
pub(crate) fn judge(found: &Found, firmware: Firmware) -> Result<(), BcdFault> {
    let opened = || read(&mut found.source.open(0).map_err(BcdFault::Read)?, found.source.len());
    let boot = boot(&opened()?, firmware)?;
    for (found, expected) in [(boot.wim, WIM), (boot.sdi, SDI)] {
        if found.to_lowercase() != expected {
            return Err(BcdFault::OtherFile { found, expected });
        }
    }
    Ok(())
}

/// Reads a store of `len` bytes.
pub(crate) fn read(from: &mut dyn Read, len: u64) -> Result<Store, BcdFault> {
    let allowed = Store::MAX_LEN;
    if len > allowed {
        return Err(BcdFault::TooLong { len, allowed });
    }
    let mut bytes = Vec::new();
    // A file in a WIM tells of damage at its end.
    from.take(allowed + 1).read_to_end(&mut bytes).map_err(BcdFault::Read)?;
    Store::read(&bytes).map_err(BcdFault::Store)
}

/// What a store starts under a firmware.
pub(crate) fn boot(store: &Store, firmware: Firmware) -> Result<RamDiskBoot, BcdFault> {
    let boot = store.ram_disk_boot().map_err(BcdFault::NoBoot)?;
    if boot.firmware() != Some(firmware) {
        let (loader, firmware) = (boot.loader, name(firmware));
        return Err(BcdFault::Loader { loader, firmware });
    }
    Ok(boot)
}

/// The language asked for, else the boot image's, else English.
fn locale(request: &CheckedRequest, image: &BootImage) -> Locale {
    let asked = request.bcd_locale().map(media_model::Locale::as_str);
    let of_image = image.info().and_then(|info| info.default_language.as_deref());
    // What a WIM says may be anything.
    let mut locales = asked.into_iter().chain(of_image).map(Locale::new);
    locales.find_map(Result::ok).unwrap_or_default()
}

/// Whether an option was given that only a configuration made here has.
fn of_ours_only(request: &CheckedRequest) -> bool {
    request.bcd_locale().is_some() || request.bcd_resolution().is_some() || request.bcd_text_mode()
}

fn own(
    request: &CheckedRequest,
    firmware: Firmware,
    locale: Locale,
    files: &BootFiles,
    time: Timestamp,
) -> Result<Vec<u8>, ResolveError> {
    let memory_test = match firmware {
        Firmware::Bios => BootFile::MemtestBios,
        Firmware::Uefi => BootFile::MemtestEfi,
    };
    // The label is the operator's word for the media, printable and short; the name in a WIM is
    // anybody's.
    let mut store = BootStore::new(firmware)
        .with_wim(WIM)
        .with_sdi(SDI)
        .with_description(request.label().as_str())
        .with_locale(locale)
        .with_text_mode(request.bcd_text_mode())
        .with_memory_test(files.has(memory_test));
    if let Some(resolution) = request.bcd_resolution() {
        store = store.with_resolution(match resolution {
            BcdResolution::W1024H768 => Resolution::W1024H768,
            BcdResolution::W800H600 => Resolution::W800H600,
            BcdResolution::W1024H600 => Resolution::W1024H600,
            _ => Resolution::Highest,
        });
    }
    let store = store.build().map_err(|source| ResolveError::OwnBcd(source.into()))?;
    let time = FileTime::from_unix_seconds(time.unix_seconds());
    store.to_bytes(time).map_err(|source| ResolveError::OwnBcd(source.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_that_may_be_asked_for_can_be_written() {
        let long = format!("en{}", "-12345678".repeat(9));
        for text in ["de", "de-DE", "zh-Hant-TW", "abcdefgh-12345678", &long] {
            let asked = media_model::Locale::new(text).unwrap();
            assert_eq!(Locale::new(asked.as_str()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_longer_than_any_store_is_not_read() {
        let len = Store::MAX_LEN + 1;
        let fault = read(&mut io::repeat(0), len).unwrap_err();
        assert!(matches!(fault, BcdFault::TooLong { .. }), "{fault}");
        // It may also be longer than it says.
        let fault = read(&mut io::repeat(0), 5).unwrap_err();
        assert!(matches!(fault, BcdFault::Store(_)), "{fault}");
    }

    #[test]
    fn a_loader_of_the_other_firmware_is_refused() {
        let store = BootStore::new(Firmware::Bios).build().unwrap();
        boot(&store, Firmware::Bios).unwrap();
        let fault = boot(&store, Firmware::Uefi).unwrap_err();
        assert!(fault.to_string().contains("winload.exe"), "{fault}");
    }
}
