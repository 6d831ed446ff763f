//! Which boot manager the media gets: the choice between two generations of certificates.
//!
//! A boot image may hold two sets of boot files, the classic one and `_EX`
//! ([`BootSet`]), and no boot manager is accepted by every firmware: some machines trust only
//! Microsoft's certificates of 2011, some only those of 2023. What counts is the signature, not the
//! folder: newer boot images have programs of 2023, or of both, in the classic set. The certificates
//! for the programs of others (the UEFI CAs of 2011 and 2023) count for their years as well.
//!
//! | `--boot-manager` | taken | refused |
//! |---|---|---|
//! | `2011` | the classic set | there is none, or its manager is signed, but not under a certificate of 2011 |
//! | `2023` | the `_EX` set; where a part of it is missing, the classic set if its manager is signed under a certificate of 2023 | neither is there |
//! | `auto` | the classic set where it has a sound manager, else the whole `_EX` set, else the classic set as it is | there is neither |
//!
//! - The `_EX` set has three parts, `EFI_EX`, `Fonts_EX` and `DVD_EX`, and is taken whole or not at
//!   all, for sticks too, as Microsoft's own script does. Its manager must be signed under a
//!   certificate of 2023.
//! - Certificates are known by their names alone.
//! - A manager that nobody has signed (a test, or home-made) is taken: the report says so, and a
//!   warning where a year was asked for. One that was changed since it was signed is taken by `auto`
//!   alone, with a warning, where there is no whole `_EX` set to take instead.
//! - A set that is not taken may be damaged.
//! - `boot.stl`, the list of revoked signatures, is the boot image's own where the manager is of
//!   2023 and the boot image has one; one in the folder of `--boot-files` then stays out. An old list
//!   keeps a new manager tied to the certificate of 2011, a known mistake of other tools.
//! - From a disc UEFI starts the loader inside `efisys.bin` first. Where that is for other computers,
//!   or is signed, but not for every year that the manager is taken for, UEFI starts a FAT volume of
//!   ours in its place; where a year was asked for and the manager is of it, so it is too where nobody
//!   has signed the loader. Under `auto` a note tells of that.
//! - What the sets have in common comes from its one place: BIOS files, boot configuration, `boot.sdi`.
//!
//! Not looked at: the security version (SVN) below which some machines refuse a manager of either
//! year, and `bootmgr.efi`, which older loaders alone start and which is not signed under a
//! certificate of 2023 even in the `_EX` set.

use std::collections::HashSet;
use std::sync::Arc;

use boot_image::authenticode::Generation;
use boot_image::{
    BootFile, BootFileSearch, BootFiles, BootImage, BootImageError, BootSet, Found, Missing, Need,
};
use media_model::BootManagerChoice;
use serde::Serialize;

use crate::boot::certificate::{self, Looked, UefiLoader};
use crate::error::chain;
use crate::report::Warning;

/// What UEFI starts the media with, and why that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootManagerSummary {
    /// What was asked for: `auto`, `2011` or `2023`.
    pub asked: String,
    /// The years of the certificates it is signed under: `2011`, `2023`, `2011 and 2023`; `mixed`
    /// where there are two that have no year in common, `other`, `none` where it is not signed so
    /// that it would start, or `absent` where UEFI does not start the media.
    pub generation: String,
    /// Why it is this one.
    pub reason: String,
    /// Where each program was found, in the order of `loaders`.
    pub found: Vec<String>,
    /// The programs, by their paths on the media, and which machines refuse them. Behind the boot
    /// managers comes the loader in the file that UEFI starts from a disc.
    pub loaders: Vec<UefiLoader>,
    /// What else could be had and how, and what was replaced.
    pub notes: Vec<String>,
}

/// The boot manager asked for cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootManagerError {
    /// Boot files cannot be read, or are not for these computers.
    #[error(transparent)]
    BootImage(Arc<BootImageError>),
    /// There is no classic set.
    #[error(
        "there is no classic boot manager, which --boot-manager 2011 takes (searched: {}); {remedy}",
        searched.join(", ")
    )]
    NoClassic {
        /// Every place searched.
        searched: Vec<String>,
        /// What to do.
        remedy: String,
    },
    /// The `_EX` set lacks parts, and there is nothing else signed for 2023.
    #[error("{}", incomplete(missing, classic.as_deref()))]
    Incomplete {
        /// What is missing of it.
        missing: Vec<MissingPart>,
        /// The classic boot manager and its signatures, where there is one.
        classic: Option<String>,
    },
    /// Boot files of the set asked for cannot be used, and the other set can be had.
    #[error("the boot manager asked for cannot be had; --boot-manager {other} takes the other set")]
    Unusable {
        /// 2011 or 2023.
        other: u16,
        /// Why.
        #[source]
        source: Arc<BootImageError>,
    },
    /// A boot manager that somebody signed is not what was signed.
    #[error(
        "{place} is not intact: {secure_boot}; give an intact {name} with --boot-files{remedy}"
    )]
    Changed {
        /// Where it was found.
        place: String,
        /// What it is called in the folder of boot files.
        name: &'static str,
        /// Its signatures, in words.
        secure_boot: String,
        /// What else to do.
        remedy: &'static str,
    },
    /// A boot manager is not signed as asked for.
    #[error("{place} is not signed under a certificate of {year}, {why}: {secure_boot}; {remedy}")]
    Generation {
        /// Where it was found.
        place: String,
        /// 2011 or 2023.
        year: u16,
        /// Why that is asked for.
        why: &'static str,
        /// Its signatures, in words.
        secure_boot: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// A part of the `_EX` set that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingPart {
    /// Its folder: `EFI_EX`, `Fonts_EX` or `DVD_EX`.
    pub folder: &'static str,
    /// Every place searched.
    pub searched: Vec<String>,
}

fn incomplete(missing: &[MissingPart], classic: Option<&str>) -> String {
    let mut text = String::from(
        "parts of the set of boot files that is signed under Windows UEFI CA 2023 are missing:",
    );
    for part in missing {
        text.push_str(&format!("\n  {} (searched: {})", part.folder, part.searched.join(", ")));
    }
    if let Some(classic) = classic {
        text.push_str(&format!("\nThe classic boot manager does not serve either: {classic}"));
    }
    text.push_str(
        "\nUpdate the boot image with the cumulative update of April 2024 or a later one, which \
         brings all of it, or name a folder that has it with --boot-files DIR",
    );
    text
}

/// The boot files of the chosen set.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) files: BootFiles,
    pub(crate) taken: TakenFor,
    pub(crate) summary: BootManagerSummary,
    pub(crate) warnings: Vec<Warning>,
}

/// What the boot manager was taken from, and for.
#[derive(Debug)]
pub(crate) struct TakenFor {
    pub(crate) set: BootSet,
    /// What UEFI starts before it must be signed for these too.
    years: Vec<Year>,
    /// Whether a year was asked for.
    asked: bool,
    /// The certificates under which firmware starts it; of two, the first. Then UEFI starts a volume
    /// of ours from a disc.
    pub(crate) generations: Vec<Generation>,
}

impl TakenFor {
    /// The first of the years that a loader is not signed for which UEFI starts before the manager. One
    /// that nobody has signed will do, unless the manager keeps a year that was asked for.
    pub(crate) fn year_lacking_in(&self, looked: &Looked) -> Option<Year> {
        let counts = looked.is_signed() || (self.asked && looked.unsigned);
        let lacks = |year: &Year| counts && (looked.fault.is_some() || !year.is_of(looked));
        self.years.iter().copied().find(lacks)
    }
}

/// Both sets, as far as they are there.
pub(crate) struct Candidates {
    classic: Result<Candidate, Arc<BootImageError>>,
    ex: Result<Candidate, Arc<BootImageError>>,
}

/// A choice.
pub(crate) struct Pick<'a> {
    pub(crate) set: BootSet,
    pub(crate) reason: &'static str,
    candidate: &'a Candidate,
    /// The other set, where it can be read.
    other: Option<&'a Candidate>,
    /// What is wrong with a set that would have been taken.
    warning: Option<String>,
}

impl Candidates {
    /// Searches for both sets and looks at who signed them.
    pub(crate) fn read(image: &BootImage, search: BootFileSearch<'_>) -> Self {
        let read = |set| Candidate::read(image, search.with_set(set)).map_err(Arc::new);
        Self { classic: read(BootSet::Classic), ex: read(BootSet::Ex) }
    }

    /// Chooses by the rules above.
    pub(crate) fn pick<'a>(
        &'a self,
        asked: BootManagerChoice,
    ) -> Result<Pick<'a>, BootManagerError> {
        let (classic, ex) = (self.classic.as_ref(), self.ex.as_ref());
        let without = |error: &Arc<BootImageError>, other: Result<&Candidate, _>, year| {
            let source = Arc::clone(error);
            match other {
                Ok(other) if other.serves(year) => {
                    BootManagerError::Unusable { other: year.number(), source }
                }
                _ => BootManagerError::BootImage(source),
            }
        };
        let without_classic = |error| without(error, ex, Year::Y2023);
        let without_ex = |error| without(error, classic, Year::Y2011);
        let pick = |candidate: &'a Candidate, reason, other: Result<&'a Candidate, _>| Pick {
            set: candidate.set,
            reason,
            candidate,
            other: other.ok(),
            warning: None,
        };
        match asked {
            BootManagerChoice::Pca2011 => {
                let classic = classic.map_err(without_classic)?;
                classic.required(ex.ok())?;
                classic.of_year(Year::Y2011)?;
                Ok(pick(classic, "asked for", ex))
            }
            BootManagerChoice::Ca2023 => {
                let found = ex.map_err(without_ex)?;
                let missing = found.missing_parts();
                if missing.is_empty() {
                    found.of_year(Year::Y2023)?;
                    return Ok(pick(found, "asked for", classic));
                }
                match classic {
                    Ok(classic) if classic.is_all(Year::Y2023) => {
                        let reason = "asked for; there is no whole _EX set, but the classic one is signed so";
                        Ok(Pick { other: None, ..pick(classic, reason, ex) })
                    }
                    classic => {
                        let classic =
                            classic.map_or_else(|error| Some(chain(error)), Candidate::told);
                        Err(BootManagerError::Incomplete { missing, classic })
                    }
                }
            }
            _ => {
                let fault = match classic {
                    Ok(classic) => classic.fault(),
                    // Boot files for other computers were given, which is no damage.
                    Err(error) if matches!(**error, BootImageError::Disagree { .. }) => None,
                    Err(error) => Some(chain(error)),
                };
                match (classic, ex) {
                    // A fault of the classic set is one of the media only where there is no other.
                    (classic, Ok(ex)) if fault.is_some() && ex.serves(Year::Y2023) => {
                        let reason = "the whole _EX set, as the classic one is not sound";
                        let warning = fault.map(|fault| {
                            format!(
                                "{fault}; the _EX set, for machines that trust the certificates of \
                                 2023, is taken in place of the classic one"
                            )
                        });
                        Ok(Pick { warning, other: None, ..pick(ex, reason, classic) })
                    }
                    (Err(error), _) => Err(without_classic(error)),
                    // Of no interest where the classic one is there, whatever is wrong with it.
                    (Ok(classic), ex) if classic.has_manager() => {
                        Ok(pick(classic, "the classic set, which is taken where it is there", ex))
                    }
                    (Ok(_), Err(error)) => Err(without_ex(error)),
                    (Ok(classic), Ok(ex)) if ex.has_manager() => {
                        let missing = ex.missing_parts();
                        if !missing.is_empty() {
                            return Err(BootManagerError::Incomplete { missing, classic: None });
                        }
                        ex.of_year(Year::Y2023)?;
                        let reason = "the _EX set, as there is no classic one";
                        Ok(Pick { other: None, ..pick(ex, reason, Ok(classic)) })
                    }
                    (Ok(classic), ex) => Ok(pick(classic, "there is none in either set", ex)),
                }
            }
        }
    }

    /// Chooses, and gives the boot files of the set.
    pub(crate) fn choose(
        self,
        image: &BootImage,
        asked: BootManagerChoice,
    ) -> Result<Chosen, BootManagerError> {
        let pick = self.pick(asked)?;
        let (taken_for, summary, warnings) =
            (pick.taken_for(asked), pick.summary(asked), pick.warnings(asked));
        let (taken, other) = match pick.set {
            BootSet::Classic => (self.classic, self.ex),
            BootSet::Ex => (self.ex, self.classic),
        };
        let taken = taken.map_err(BootManagerError::BootImage)?;
        let of_2023 = taken.is_all(Year::Y2023);
        let mut chosen = Chosen { files: taken.files, taken: taken_for, summary, warnings };
        if taken.programs.is_empty()
            && let Ok(other) = other
        {
            chosen.add_places_of(&other);
        }
        if of_2023 {
            let own =
                image.boot_stl().map_err(|error| BootManagerError::BootImage(error.into()))?;
            own.into_iter().for_each(|own| chosen.take_boot_stl(own));
        }
        Ok(chosen)
    }

    /// What was seen of the program found at `place`, if it is among the candidates.
    pub(crate) fn looked(&self, place: &str) -> Option<&Looked> {
        let both = [&self.classic, &self.ex].into_iter().flatten();
        let program = both.flat_map(|it| &it.programs).find(|program| program.place == place);
        program.map(|program| &program.looked)
    }
}

/// A year of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Year {
    Y2011,
    Y2023,
}

impl Year {
    const ALL: [Self; 2] = [Self::Y2011, Self::Y2023];

    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Y2011 => 2011,
            Self::Y2023 => 2023,
        }
    }

    fn certificates(self) -> [Generation; 2] {
        match self {
            Self::Y2011 => [Generation::ProductionPca2011, Generation::UefiCa2011],
            Self::Y2023 => [Generation::WindowsCa2023, Generation::UefiCa2023],
        }
    }

    /// Whether firmware that trusts the certificates of this year starts the program.
    pub(crate) fn is_of(self, looked: &Looked) -> bool {
        self.certificates().iter().any(|it| looked.generations.contains(it))
    }
}

/// What the boot manager of a set is called in the folder of boot files.
pub(crate) fn manager_name(set: BootSet) -> &'static str {
    match set {
        BootSet::Classic => "bootmgfw.efi",
        BootSet::Ex => "bootmgfw_EX.efi",
    }
}

/// A set, and who signed what UEFI would start of it.
struct Candidate {
    set: BootSet,
    files: BootFiles,
    /// One, or for an x86 boot image on x64 computers up to two.
    programs: Vec<Program>,
}

struct Program {
    place: String,
    /// Whether it is of the folder of boot files.
    given: bool,
    looked: Looked,
}

impl Program {
    fn of(found: &Found) -> Result<Self, BootImageError> {
        let (path, place) = (found.media.replace('\\', "/"), found.source.describe());
        match certificate::look_at_source(&path, &found.source) {
            Ok(looked) => Ok(Self { place, given: found.source.local_path().is_some(), looked }),
            Err(source) => Err(BootImageError::Folder { path: place, source }),
        }
    }

    fn is(&self, year: Year) -> bool {
        year.is_of(&self.looked)
    }

    fn told(&self) -> String {
        format!("{}: {}", self.place, self.looked.loader.secure_boot)
    }
}

impl Candidate {
    fn read(image: &BootImage, search: BootFileSearch<'_>) -> Result<Self, BootImageError> {
        let files = image.search(&search)?;
        let managers = files.found.iter().filter(|found| found.file == BootFile::EfiBootManager);
        let programs = managers.map(Program::of).collect::<Result<_, _>>()?;
        Ok(Self { set: search.set(), programs, files })
    }

    fn has_manager(&self) -> bool {
        !self.programs.is_empty()
    }

    fn is_all(&self, year: Year) -> bool {
        self.has_manager() && self.programs.iter().all(|program| program.is(year))
    }

    /// The programs and their signatures, in words.
    fn told(&self) -> Option<String> {
        let told: Vec<_> = self.programs.iter().map(Program::told).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// What is wrong with a program that somebody signed.
    fn fault(&self) -> Option<String> {
        self.programs.iter().find(|program| program.looked.fault.is_some()).map(Program::told)
    }

    /// What the program is called in the folder of boot files.
    fn name(&self) -> &'static str {
        manager_name(self.set)
    }

    /// Whether it would be taken if it were asked for.
    fn serves(&self, year: Year) -> bool {
        let whole = self.set == BootSet::Classic || self.missing_parts().is_empty();
        whole && self.is_all(year) && self.fault().is_none()
    }

    fn missing(&self, file: BootFile) -> impl Iterator<Item = &Missing> {
        self.files.missing.iter().filter(move |missing| missing.file == file)
    }

    fn places(&self, files: &[BootFile]) -> Vec<String> {
        let missing = files.iter().flat_map(|file| self.missing(*file));
        let places = missing.flat_map(|missing| missing.searched.iter().cloned());
        // The programs of both architectures have the same places, mostly.
        let mut known = HashSet::new();
        places.filter(|place| known.insert(place.clone())).collect()
    }

    /// The parts of the `_EX` set that are nowhere.
    fn missing_parts(&self) -> Vec<MissingPart> {
        // Either of the two programs for discs will do.
        let parts: [(_, &[BootFile]); 3] = [
            ("EFI_EX", &[BootFile::EfiBootManager]),
            ("Fonts_EX", &[BootFile::Font]),
            ("DVD_EX", &[BootFile::Efisys, BootFile::EfisysNoprompt]),
        ];
        let gone = parts.iter().filter(|(_, files)| !files.iter().any(|it| self.files.has(*it)));
        gone.map(|(folder, files)| MissingPart { folder, searched: self.places(files) }).collect()
    }

    fn required(&self, ex: Option<&Self>) -> Result<(), BootManagerError> {
        if self.has_manager() {
            return Ok(());
        }
        let remedy = match ex.filter(|ex| ex.serves(Year::Y2023)) {
            Some(_) => {
                "--boot-manager 2023 takes the one for Windows UEFI CA 2023, which is there; or name \
                 a folder that has a classic one with --boot-files DIR"
            }
            None => "name a folder that has one with --boot-files DIR, or leave --boot-manager out",
        };
        let searched = self.places(&[BootFile::EfiBootManager]);
        Err(BootManagerError::NoClassic { searched, remedy: remedy.to_owned() })
    }

    /// Refuses a set with a program that is signed otherwise; one that is not signed will do.
    fn of_year(&self, year: Year) -> Result<(), BootManagerError> {
        let Some(wrong) = self.programs.iter().find(|it| !it.is(year) && it.looked.is_signed())
        else {
            return Ok(());
        };
        if wrong.looked.fault.is_some() && wrong.looked.generations.is_empty() {
            let remedy = match year {
                Year::Y2011 => ", or leave --boot-manager out",
                Year::Y2023 => ", or a boot image whose own is intact",
            };
            return Err(BootManagerError::Changed {
                place: wrong.place.clone(),
                name: self.name(),
                secure_boot: wrong.looked.loader.secure_boot.clone(),
                remedy,
            });
        }
        let (why, remedy) = match year {
            Year::Y2011 => (
                "which --boot-manager 2011 asks for",
                "give an older boot manager, such as that of an older boot image, with --boot-files, \
                 or leave --boot-manager out",
            ),
            Year::Y2023 => (
                "as one of the _EX set must be",
                "update the boot image with the cumulative update of April 2024 or a later one, or \
                 give a good one as bootmgfw_EX.efi in the folder of --boot-files",
            ),
        };
        Err(BootManagerError::Generation {
            place: wrong.place.clone(),
            year: year.number(),
            why,
            secure_boot: wrong.looked.loader.secure_boot.clone(),
            remedy,
        })
    }

    fn generation(&self) -> &'static str {
        let nothing = self.programs.iter().any(|it| it.looked.generations.is_empty());
        match (self.is_all(Year::Y2011), self.is_all(Year::Y2023)) {
            _ if self.programs.is_empty() => "absent",
            (true, true) => "2011 and 2023",
            (true, false) => "2011",
            (false, true) => "2023",
            (false, false) if nothing => "none",
            (false, false) => {
                let known = |it: &Program| Year::ALL.iter().any(|year| it.is(*year));
                if self.programs.iter().all(known) { "mixed" } else { "other" }
            }
        }
    }
}

impl Pick<'_> {
    /// The years of the certificates, as the report has them.
    pub(crate) fn generation(&self) -> &'static str {
        self.candidate.generation()
    }

    /// Boot files that media cannot do without and that are nowhere.
    pub(crate) fn needed(&self) -> Vec<Missing> {
        let missing = self.candidate.files.missing.iter();
        missing.filter(|missing| missing.need == Need::Required).cloned().collect()
    }

    /// The years are those that are asked for, as far as the manager is signed so.
    fn taken_for(&self, asked: BootManagerChoice) -> TakenFor {
        let is_asked = |year: &Year| match asked {
            BootManagerChoice::Pca2011 => *year == Year::Y2011,
            BootManagerChoice::Ca2023 => *year == Year::Y2023,
            _ => true,
        };
        let years = Year::ALL.into_iter().filter(is_asked);
        let own = self.candidate.programs.first();
        TakenFor {
            set: self.set,
            years: years.filter(|year| self.candidate.is_all(*year)).collect(),
            asked: asked != BootManagerChoice::Auto,
            generations: own.map_or(Vec::new(), |program| program.looked.generations.clone()),
        }
    }

    fn summary(&self, asked: BootManagerChoice) -> BootManagerSummary {
        let programs = &self.candidate.programs;
        BootManagerSummary {
            asked: asked.as_str().to_owned(),
            generation: self.generation().to_owned(),
            reason: self.reason.to_owned(),
            found: programs.iter().map(|program| program.place.clone()).collect(),
            loaders: programs.iter().map(|program| program.looked.loader.clone()).collect(),
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let Some(other) = self.other else { return notes };
        for year in Year::ALL {
            // The other set may have a manager for the boot image alone, and not for x64 computers.
            let as_many = other.programs.len() >= self.candidate.programs.len();
            if as_many && !self.candidate.is_all(year) && other.serves(year) {
                let year = year.number();
                notes.push(format!(
                    "a boot manager for machines that trust the certificates of {year} alone is \
                     there too: --boot-manager {year} takes it"
                ));
            }
        }
        if self.set == BootSet::Ex {
            let passed_over = |it: &&Program| it.given && it.is(Year::Y2023);
            notes.extend(other.programs.iter().filter(passed_over).map(|program| {
                format!(
                    "{} is signed under a certificate of 2023 too and was passed over, as the _EX set \
                     is there; named bootmgfw_EX.efi it is taken as a part of that",
                    program.place
                )
            }));
        }
        notes
    }

    fn warnings(&self, asked: BootManagerChoice) -> Vec<Warning> {
        let name = self.candidate.name();
        let programs = self.candidate.programs.iter().filter_map(|program| {
            let told = program.told();
            if program.looked.fault.is_some() {
                Some(format!(
                    "{told}; `verify` will find fault with the media: give a good {name} with \
                     --boot-files"
                ))
            } else if asked != BootManagerChoice::Auto && program.looked.generations.is_empty() {
                Some(format!(
                    "{told}; --boot-manager {asked} cannot be kept: give a signed {name} with \
                     --boot-files"
                ))
            } else {
                program.looked.unchecked.then_some(told)
            }
        });
        self.warning.iter().cloned().chain(programs).map(Warning::new).collect()
    }
}

impl Chosen {
    /// Where no manager is found, all places are told.
    fn add_places_of(&mut self, other: &Candidate) {
        let managers = self.files.missing.iter_mut();
        for missing in managers.filter(|missing| missing.file == BootFile::EfiBootManager) {
            let same = other.missing(missing.file).filter(|it| it.media == missing.media);
            missing.searched.extend(same.flat_map(|it| it.searched.iter().cloned()));
        }
    }

    /// Puts the boot image's list of revoked signatures in the place of any other, and tells of one
    /// that was replaced.
    fn take_boot_stl(&mut self, own: Found) {
        self.files.missing.retain(|missing| missing.file != BootFile::BootStl);
        let place = own.source.describe();
        let known = self.files.found.iter_mut().find(|found| found.file == BootFile::BootStl);
        let Some(known) = known else {
            self.files.found.push(own);
            return;
        };
        let replaced = std::mem::replace(known, own).source;
        self.summary.notes.extend(replaced.local_path().map(|path| {
            format!(
                "boot.stl is {place}, not {}, which would keep the boot manager tied to the \
                 certificate of 2011 if it is older",
                path.display()
            )
        }));
    }
}
