//! Which optional components of Windows PE are in a boot image.
//!
//! A component that was added leaves a manifest in `Windows\servicing\Packages`, one without a language
//! and one for each language pack: `WinPE-WMI-Package~31bf3856ad364e35~amd64~en-US~10.0.17763.1.mum`.
//! The names are those that `dism /Get-Packages` lists for published images; that every manifest there
//! is of a package that is installed, and not merely staged, is taken for granted.
//!
//! An image whose manifests were cleaned away tells only by its files. [`KNOWN`] holds the files that
//! are taken for telltales; none of them is confirmed by a published source, which is why
//! [`Evidence::Files`] is a finding of its own.

use wim_image::Image;

use crate::image::BootImage;

/// The manifests of everything that was installed.
const PACKAGES: &str = r"Windows\servicing\Packages";
/// The package that every Windows PE consists of.
const BASE: &str = "Microsoft-Windows-WinPE-Package";

/// An untrusted image can have millions of manifests. Published images have fewer than 40 components.
const MAX_COMPONENTS: usize = 256;
/// Windows PE has 38 languages.
const MAX_LANGUAGES: usize = 64;
/// Files of the folder that are looked at; a whole Windows has some ten thousand.
const MAX_MANIFESTS: usize = 65_536;

/// What is known of a component beforehand.
struct Known {
    /// As between `WinPE-` and `-Package`.
    name: &'static str,
    /// Configuration Manager adds it to every boot image (memdocs, "Manage boot images").
    required: bool,
    /// One of these means that it is there. Unconfirmed, each of them. Programs where it brings some, as
    /// stock Windows PE carries many libraries for its own use.
    telltales: &'static [&'static str],
}

const fn known(name: &'static str, required: bool, telltales: &'static [&'static str]) -> Known {
    Known { name, required, telltales }
}

const KNOWN: &[Known] = &[
    known("WMI", true, &[r"Windows\System32\wbem\WmiPrvSE.exe"]),
    known("Scripting", true, &[r"Windows\System32\wscript.exe", r"Windows\System32\cscript.exe"]),
    known(
        "WDS-Tools",
        true,
        &[
            r"Windows\System32\wdscapture.exe",
            r"Windows\System32\wdsmcast.exe",
            r"Windows\System32\wdsclientapi.dll",
        ],
    ),
    known("SecureStartup", true, &[r"Windows\System32\manage-bde.exe"]),
    known("HTA", false, &[r"Windows\System32\mshta.exe"]),
    known(
        "NetFx",
        false,
        &[r"Windows\Microsoft.NET\Framework64", r"Windows\Microsoft.NET\Framework"],
    ),
    known("PowerShell", false, &[r"Windows\System32\WindowsPowerShell\v1.0\powershell.exe"]),
    known("DismCmdlets", false, &[r"Windows\System32\WindowsPowerShell\v1.0\Modules\Dism"]),
    known("StorageWMI", false, &[r"Windows\System32\WindowsPowerShell\v1.0\Modules\Storage"]),
    known("EnhancedStorage", false, &[r"Windows\System32\EhStorAuthn.exe"]),
    known("Dot3Svc", false, &[r"Windows\System32\dot3svc.dll"]),
];

/// How it is known that a component is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// Its package has a manifest.
    Package,
    /// There are no manifests at all, but a file that only this component is known to bring.
    Files,
}

/// A component that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Component {
    /// Such as `WMI` or `WDS-Tools`; as the image spells it.
    pub name: String,
    /// Such as `10.0.26100.1`, of the first manifest; `None` when only files tell.
    pub version: Option<String>,
    /// The architecture as the manifest has it, such as `amd64`.
    pub architecture: Option<String>,
    /// Languages of its language packs, sorted.
    pub languages: Vec<String>,
    /// How it is known.
    pub evidence: Evidence,
    /// The manifest, or the file that tells.
    pub found: String,
}

/// The optional components of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Components {
    /// Those that are there: first those that Configuration Manager needs, then by name.
    pub installed: Vec<Component>,
    /// Those that Configuration Manager adds to every boot image, and that are not there.
    pub missing: Vec<&'static str>,
    /// Version of Windows PE itself by the manifest of its own package, of several the newest. The
    /// WIM's XML is only what a tool once noted down.
    pub base_version: Option<String>,
    /// Whether the image has manifests of packages at all; without, only files tell.
    pub has_manifests: bool,
    /// Components beyond the 256 that are listed.
    pub more: usize,
}

impl BootImage {
    /// Which optional components of Windows PE are there. Only names of files are looked at.
    pub fn components(&self) -> Components {
        Components::of(self.image())
    }
}

impl Components {
    /// The components that Configuration Manager adds to every boot image.
    pub fn required() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().filter(|known| known.required).map(|known| known.name)
    }

    /// The component of this name, upper and lower case being the same.
    pub fn get(&self, name: &str) -> Option<&Component> {
        self.installed.iter().find(|component| component.name.eq_ignore_ascii_case(name))
    }

    fn of(image: &Image) -> Self {
        let mut this = Self::default();
        this.read_manifests(image);
        if !this.has_manifests {
            this.read_telltales(image);
        }
        this.missing = Self::required().filter(|name| this.get(name).is_none()).collect();
        let rank = |component: &Component| {
            let known = KNOWN.iter().position(|k| k.name.eq_ignore_ascii_case(&component.name));
            known.unwrap_or(KNOWN.len())
        };
        this.installed.sort_by(|a, b| (rank(a), &a.name).cmp(&(rank(b), &b.name)));
        for component in &mut this.installed {
            component.languages.sort_unstable();
        }
        this
    }

    fn read_manifests(&mut self, image: &Image) {
        let Some(folder) = image.lookup(PACKAGES) else { return };
        let mut skipped = Vec::new();
        for entry in folder.children().filter(|entry| !entry.is_folder()).take(MAX_MANIFESTS) {
            let Some(identity) = Identity::parse(entry.name()) else { continue };
            self.has_manifests = true;
            if identity.package.eq_ignore_ascii_case(BASE) {
                let newest = self.base_version.as_deref().map(numbers);
                if newest < Some(numbers(identity.version)) {
                    self.base_version = Some(identity.version.to_owned());
                }
            }
            let Some(name) = component_name(identity.package) else { continue };
            let same = |component: &Component| component.name.eq_ignore_ascii_case(name);
            if !self.installed.iter().any(same) {
                if self.installed.len() == MAX_COMPONENTS {
                    skipped.push(name);
                    continue;
                }
                self.installed.push(Component {
                    name: name.to_owned(),
                    version: Some(identity.version.to_owned()),
                    architecture: Some(identity.architecture.to_owned()),
                    languages: Vec::new(),
                    evidence: Evidence::Package,
                    found: entry.path(),
                });
            }
            let component = self.installed.iter_mut().find(|component| same(component));
            let Some(Component { languages, .. }) = component else { continue };
            let language = identity.language;
            let new = !language.is_empty()
                && languages.len() < MAX_LANGUAGES
                && !languages.iter().any(|known| known.eq_ignore_ascii_case(language));
            if new {
                languages.push(language.to_owned());
            }
        }
        skipped.sort_unstable();
        skipped.dedup();
        self.more = skipped.len();
    }

    fn read_telltales(&mut self, image: &Image) {
        for known in KNOWN {
            let entry = known.telltales.iter().find_map(|path| image.lookup(path));
            self.installed.extend(entry.map(|entry| Component {
                name: known.name.to_owned(),
                version: None,
                architecture: None,
                languages: Vec::new(),
                evidence: Evidence::Files,
                found: entry.path(),
            }));
        }
    }
}

/// The five fields of a package's identity, as the file name of its manifest holds them.
#[derive(Debug, PartialEq, Eq)]
struct Identity<'a> {
    package: &'a str,
    architecture: &'a str,
    /// Empty for the part that is the same in all languages.
    language: &'a str,
    version: &'a str,
}

impl<'a> Identity<'a> {
    fn parse(file: &'a str) -> Option<Self> {
        let end = file.len().checked_sub(".mum".len())?;
        let (identity, extension) = file.split_at_checked(end)?;
        if !extension.eq_ignore_ascii_case(".mum") {
            return None;
        }
        let mut fields = identity.split('~');
        let mut field = || fields.next();
        let (package, _token) = (field()?, field()?);
        let this = Self { package, architecture: field()?, language: field()?, version: field()? };
        (field().is_none() && !package.is_empty()).then_some(this)
    }
}

/// The numbers of `10.0.26100.1`, so that 9 comes before 10.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// `WMI` of `WinPE-WMI-Package`.
fn component_name(package: &str) -> Option<&str> {
    let (start, rest) = package.split_at_checked("WinPE-".len())?;
    let (name, end) = rest.split_at_checked(rest.len().checked_sub("-Package".len())?)?;
    let fits = start.eq_ignore_ascii_case("WinPE-") && end.eq_ignore_ascii_case("-Package");
    (fits && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_manifests() {
        let file = "WinPE-WDS-Tools-Package~31bf3856ad364e35~amd64~en-US~10.0.17763.1.mum";
        let identity = Identity::parse(file).unwrap();
        assert_eq!(
            identity,
            Identity {
                package: "WinPE-WDS-Tools-Package",
                architecture: "amd64",
                language: "en-US",
                version: "10.0.17763.1",
            }
        );
        assert_eq!(component_name(identity.package), Some("WDS-Tools"));
        for other in ["", ".mum", "a~b~c~d~e.cat", "a~b~c~d.mum", "a~b~c~d~e~f.mum", "~b~c~d~e.mum"]
        {
            assert_eq!(Identity::parse(other), None, "{other}");
        }
        // A cut in the middle of a character must not be one.
        assert_eq!(Identity::parse("ä~ä~ä~ä~ä€um"), None);
        for other in ["WinPE-Package", "WinPE--Package", "WinPÉ-WMI-Package", BASE, "", "x"] {
            assert_eq!(component_name(other), None, "{other}");
        }
    }

    #[test]
    fn every_component_that_is_needed_has_a_telltale() {
        assert_eq!(
            Components::required().collect::<Vec<_>>(),
            ["WMI", "Scripting", "WDS-Tools", "SecureStartup"]
        );
        assert!(KNOWN.iter().all(|known| !known.telltales.is_empty()));
    }
}
