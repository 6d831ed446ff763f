//! Finding boot files: a folder given by the operator first, then the boot image.

use std::path::Path;
use std::sync::Arc;

use extent_image::{FileSource, Source, Timestamp};
use wim_image::{Architecture, Entry};

use crate::error::BootImageError;
use crate::ex_set::{
    BootSet, EX_BOOT_STL, EX_FONT, EX_FONTS_IN_FOLDER, EX_FONTS_IN_IMAGE, ex_place, font_on_media,
};
use crate::folder::Folder;
use crate::image::{BootImage, pe_architecture};
use crate::places::{
    BootFile, FONTS_IN_FOLDER, FONTS_IN_IMAGE, FONTS_ON_MEDIA, Firmware, Need, PLACES, Place,
};

/// A boot file and where it was found.
#[derive(Clone)]
#[non_exhaustive]
pub struct Found {
    /// What it is.
    pub file: BootFile,
    /// Its path on the media, names separated by `\`.
    pub media: String,
    /// Its bytes.
    pub source: Arc<dyn Source>,
    /// Time of its last modification.
    pub modified: Timestamp,
    /// Whether a computer that UEFI starts reads it.
    pub for_uefi: bool,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} from {}", self.media, self.source.describe())
    }
}

/// A boot file that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// What it is.
    pub file: BootFile,
    /// Its path on the media.
    pub media: String,
    /// Whether media can do without.
    pub need: Need,
    /// Every place searched.
    pub searched: Vec<String>,
}

/// What a search for boot files gave.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
#[must_use]
pub struct BootFiles {
    /// Files that are there.
    pub found: Vec<Found>,
    /// Files that are not.
    pub missing: Vec<Missing>,
}

impl BootFiles {
    /// Whether the file is there.
    pub fn has(&self, file: BootFile) -> bool {
        self.found.iter().any(|found| found.file == file)
    }

    /// The files, if everything is there that media needs and all of `also`.
    ///
    /// # Errors
    /// [`BootImageError::Missing`] with all missing files.
    pub fn require(self, also: &[BootFile]) -> Result<Vec<Found>, BootImageError> {
        let needed =
            |missing: &Missing| missing.need == Need::Required || also.contains(&missing.file);
        let missing: Vec<Missing> = self.missing.into_iter().filter(needed).collect();
        if missing.is_empty() { Ok(self.found) } else { Err(BootImageError::Missing(missing)) }
    }
}

/// What to search for, and where.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct BootFileSearch<'a> {
    pub(crate) architecture: Architecture,
    pub(crate) set: BootSet,
    pub(crate) folder: Option<&'a Path>,
    pub(crate) loader_for: Option<Architecture>,
}

impl<'a> BootFileSearch<'a> {
    /// For the classic set of a boot image for `architecture`, in the boot image.
    pub fn new(architecture: Architecture) -> Self {
        Self { architecture, set: BootSet::Classic, folder: None, loader_for: None }
    }

    /// Searches for this set. Default [`BootSet::Classic`].
    pub fn with_set(self, set: BootSet) -> Self {
        Self { set, ..self }
    }

    /// The set searched for.
    pub fn set(&self) -> BootSet {
        self.set
    }

    /// Searches in a folder first. Default none.
    pub fn with_folder(self, folder: Option<&'a Path>) -> Self {
        Self { folder, ..self }
    }

    /// Searches for a boot manager of another architecture too, for computers whose UEFI starts no
    /// other. Default none. With one, no boot manager is needed (a BIOS may be what starts these
    /// computers), and a file in the place of one is passed over if its PE header is of another
    /// architecture than the one searched for.
    pub fn with_loader_for(self, architecture: Option<Architecture>) -> Self {
        let loader_for = architecture.filter(|other| *other != self.architecture);
        Self { loader_for, ..self }
    }
}

/// Searches for every boot file of a set. What cannot be used is given to `failed`, which decides
/// whether that ends the search.
pub(crate) fn boot_files(
    image: &BootImage,
    search: &BootFileSearch<'_>,
    mut failed: impl FnMut(BootImageError) -> Result<(), BootImageError>,
) -> Result<BootFiles, BootImageError> {
    let mut files = BootFiles::default();
    let folder = search.folder.map(Folder::new);
    let folder = folder.as_ref();
    // Configuration Manager makes arm64 media for UEFI only: no BIOS starts such a computer.
    let bios = search.architecture != Architecture::Arm64;
    let wanted = |firmware| bios || firmware != Firmware::Bios;
    for place in PLACES.iter().filter(|place| wanted(place.firmware)) {
        let loader = place.file == BootFile::EfiBootManager;
        let others = search.loader_for.filter(|_| loader);
        for architecture in std::iter::once(search.architecture).chain(others) {
            let only = others.map(|_| architecture);
            match find(image, architecture, folder, place, search.set, only) {
                Ok(Ok(found)) => files.found.push(found),
                Ok(Err(missing)) if others.is_some() => {
                    files.missing.push(Missing { need: Need::Optional, ..missing });
                }
                Ok(Err(missing)) => files.missing.push(missing),
                Err(error) => failed(error)?,
            }
        }
    }
    let fonts = fonts(image, folder, search.set);
    let (fonts, searched) = fonts.or_else(|error| failed(error).map(|()| Default::default()))?;
    for (name, source, modified) in &fonts {
        for (media, firmware) in FONTS_ON_MEDIA.iter().filter(|(_, f)| wanted(*f)) {
            files.found.push(Found {
                file: BootFile::Font,
                media: format!(r"{media}\{name}"),
                source: Arc::clone(source),
                modified: *modified,
                for_uefi: *firmware != Firmware::Bios,
            });
        }
    }
    // Where they cannot be read they are not missing.
    if fonts.is_empty() && !searched.is_empty() {
        files.missing.push(Missing {
            file: BootFile::Font,
            media: r"boot\fonts\*.ttf".to_owned(),
            need: Need::Optional,
            searched,
        });
    }
    Ok(files)
}

/// Searches for the boot manager that UEFI starts, whose PE header tells its architecture: of the
/// classic set, else of the other; one that cannot be read is passed over where there is another.
/// Where the architecture is not known yet, media made elsewhere is searched for the path of every
/// one.
pub(crate) fn efi_boot_manager(
    image: &BootImage,
    architecture: Option<Architecture>,
    folder: Option<&Folder<'_>>,
) -> Result<Result<(Found, Architecture), Missing>, BootImageError> {
    let all = [Architecture::Amd64, Architecture::X86, Architecture::Arm64];
    let one = architecture.map(|architecture| [architecture]);
    let mut searched = Vec::new();
    let mut unusable = None;
    for set in [BootSet::Classic, BootSet::Ex] {
        for &architecture in one.as_ref().map_or(&all[..], |one| &one[..]) {
            for place in PLACES.iter().filter(|place| place.file == BootFile::EfiBootManager) {
                let found = match find(image, architecture, folder, place, set, None) {
                    Ok(Ok(found)) => pe_architecture(&*found.source).map(|pe| (found, pe)),
                    Ok(Err(missing)) => {
                        searched.extend(missing.searched);
                        continue;
                    }
                    Err(error) => Err(error),
                };
                match found {
                    Ok(found) => return Ok(Ok(found)),
                    Err(error) => unusable = unusable.or(Some(error)),
                }
            }
        }
    }
    if let Some(error) = unusable {
        return Err(error);
    }
    let mut known = std::collections::HashSet::new();
    searched.retain(|place| known.insert(place.clone()));
    Ok(Err(Missing {
        file: BootFile::EfiBootManager,
        media: r"EFI\Boot\boot*.efi".to_owned(),
        need: Need::Required,
        searched,
    }))
}

/// The boot image's own list of revoked signatures, the newer of the two sets first.
pub(crate) fn boot_stl(image: &BootImage) -> Result<Option<Found>, BootImageError> {
    let Some(place) = PLACES.iter().find(|place| place.file == BootFile::BootStl) else {
        return Ok(None);
    };
    for path in std::iter::once(&EX_BOOT_STL).chain(place.image) {
        if let Some(entry) = image.image().lookup(path).filter(|entry| !entry.is_folder()) {
            let (source, modified) = open(image, entry)?;
            return Ok(Some(found(place, place.media.to_owned(), source, modified)));
        }
    }
    Ok(None)
}

/// Searches for one file. With `only`, a program of another architecture is passed over.
fn find(
    image: &BootImage,
    architecture: Architecture,
    folder: Option<&Folder<'_>>,
    place: &Place,
    set: BootSet,
    only: Option<Architecture>,
) -> Result<Result<Found, Missing>, BootImageError> {
    let media = on_media(place.media, architecture);
    let ex = ex_place(place.file).filter(|_| set == BootSet::Ex);
    let (in_image_at, loose) = ex.map_or((place.image, place.folder), |ex| (ex.image, ex.folder));
    let fits = |found: &Found| match only {
        Some(only) => pe_architecture(&*found.source).is_ok_and(|pe| pe == only),
        None => true,
    };
    let mut searched = Vec::new();
    if let Some(folder) = folder {
        // The path on media says nothing of the set that a file is of.
        let copied = [media.clone(), format!(r"media\{media}")];
        let copied = copied.into_iter().filter(|_| ex.is_none());
        let loose = loose.iter().map(|path| on_media(path, architecture));
        let plain = copied.chain(loose).map(|path| Candidate { told: path.clone(), path });
        let expanded = in_image_at.iter().flat_map(|path| in_image(path, architecture, image));
        for Candidate { path, told } in plain.chain(expanded) {
            let in_folder =
                |source| BootImageError::Folder { path: name_in(folder, &path), source };
            if let Some(host) = folder.find(&path).map_err(in_folder)? {
                let source = FileSource::new(host).map_err(in_folder)?;
                let modified = modified(&source).map_err(in_folder)?;
                let source: Arc<dyn Source> = Arc::new(source);
                let found = found(place, media.clone(), source, modified);
                if fits(&found) {
                    return Ok(Ok(found));
                }
            }
            tell(&mut searched, name_in(folder, &told));
        }
    }
    for Candidate { path, told } in
        in_image_at.iter().flat_map(|path| in_image(path, architecture, image))
    {
        if let Some(entry) = image.image().lookup(&path).filter(|entry| !entry.is_folder()) {
            let (source, modified) = open(image, entry)?;
            let found = found(place, media.clone(), source, modified);
            if fits(&found) {
                return Ok(Ok(found));
            }
        }
        tell(&mut searched, image.name_of(&told));
    }
    Ok(Err(Missing { file: place.file, media, need: place.need, searched }))
}

fn found(place: &Place, media: String, source: Arc<dyn Source>, modified: Timestamp) -> Found {
    let for_uefi = place.firmware != Firmware::Bios;
    Found { file: place.file, media, source, modified, for_uefi }
}

type Font = (String, Arc<dyn Source>, Timestamp);

/// The fonts of a set by their names on media, and the places searched where there are none.
fn fonts(
    image: &BootImage,
    folder: Option<&Folder<'_>>,
    set: BootSet,
) -> Result<(Vec<Font>, Vec<String>), BootImageError> {
    let (in_folder_at, in_image_at, suffix) = match set {
        BootSet::Classic => (FONTS_IN_FOLDER, FONTS_IN_IMAGE, ".ttf"),
        BootSet::Ex => (EX_FONTS_IN_FOLDER, EX_FONTS_IN_IMAGE, EX_FONT),
    };
    let named = |name: &str| match set {
        BootSet::Classic => name.to_owned(),
        BootSet::Ex => font_on_media(name),
    };
    let mut fonts = Vec::new();
    let mut searched = Vec::new();
    for (folder, path) in folder.iter().flat_map(|&f| in_folder_at.iter().map(move |p| (f, p))) {
        let in_folder = |source| BootImageError::Folder { path: name_in(folder, path), source };
        for host in folder.files_in(path, suffix).map_err(in_folder)? {
            let name = named(&host.file_name().unwrap_or_default().to_string_lossy());
            let source = FileSource::new(host).map_err(in_folder)?;
            let modified = modified(&source).map_err(in_folder)?;
            let source: Arc<dyn Source> = Arc::new(source);
            fonts.push((name, source, modified));
        }
        if !fonts.is_empty() {
            return Ok((fonts, searched));
        }
        searched.push(name_in(folder, path));
    }
    if let Some(entry) = image.image().lookup(in_image_at) {
        let is_font = |font: &Entry<'_>| !font.is_folder() && ends_in(font.name(), suffix);
        for font in entry.children().filter(is_font) {
            let (source, modified) = open(image, font)?;
            fonts.push((named(font.name()), source, modified));
        }
        fonts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    }
    searched.push(image.name_of(in_image_at));
    Ok((fonts, searched))
}

fn ends_in(name: &str, suffix: &str) -> bool {
    let end = name.len().checked_sub(suffix.len()).and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

fn open(
    image: &BootImage,
    entry: Entry<'_>,
) -> Result<(Arc<dyn Source>, Timestamp), BootImageError> {
    let file = image.wim().file(entry);
    let file = file.map_err(|source| BootImageError::File { name: image.name(), source })?;
    Ok((Arc::new(file), entry.modified()))
}

fn modified(source: &FileSource) -> std::io::Result<Timestamp> {
    Ok(Timestamp::from_system_time(std::fs::metadata(source.path())?.modified()?))
}

fn name_in(folder: &Folder<'_>, path: &str) -> String {
    folder.path().join(path.replace('\\', std::path::MAIN_SEPARATOR_STR)).display().to_string()
}

fn on_media(path: &str, architecture: Architecture) -> String {
    let boot_file = architecture.efi_boot_file();
    let efi = boot_file.trim_start_matches("boot").trim_end_matches(".efi");
    path.replace("{efi}", efi)
}

/// A path to look at, and what to call it among the places searched.
struct Candidate {
    path: String,
    told: String,
}

/// Language folders that are looked into; Windows has some 40 languages.
const LANGUAGES: usize = 64;

/// A place in the boot image, or several where it names a language folder: the image's own language
/// first, then English, then the others that are there, which are told as one.
fn in_image(path: &str, architecture: Architecture, image: &BootImage) -> Vec<Candidate> {
    let arch = match architecture {
        Architecture::X86 => "i386",
        other => other.name(),
    };
    let path = path.replace("{arch}", arch);
    let Some((parent, rest)) = path.split_once(r"\{lang}\") else {
        return vec![Candidate { told: path.clone(), path }];
    };
    let own = image.info().and_then(|info| info.default_language.as_deref());
    let mut first: Vec<&str> = own.into_iter().collect();
    if own.is_none_or(|own| !own.eq_ignore_ascii_case("en-US")) {
        first.push("en-US");
    }
    let mut others: Vec<&str> = image.image().lookup(parent).map_or_else(Vec::new, |folder| {
        let is_first = |name: &&str| first.iter().any(|known| known.eq_ignore_ascii_case(name));
        let folders = folder.children().filter(Entry::is_folder).map(|entry| entry.name());
        folders.filter(|name| !is_first(name)).collect()
    });
    others.sort_unstable();
    let place = |language: &str| format!(r"{parent}\{language}\{rest}");
    let first =
        first.iter().map(|language| Candidate { path: place(language), told: place(language) });
    let others =
        others.iter().map(|language| Candidate { path: place(language), told: place("*") });
    first.chain(others).take(LANGUAGES).collect()
}

/// Adds a place, unless it is told already by the one before.
fn tell(searched: &mut Vec<String>, place: String) {
    if searched.last() != Some(&place) {
        searched.push(place);
    }
}
