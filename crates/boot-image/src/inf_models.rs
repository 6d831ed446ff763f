//! The devices of an INF: its makers, and for each of them sections of models for one Windows or the
//! other ("INF Manufacturer Section", "INF Models Section").

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;

use wim_image::Architecture;

use crate::inf::{InfError, architecture_named};
use crate::inf_text::{InfText, key_and_value};

/// The devices that an INF is for on one architecture, from one version of Windows on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Models {
    /// The place of its maker in `[Manufacturer]`, from 0. Of the sections of a maker Windows takes
    /// the one that fits best, even where that is empty.
    pub maker: usize,
    /// The architecture.
    pub architecture: Architecture,
    /// False where the INF names none. Windows takes that for x86.
    pub is_named: bool,
    /// The earliest Windows (major, minor, build), where the INF tells one.
    pub since: Option<(u32, u32, u32)>,
    /// The only kind of Windows, where the INF tells one: 1 workstation, 2 domain controller, 3 server.
    pub product_type: Option<u32>,
    /// Hardware and compatible IDs as they are written, each once.
    pub ids: Arc<[Box<str>]>,
}

/// Sections of models that are looked at; the largest INFs of printers and monitors name some hundreds.
const SECTIONS: usize = 4096;
/// Most IDs in an INF; the largest known have some 20,000.
pub(crate) const IDS: usize = 100_000;
/// Windows' `MAX_DEVICE_ID_LEN` without its NUL; a longer ID is no device's.
pub(crate) const ID_LEN: usize = 199;
/// Names of sections that install devices, of one architecture.
const INSTALLS: usize = 10_000;
/// `VER_NT_WORKSTATION`. That Windows PE counts as one is assumed: its registry says `WinNT`.
const WORKSTATION: u32 = 1;

impl Models {
    /// The greatest fits best.
    fn fitness(&self) -> impl Ord + use<> {
        (self.since.unwrap_or_default(), self.is_named, self.product_type.is_some())
    }
}

/// What Windows makes of a section of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It may look for devices there.
    Taken,
    OtherArchitecture,
    /// It is too old, by major, minor, build.
    Later((u32, u32, u32)),
    /// It is a workstation.
    Server,
    /// Another section of the maker fits better, since that Windows.
    Replaced((u32, u32, u32)),
}

/// What becomes of each section on a Windows. Where its version is not known, none is too late and
/// none replaces another.
pub(crate) fn fits(
    models: &[Models],
    architecture: Architecture,
    image: Option<(u32, u32, u32)>,
) -> Vec<Fit> {
    let alone = |models: &Models| match models.since {
        _ if models.architecture != architecture => Fit::OtherArchitecture,
        _ if models.product_type.is_some_and(|found| found != WORKSTATION) => Fit::Server,
        Some(since) if image.is_some_and(|image| since > image) => Fit::Later(since),
        _ => Fit::Taken,
    };
    let mut best: HashMap<usize, (usize, &Models)> = HashMap::new();
    for (at, models) in models.iter().enumerate() {
        if image.is_some() && alone(models) == Fit::Taken {
            let known = best.entry(models.maker).or_insert((at, models));
            if known.1.fitness() < models.fitness() {
                *known = (at, models);
            }
        }
    }
    let fit = |(at, models): (usize, &Models)| match (alone(models), best.get(&models.maker)) {
        (Fit::Taken, Some((best, by))) if *best != at => {
            Fit::Replaced(by.since.unwrap_or_default())
        }
        (fit, _) => fit,
    };
    models.iter().enumerate().map(fit).collect()
}

/// What stands after the dot of a section's name:
/// `NT[architecture][.[major][.[minor][.[product type][.[suite mask][.[build]]]]]]`.
///
/// Suites are not looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) architecture: Option<Architecture>,
    pub(crate) since: Option<(u32, u32, u32)>,
    product_type: Option<u32>,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        let platform = parts.next()?;
        let (nt, name) = platform.split_at_checked(2)?;
        if !nt.eq_ignore_ascii_case("nt") {
            return None;
        }
        let architecture = match name {
            "" => None,
            name => Some(architecture_named(name)?),
        };
        let numbers: Vec<Option<u32>> = parts.take(5).map(number).collect();
        let at = |place| numbers.get(place).copied().flatten();
        let since = at(0).map(|major| (major, at(1).unwrap_or(0), at(4).unwrap_or(0)));
        Some(Self { architecture, since, product_type: at(2) })
    }
}

/// Decimal or, with `0x`, hexadecimal.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Names in upper case of the sections that install devices, by architecture.
pub(crate) type Installs = HashMap<Architecture, HashSet<String>>;

/// All sections of models that `[Manufacturer]` names, also those that are empty or not there: Windows
/// goes by what is named. Only a maker's section without decoration counts where it is there.
pub(crate) fn read(text: &InfText<'_>) -> Result<(Vec<Models>, Installs), InfError> {
    let mut models = Vec::new();
    let mut installs = Installs::new();
    let mut known = HashMap::new();
    let mut ids_left = IDS;
    let mut sections_left = SECTIONS;
    for (maker, line) in text.lines("Manufacturer").enumerate() {
        let (key, value) = key_and_value(line);
        let mut fields = text.fields(value);
        // A maker alone is also the name of its section.
        let base = fields.next().filter(|base| !base.is_empty());
        let Some(base) = base.or_else(|| key.map(str::to_owned)) else { continue };
        let decorations = fields.filter(|decoration| !decoration.is_empty());
        for decoration in std::iter::once(String::new()).chain(decorations) {
            sections_left = sections_left
                .checked_sub(1)
                .ok_or(InfError::TooManySections { limit: SECTIONS })?;
            let undecorated = decoration.is_empty();
            let target = if undecorated { Target::parse("NT") } else { Target::parse(&decoration) };
            let Some(Target { architecture, since, product_type }) = target else { continue };
            let section = if undecorated { base.clone() } else { format!("{base}.{decoration}") };
            if undecorated && !text.has(&section) {
                continue;
            }
            let is_named = architecture.is_some();
            let architecture = architecture.unwrap_or(Architecture::X86);
            let ids: &Arc<[Box<str>]> = match known.entry((section.to_uppercase(), architecture)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let installs = installs.entry(architecture).or_default();
                    place.insert(section_ids(text, &section, ids_left, installs)?)
                }
            };
            ids_left =
                ids_left.checked_sub(ids.len()).ok_or(InfError::TooManyIds { limit: IDS })?;
            let ids = Arc::clone(ids);
            models.push(Models { maker, architecture, is_named, since, product_type, ids });
        }
    }
    Ok((models, installs))
}

/// The IDs of a section, each once; and the sections that install its devices.
fn section_ids(
    text: &InfText<'_>,
    section: &str,
    mut ids_left: usize,
    installs: &mut HashSet<String>,
) -> Result<Arc<[Box<str>]>, InfError> {
    let mut ids: Vec<Box<str>> = Vec::new();
    let mut known = HashSet::new();
    for line in text.lines(section) {
        let mut fields = text.fields(key_and_value(line).1);
        if let Some(install) = fields.next()
            && installs.len() < INSTALLS
        {
            installs.insert(install.to_uppercase());
        }
        for id in fields {
            if id.is_empty() || id.len() > ID_LEN {
                continue;
            }
            ids_left = ids_left.checked_sub(1).ok_or(InfError::TooManyIds { limit: IDS })?;
            if known.insert(id.to_ascii_uppercase()) {
                ids.push(id.as_str().into());
            }
        }
    }
    Ok(ids.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(manufacturer: &str, sections: &[&str]) -> Vec<Models> {
        let sections = sections.iter().enumerate();
        let sections = sections.map(|(at, name)| format!("[{name}]\nd=i,ID{at}\n"));
        let text = format!("[Manufacturer]\n{manufacturer}\n{}", sections.collect::<String>());
        read(&InfText::new(&text).unwrap()).unwrap().0
    }

    /// The IDs that count on a Windows 10.0.26100.
    fn ids(manufacturer: &str, sections: &[&str]) -> Vec<String> {
        let models = names(manufacturer, sections);
        let fits = fits(&models, Architecture::Amd64, Some((10, 0, 26100)));
        let taken = models.iter().zip(fits).filter(|(_, fit)| *fit == Fit::Taken);
        let mut ids: Vec<_> =
            taken.flat_map(|(models, _)| models.ids.iter()).map(ToString::to_string).collect();
        ids.sort();
        ids
    }

    #[test]
    fn a_maker_has_one_section() {
        let six = ["M.NTamd64.6.0", "M.NTamd64.6.1"];
        assert_eq!(ids("V=M,NTamd64.6.0,NTamd64.6.1", &six), ["ID1"]);
        assert_eq!(ids("V=M,NTamd64.6.1,NTamd64.6.0", &six), ["ID1"]);
        // Named and not there, or empty: Microsoft's way to leave the newer ones out.
        assert!(ids("V=M,NTamd64.6.0,NTamd64.6.1", &six[..1]).is_empty());
        let build = ["M.NTamd64.6.1", "M.NTamd64.10.0...17763", "M.NTamd64.10.0...26200"];
        let line = "V=M,NTamd64.6.1,NTamd64.10.0...17763,NTamd64.10.0...26200";
        assert_eq!(ids(line, &build), ["ID1"]);
        assert_eq!(ids("V=M,NTamd64.10.0...26200", &build), [""; 0]);
    }

    #[test]
    fn makers_have_sections_of_their_own() {
        let sections = ["M.NTamd64.6.0", "M.NTamd64.6.1", "N.NTamd64"];
        let makers = "V=M,NTamd64.6.0,NTamd64.6.1\nW=N,NTamd64\nX=M,NTamd64.6.0\n";
        assert_eq!(ids(makers, &sections), ["ID0", "ID1", "ID2"]);
    }

    #[test]
    fn servers_have_sections_of_their_own() {
        let sections = ["M.NTamd64.10.0.3", "M.NTamd64.10.0.1", "M.NTamd64.10.0"];
        assert!(ids("V=M,NTamd64.10.0.3", &sections).is_empty());
        assert_eq!(ids("V=M,NTamd64.10.0.3,NTamd64.10.0", &sections), ["ID2"]);
        assert_eq!(ids("V=M,NTamd64.10.0.3,NTamd64.10.0,NTamd64.10.0.1", &sections), ["ID1"]);
    }

    #[test]
    fn without_a_version_every_section_counts() {
        let models = names("V=M,NTamd64.6.0,NTamd64.6.1,NTx86", &["M.NTamd64.6.0"]);
        let expected = [Fit::Taken, Fit::Taken, Fit::OtherArchitecture];
        assert_eq!(fits(&models, Architecture::Amd64, None), expected);
    }

    #[test]
    fn sections_have_a_limit() {
        let many = format!("[Manufacturer]\nV=M{}\n", ",NTx86".repeat(SECTIONS));
        let error = read(&InfText::new(&many).unwrap()).unwrap_err();
        assert_eq!(error, InfError::TooManySections { limit: SECTIONS });
    }
}
