//! Finding boot files: a folder given by the operator first, then the boot image.

use std::sync::Arc;

use extent_image::{FileSource, Source, Timestamp};
use wim_image::{Architecture, Entry};

use crate::error::BootImageError;
use crate::folder::Folder;
use crate::image::BootImage;
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

/// Searches for every boot file of the classic set.
pub(crate) fn boot_files(
    image: &BootImage,
    architecture: Architecture,
    folder: Option<&Folder<'_>>,
) -> Result<BootFiles, BootImageError> {
    let mut files = BootFiles::default();
    // Configuration Manager makes arm64 media for UEFI only: no BIOS starts such a computer.
    let bios = architecture != Architecture::Arm64;
    let wanted = |firmware| bios || firmware != Firmware::Bios;
    for place in PLACES.iter().filter(|place| wanted(place.firmware)) {
        match find(image, architecture, folder, place)? {
            Ok(found) => files.found.push(found),
            Err(missing) => files.missing.push(missing),
        }
    }
    let fonts = fonts(image, folder)?;
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
    if fonts.is_empty() {
        let mut searched = vec![image.name_of(FONTS_IN_IMAGE)];
        if let Some(folder) = folder {
            let names = FONTS_IN_FOLDER.iter().map(|path| name_in(folder, path));
            searched.splice(0..0, names);
        }
        files.missing.push(Missing {
            file: BootFile::Font,
            media: r"boot\fonts\*.ttf".to_owned(),
            need: Need::Optional,
            searched,
        });
    }
    Ok(files)
}

/// Searches for the boot manager that UEFI starts, whose PE header tells its architecture. Where
/// that is not known yet, media made elsewhere is searched for the path of every one.
pub(crate) fn efi_boot_manager(
    image: &BootImage,
    architecture: Option<Architecture>,
    folder: Option<&Folder<'_>>,
) -> Result<Result<Found, Missing>, BootImageError> {
    let all = [Architecture::Amd64, Architecture::X86, Architecture::Arm64];
    let one = architecture.map(|architecture| [architecture]);
    let mut searched = Vec::new();
    for &architecture in one.as_ref().map_or(&all[..], |one| &one[..]) {
        for place in PLACES.iter().filter(|place| place.file == BootFile::EfiBootManager) {
            match find(image, architecture, folder, place)? {
                Ok(found) => return Ok(Ok(found)),
                Err(missing) => searched.extend(missing.searched),
            }
        }
    }
    searched.dedup();
    Ok(Err(Missing {
        file: BootFile::EfiBootManager,
        media: r"EFI\Boot\boot*.efi".to_owned(),
        need: Need::Required,
        searched,
    }))
}

fn find(
    image: &BootImage,
    architecture: Architecture,
    folder: Option<&Folder<'_>>,
    place: &Place,
) -> Result<Result<Found, Missing>, BootImageError> {
    let media = on_media(place.media, architecture);
    let mut searched = Vec::new();
    if let Some(folder) = folder {
        let copied = [media.clone(), format!(r"media\{media}")];
        let loose = place.folder.iter().map(|&path| path.to_owned());
        let expanded = place.image.iter().flat_map(|path| in_image(path, architecture, image));
        for path in copied.into_iter().chain(loose).chain(expanded) {
            let in_folder =
                |source| BootImageError::Folder { path: name_in(folder, &path), source };
            if let Some(host) = folder.find(&path).map_err(in_folder)? {
                let source = FileSource::new(host).map_err(in_folder)?;
                let modified = modified(&source).map_err(in_folder)?;
                let source: Arc<dyn Source> = Arc::new(source);
                return Ok(Ok(found(place, media, source, modified)));
            }
            searched.push(name_in(folder, &path));
        }
    }
    for path in place.image.iter().flat_map(|path| in_image(path, architecture, image)) {
        match image.image().lookup(&path) {
            Some(entry) if !entry.is_folder() => {
                let (source, modified) = open(image, entry)?;
                return Ok(Ok(found(place, media, source, modified)));
            }
            _ => searched.push(image.name_of(&path)),
        }
    }
    Ok(Err(Missing { file: place.file, media, need: place.need, searched }))
}

fn found(place: &Place, media: String, source: Arc<dyn Source>, modified: Timestamp) -> Found {
    let for_uefi = place.firmware != Firmware::Bios;
    Found { file: place.file, media, source, modified, for_uefi }
}

type Font = (String, Arc<dyn Source>, Timestamp);

fn fonts(image: &BootImage, folder: Option<&Folder<'_>>) -> Result<Vec<Font>, BootImageError> {
    if let Some(folder) = folder {
        for path in FONTS_IN_FOLDER {
            let in_folder = |source| BootImageError::Folder { path: name_in(folder, path), source };
            let mut fonts = Vec::new();
            for host in folder.files_in(path, ".ttf").map_err(in_folder)? {
                let name = host.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let source = FileSource::new(host).map_err(in_folder)?;
                let modified = modified(&source).map_err(in_folder)?;
                let source: Arc<dyn Source> = Arc::new(source);
                fonts.push((name, source, modified));
            }
            if !fonts.is_empty() {
                return Ok(fonts);
            }
        }
    }
    let Some(entry) = image.image().lookup(FONTS_IN_IMAGE) else { return Ok(Vec::new()) };
    let mut fonts = Vec::new();
    for font in entry.children().filter(|font| !font.is_folder() && is_font(font.name())) {
        let (source, modified) = open(image, font)?;
        fonts.push((font.name().to_owned(), source, modified));
    }
    fonts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    Ok(fonts)
}

fn is_font(name: &str) -> bool {
    let end = name.len().checked_sub(4).and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(".ttf"))
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

/// A place in the boot image, or several where it names a language folder: the image's own language
/// first, then English, then every other that is there.
fn in_image(path: &str, architecture: Architecture, image: &BootImage) -> Vec<String> {
    let arch = match architecture {
        Architecture::X86 => "i386",
        other => other.name(),
    };
    let path = path.replace("{arch}", arch);
    let Some((parent, rest)) = path.split_once(r"\{lang}\") else { return vec![path] };
    let mut languages = Vec::new();
    let mut add = |language: &str| {
        if !languages.iter().any(|known: &String| known.eq_ignore_ascii_case(language)) {
            languages.push(language.to_owned());
        }
    };
    if let Some(language) = image.info().and_then(|info| info.default_language.as_deref()) {
        add(language);
    }
    add("en-US");
    if let Some(folder) = image.image().lookup(parent) {
        let mut others: Vec<_> =
            folder.children().filter(Entry::is_folder).map(|entry| entry.name()).collect();
        others.sort_unstable();
        others.into_iter().for_each(add);
    }
    languages.into_iter().map(|language| format!(r"{parent}\{language}\{rest}")).collect()
}
