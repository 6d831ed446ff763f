//! Finding packages: all of them, at all locations, before a file is fetched.

use std::fmt;
use std::sync::Arc;

use extent_image::Source;
use media_model::{ConfigMgrError, PackageHashCheck, PackageId};

use crate::access::AccessError;
use crate::access::gather::gather;
use crate::content::Shared;
use crate::content::place::{Health, Place, refuses_login};
use crate::error::ContentError;
use crate::event::ContentEvent;
use crate::location::{Package, PackageFile};

/// A package, and its files as sources.
#[derive(Clone)]
pub struct FoundPackage {
    package: Package,
    location: String,
    files: Vec<FoundFile>,
}

/// A file of a package, as a source.
#[derive(Clone)]
pub struct FoundFile {
    file: PackageFile,
    source: Arc<dyn Source>,
}

/// Packages that no location gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    rows: Vec<PreflightRow>,
}

/// Why one location does not give one package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreflightRow {
    /// The package asked for.
    pub package: PackageId,
    /// The location; empty where there is none.
    pub location: String,
    /// Why.
    pub why: ContentError,
}

impl FoundPackage {
    /// What the location knows of it.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The location it was found at.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Its files, by path.
    pub fn files(&self) -> &[FoundFile] {
        &self.files
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.package.bytes()
    }

    /// The boot image of a boot image package: the only `*.wim` in it, or `boot.<PackageID>.wim`
    /// where there are several.
    ///
    /// # Errors
    /// [`ContentError::BootImage`] when it holds none, or several of other names.
    pub fn boot_image(&self) -> Result<&FoundFile, ContentError> {
        let name = |file: &FoundFile| file.file.id.path.name().unwrap_or_default().to_lowercase();
        let wims: Vec<_> = self.files.iter().filter(|file| name(file).ends_with(".wim")).collect();
        if let [wim] = wims.as_slice() {
            return Ok(wim);
        }
        let preferred = format!("boot.{}.wim", self.package.id.id()).to_lowercase();
        let mut named = wims.iter().filter(|file| name(file) == preferred);
        if let (Some(wim), None) = (named.next(), named.next()) {
            return Ok(wim);
        }
        Err(ContentError::BootImage {
            content_id: self.package.content_id.clone(),
            found: wims.iter().map(|file| file.file.id.path.to_string()).collect(),
        })
    }
}

impl fmt::Debug for FoundPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundPackage")
            .field("package", &self.package)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl FoundFile {
    /// What the location knows of it.
    pub fn file(&self) -> &PackageFile {
        &self.file
    }

    /// Its bytes.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }
}

impl fmt::Debug for FoundFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.file, f)
    }
}

impl Preflight {
    /// The packages in the order they were asked for, and for each every location.
    pub fn rows(&self) -> &[PreflightRow] {
        &self.rows
    }

    /// Whether the search was cancelled before it came to its end.
    pub fn is_cancelled(&self) -> bool {
        self.rows.iter().any(|row| row.why == ContentError::Cancelled)
    }

    /// What Configuration Manager calls it: a missing package when every location says that it does
    /// not have it, the hash error when all that is wrong are hashes.
    pub fn config_mgr_error(&self) -> Option<ConfigMgrError> {
        let mut names = self.rows.iter().map(|row| row.why.config_mgr_error());
        let first = names.next().flatten()?;
        names.all(|name| name == Some(first)).then_some(first)
    }
}

impl fmt::Display for Preflight {
    /// One line, then one for each package and location.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cancelled() {
            return f.write_str("cancelled while packages were looked for");
        }
        let mut packages: Vec<_> = self.rows.iter().map(|row| &row.package).collect();
        packages.dedup();
        let (count, s) = (packages.len(), if packages.len() == 1 { "" } else { "s" });
        write!(f, "{count} package{s} cannot be had")?;
        if self.rows.iter().all(|row| row.why.is_of_content()) {
            f.write_str("; distribute the content, or name another distribution point:")?;
        } else if self.rows.iter().any(|row| row.location.is_empty()) {
            f.write_str(":")?;
        } else {
            f.write_str("; mend what each line says, or name another distribution point:")?;
        }
        self.rows.iter().try_for_each(|row| write!(f, "\n  {}: {}", row.package, row.why))
    }
}

impl std::error::Error for Preflight {}

pub(crate) fn find(
    shared: &Arc<Shared>,
    ids: &[PackageId],
) -> Result<Vec<FoundPackage>, Preflight> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for id in ids {
        match find_one(shared, id) {
            Ok(package) => found.push(package),
            Err(rows) => missing.extend(rows),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(Preflight { rows: missing }) }
}

fn find_one(shared: &Arc<Shared>, id: &PackageId) -> Result<FoundPackage, Vec<PreflightRow>> {
    let mut places: Vec<_> = shared.locations().iter().enumerate().collect();
    // Those that did not answer before only when no other has it.
    places.sort_by_key(|(_, place)| place.health() == Health::Down);
    let mut rows = Vec::new();
    for (home, place) in places {
        match ask(shared, home, place, id) {
            Ok(package) => {
                for (_, PreflightRow { package, location, why }) in rows {
                    shared.events.push(ContentEvent::NotThere { package, location, why });
                }
                return Ok(found(shared, package, home, place));
            }
            Err(why) => {
                let (package, location) = (id.clone(), place.name.clone());
                rows.push((home, PreflightRow { package, location, why }));
            }
        }
    }
    rows.sort_by_key(|(home, _)| *home);
    let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
    if rows.is_empty() {
        let why = ContentError::NoLocation;
        rows.push(PreflightRow { package: id.clone(), location: String::new(), why });
    }
    Err(rows)
}

fn ask(
    shared: &Shared,
    home: usize,
    place: &Place,
    id: &PackageId,
) -> Result<Package, ContentError> {
    let package = place.ask(&id.to_string(), shared.asker(), |location, patience| {
        location.package_with(id, patience)
    })?;
    check_hash(shared, place, &package)?;
    check_files(shared, home, place, &package)?;
    Ok(package)
}

/// What the package hash says, as far as it is wanted to be known.
fn check_hash(shared: &Shared, place: &Place, package: &Package) -> Result<(), ContentError> {
    let (location, content_id) = (place.name.clone(), package.content_id.clone());
    let (wrong, what) = match package {
        Package { hash_trouble: Some(what), .. } => {
            let what = what.clone();
            (ContentError::HashUnknown { location, content_id, what: what.clone() }, what)
        }
        Package { declared_hash: Some(declared), computed_hash: Some(computed), .. }
            if declared != computed =>
        {
            let (declared, computed) = (*declared, *computed);
            let what =
                format!("package hash {declared} is declared, and its files give {computed}");
            (ContentError::PackageHash { location, content_id, declared, computed }, what)
        }
        _ => return Ok(()),
    };
    match shared.options.package_hash {
        PackageHashCheck::Off => Ok(()),
        PackageHashCheck::Warn => {
            warn(shared, place, package, what);
            Ok(())
        }
        _ => Err(wrong),
    }
}

/// Whether the files are there. One that is not counts as there when another place has it, for it is
/// read from that one then.
fn check_files(
    shared: &Shared,
    home: usize,
    place: &Place,
    package: &Package,
) -> Result<(), ContentError> {
    let refused = place.ask(&package.content_id, shared.asker(), |location, patience| {
        gather(package.files.iter().collect(), |file: &PackageFile| {
            if is_cached(shared, file) {
                return Ok(None);
            }
            // The one file of which all depends, and those of which two lengths are told.
            let thoroughly = is_wim(file) || file.listed_len.is_some();
            match patience.ask(|| location.check(&file.id, thoroughly))? {
                Ok(()) => Ok(None),
                Err(error) if error.is_transient() || refuses_login(&error) => Err(error.into()),
                Err(error) => Ok(Some((file, error))),
            }
        })
    })?;
    let refused: Vec<(&PackageFile, AccessError)> = refused.into_iter().flatten().collect();
    let Some(first) = refused.first().map(|(_, error)| error.to_string()) else { return Ok(()) };
    let count = refused.len();
    let answers = gather(refused, |(file, error)| {
        Ok::<_, ContentError>(if is_elsewhere(shared, home, file) { None } else { Some(error) })
    })?;
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    let of = package.files.len();
    if answers.is_empty() {
        let what = format!(
            "{count} of {of} files cannot be had there ({first}); they are taken from elsewhere; \
             redistribute the content"
        );
        warn(shared, place, package, what);
        return Ok(());
    }
    let (location, content_id) = (place.name.clone(), package.content_id.clone());
    Err(ContentError::Files { location, content_id, of, answers })
}

fn is_cached(shared: &Shared, file: &PackageFile) -> bool {
    let (Some((_, cache)), Some(digest)) = (shared.cache(), &file.id.digest) else { return false };
    cache.get(digest, file.id.len).is_some()
}

fn is_elsewhere(shared: &Shared, home: usize, file: &PackageFile) -> bool {
    let mut others = shared.locations().iter().enumerate().filter(|(number, _)| *number != home);
    file.id.digest.is_some()
        && others.any(|(_, place)| {
            let answer = place.ask(file.id.path.as_str(), shared.asker(), |location, patience| {
                Ok(patience.ask(|| location.check(&file.id, true))??)
            });
            answer.is_ok()
        })
}

fn is_wim(file: &PackageFile) -> bool {
    file.id.path.name().is_some_and(|name| name.to_lowercase().ends_with(".wim"))
}

fn warn(shared: &Shared, place: &Place, package: &Package, what: String) {
    shared.events.push(ContentEvent::Warning {
        package: package.content_id.clone(),
        location: place.name.clone(),
        what,
    });
}

fn found(shared: &Arc<Shared>, package: Package, home: usize, place: &Place) -> FoundPackage {
    for what in &package.warnings {
        warn(shared, place, &package, what.clone());
    }
    let source = |file: &PackageFile| Arc::new(shared.file(file.id.clone(), home));
    let files = package
        .files
        .iter()
        .map(|file| FoundFile { file: file.clone(), source: source(file) })
        .collect();
    FoundPackage { location: place.name.clone(), files, package }
}
