//! What a path leads to in a content library.

use std::fs;
use std::path::{Path, PathBuf};

use super::Options;

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Found {
    /// A file of the library.
    File { path: PathBuf, etag: String },
    /// A folder, and the path its links begin with.
    Folder { link: String, entries: Vec<Entry> },
    /// The signatures of a content.
    Signatures(Vec<u8>),
}

/// A row of a listing.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_folder: bool,
    pub(super) len: u64,
}

/// `path` as in [`Request::path`](super::Request::path).
pub(super) fn find(options: &Options, path: &str) -> Option<Found> {
    let library = &*options.library;
    let mut names = path.split('/');
    let directory = names.next().unwrap_or_default();
    let names: Vec<&str> = names.collect();
    if names.iter().any(|name| matches!(*name, "" | "." | "..")) {
        return None;
    }
    match &*directory.to_ascii_lowercase() {
        "sms_dp_smspkg$" | "nocert_sms_dp_smspkg$" => package(options, directory, &names),
        "sms_dp_smssig$" | "nocert_sms_dp_smssig$" => signatures(library, &names),
        _ => None,
    }
}

fn package(options: &Options, directory: &str, names: &[&str]) -> Option<Found> {
    // The bare directory is 404 where all is well.
    let (&first, below) = names.split_first()?;
    let library = &*options.library;
    match &*first.to_ascii_lowercase() {
        "datalib" => {
            let data = place(library, &["DataLib"])?;
            let found = place(&data, below)?;
            if found.is_file() {
                return Some(file(found));
            }
            // A link to a folder shows the same page again.
            Some(Found::Folder { link: format!("{directory}/{first}"), entries: stored(&data) })
        }
        "pkglib" | "filelib" => {
            let found = place(library, names)?;
            if found.is_file() {
                return Some(file(found));
            }
            let link = [&[directory], names].concat().join("/");
            Some(Found::Folder { link, entries: stored(&found) })
        }
        _ => content(options, directory, first, below),
    }
}

/// Real names: of a content id, or of a package id, whose links then have the content id.
fn content(options: &Options, directory: &str, id: &str, below: &[&str]) -> Option<Found> {
    let library = &*options.library;
    let data = place(library, &["DataLib"])?;
    let (id, folder) = match place(&data, &[id]) {
        Some(folder) => (id.to_owned(), folder),
        None => {
            let id = content_id(library, id)?;
            let folder = place(&data, &[&id])?;
            (id, folder)
        }
    };
    if let Some(found) = place(&folder, below)
        && found.is_dir()
    {
        let link = [&[directory, &*id], below].concat().join("/");
        let mut entries = stored(&found);
        for entry in &mut entries {
            if !entry.is_folder {
                let ini = fs::read_to_string(found.join(&entry.name)).unwrap_or_default();
                entry.name = without_ini(&entry.name);
                entry.len = value(&ini, "Size").and_then(|size| size.parse().ok()).unwrap_or(0);
            }
        }
        return Some(Found::Folder { link, entries });
    }
    let (name, folders) = below.split_last()?;
    let ini = place(&folder, &[folders, &[&*format!("{name}.INI")]].concat())?;
    let hash = value(&fs::read_to_string(ini).ok()?, "Hash")?.to_ascii_uppercase();
    let mut drives = [library].into_iter().chain(options.drives.iter().map(|drive| &**drive));
    let four = hash.get(..4)?;
    drives.find_map(|drive| place(drive, &["FileLib", four, &hash])).map(file)
}

/// The last content id of a package.
fn content_id(library: &Path, package: &str) -> Option<String> {
    let ini = place(library, &["PkgLib", &format!("{package}.INI")])?;
    let ini = fs::read_to_string(ini).ok()?;
    let packages = ini.split_once("[Packages]")?.1;
    let lines = packages.lines().map(str::trim).take_while(|line| !line.starts_with('['));
    let ids = lines.filter_map(|line| line.split_once('=')).map(|(id, _)| id.trim().to_owned());
    ids.max_by_key(|id| id.rsplit('.').next().and_then(|version| version.parse::<u32>().ok()))
}

/// A tar as a distribution point makes it: `\` in names, no checksums (reference 1.7).
fn signatures(library: &Path, names: &[&str]) -> Option<Found> {
    let [name] = names else { return None };
    let id = name.strip_suffix(".tar").unwrap_or(name);
    let folder = place(library, &["DataLib", id])
        .or_else(|| place(library, &["DataLib", &content_id(library, id)?]))?;
    let mut tar = Vec::new();
    sign(&folder, "", &mut tar);
    tar.resize(tar.len() + 1024, 0);
    Some(Found::Signatures(tar))
}

fn sign(folder: &Path, prefix: &str, tar: &mut Vec<u8>) {
    for entry in stored(folder) {
        let name = format!("{prefix}{}", entry.name);
        if entry.is_folder {
            sign(&folder.join(&entry.name), &format!("{name}\\"), tar);
            continue;
        }
        let name = without_ini(&name);
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[0x7C..0x7F].copy_from_slice(b"226");
        header[0x9C] = b'0';
        header[0x101..0x108].copy_from_slice(b"ustar  ");
        tar.extend_from_slice(&header);
        let mut data = [0; 512];
        data[..11].copy_from_slice(&[0x18, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1]);
        tar.extend_from_slice(&data);
    }
}

fn without_ini(name: &str) -> String {
    let real = name.get(..name.len().saturating_sub(4)).unwrap_or_default();
    let is_ini = name[real.len()..].eq_ignore_ascii_case(".INI");
    if is_ini { real } else { name }.to_owned()
}

fn file(path: PathBuf) -> Found {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name: String = name.unwrap_or_default().chars().take(15).collect();
    Found::File { etag: format!("\"{}:0\"", name.to_ascii_lowercase()), path }
}

fn stored(folder: &Path) -> Vec<Entry> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<Entry> = entries
        .map(|entry| {
            let metadata = fs::metadata(entry.path()).expect("the library does not change");
            let name = entry.file_name().into_string().expect("names are UTF-8");
            Entry { name, is_folder: metadata.is_dir(), len: metadata.len() }
        })
        .collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// The path of `names` in a folder, whatever their case.
fn place(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for name in names {
        let exact = path.join(name);
        path = if exact.exists() {
            exact
        } else {
            let wanted = name.to_lowercase();
            let mut entries = fs::read_dir(&path).ok()?.flatten();
            let same = |name: &str| name.to_lowercase() == wanted;
            entries.find(|entry| entry.file_name().to_str().is_some_and(same))?.path()
        };
    }
    path.exists().then_some(path)
}

/// The value of a key in an INI.
fn value(ini: &str, key: &str) -> Option<String> {
    let mut lines = ini.lines().filter_map(|line| line.split_once('='));
    lines.find(|(found, _)| found.trim() == key).map(|(_, value)| value.trim().to_owned())
}
