//! Writes content libraries to a folder, as a distribution point keeps them, and breaks them.
//!
//! Depends on nothing but std and `extent_image::Digest`, so that tests of other crates can take it
//! in with `#[path]`. It shares no code with the reader of libraries: the formats are written out
//! here a second time.
//!
//! ```text
//! let fixture = LibraryFixture::new(dir.path().join("SCCMContentLib"))
//!     .package("PS100005", 3, &[("boot.PS100005.wim", b"...")])
//!     .package("PS100001", 2, &[("i386/client.msi", b"..."), ("empty.txt", b"")]);
//! ```

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use extent_image::Digest;

/// The time that every file has: 2024-08-04 21:38:43 UTC and a fraction.
pub(crate) const FILETIME: u64 = 133_672_811_237_132_153;

/// Files of a package: paths with `/` between the names, and bytes.
pub(crate) type Files<'a> = &'a [(&'a str, &'a [u8])];

/// A content library in a folder.
#[derive(Debug, Clone)]
pub(crate) struct LibraryFixture {
    root: PathBuf,
    /// Content ids by package, in the order they were added.
    packages: BTreeMap<String, Vec<String>>,
    /// What each content id holds: path and upper-case SHA-256.
    contents: BTreeMap<String, Content>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    files: BTreeMap<String, String>,
    folders: BTreeSet<String>,
}

impl LibraryFixture {
    /// An empty library: `root` is the folder that holds `PkgLib`, `DataLib` and `FileLib`.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        for folder in ["PkgLib", "DataLib", "FileLib"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        Self { root, packages: BTreeMap::new(), contents: BTreeMap::new() }
    }

    /// Adds a package with one content, `<id>.<version>`.
    pub(crate) fn package(self, id: &str, version: u64, files: Files<'_>) -> Self {
        self.package_with_folders(id, version, files, &[])
    }

    /// The same with empty folders.
    pub(crate) fn package_with_folders(
        self,
        id: &str,
        version: u64,
        files: Files<'_>,
        folders: &[&str],
    ) -> Self {
        self.content(id, &format!("{id}.{version}"), files, folders)
    }

    /// Adds a content of any id (`Content_<guid>.1`) to a package; `PkgLib` lists all that the
    /// package has, in the order they were added.
    pub(crate) fn content(
        mut self,
        id: &str,
        content_id: &str,
        files: Files<'_>,
        folders: &[&str],
    ) -> Self {
        let mut content = Content::default();
        fs::create_dir_all(self.data_lib(content_id, "")).unwrap();
        for folder in folders {
            content.folders.insert((*folder).to_owned());
            fs::create_dir_all(self.data_lib(content_id, folder)).unwrap();
        }
        for (path, bytes) in files {
            let hash = hex(bytes);
            let stored = self.stored(bytes);
            fs::create_dir_all(stored.parent().unwrap()).unwrap();
            if !stored.exists() {
                fs::write(&stored, bytes).unwrap();
            }
            let users = stored.with_extension("INI");
            let mut text = fs::read_to_string(&users).unwrap_or_else(|_| "[Users]\r\n".to_owned());
            let user = format!("{content_id}=\r\n");
            if !text.contains(&user) {
                text.push_str(&user);
            }
            fs::write(users, text).unwrap();

            let ini = self.file_ini(content_id, path);
            fs::create_dir_all(ini.parent().unwrap()).unwrap();
            fs::write(ini, file_ini_text(bytes)).unwrap();
            content.files.insert((*path).to_owned(), hash);
        }
        let text = content_ini_text(&package_hash(files, folders));
        fs::write(self.content_ini(content_id), text).unwrap();
        self.contents.insert(content_id.to_owned(), content);
        let ids = self.packages.entry(id.to_owned()).or_default();
        if !ids.iter().any(|known| known == content_id) {
            ids.push(content_id.to_owned());
        }
        let text = package_ini_text(ids);
        fs::write(self.package_ini(id), text).unwrap();
        self
    }

    /// The folder that holds `PkgLib`, `DataLib` and `FileLib`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `PkgLib/<id>.INI`.
    pub(crate) fn package_ini(&self, id: &str) -> PathBuf {
        self.root.join("PkgLib").join(format!("{id}.INI"))
    }

    /// `DataLib/<content id>.INI`.
    pub(crate) fn content_ini(&self, content_id: &str) -> PathBuf {
        self.root.join("DataLib").join(format!("{content_id}.INI"))
    }

    /// `DataLib/<content id>/<path>`; the folder of the content for an empty path.
    pub(crate) fn data_lib(&self, content_id: &str, path: &str) -> PathBuf {
        below(&self.root.join("DataLib").join(content_id), path)
    }

    /// `DataLib/<content id>/<path>.INI`.
    pub(crate) fn file_ini(&self, content_id: &str, path: &str) -> PathBuf {
        self.data_lib(content_id, &format!("{path}.INI"))
    }

    /// `FileLib/<4>/<HASH>` of these bytes.
    pub(crate) fn stored(&self, bytes: &[u8]) -> PathBuf {
        self.stored_as(&hex(bytes))
    }

    fn stored_as(&self, hash: &str) -> PathBuf {
        self.root.join("FileLib").join(&hash[..4]).join(hash)
    }

    // ---- other shapes of the same content ----

    /// Writes the files under their real names to `<dir>/<name of content>/<path>`, as a package
    /// share and as the web server shows them; linked, not copied, where the file system can.
    /// `name` turns a content id (`PS100005.3`) into the name of its folder.
    pub(crate) fn expand(&self, dir: &Path, name: impl Fn(&str) -> String) {
        for (content_id, content) in &self.contents {
            let folder = dir.join(name(content_id));
            fs::create_dir_all(&folder).unwrap();
            for path in &content.folders {
                fs::create_dir_all(below(&folder, path)).unwrap();
            }
            for (path, hash) in &content.files {
                let to = below(&folder, path);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                let from = self.stored_as(hash);
                fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(|_| ())).unwrap();
            }
        }
    }

    /// Moves the file with these bytes to the `FileLib` of another drive, `other`
    /// (`SCCMContentLibD`); what describes it stays.
    pub(crate) fn move_to_drive(&self, other: &Path, bytes: &[u8]) {
        let from = self.stored(bytes);
        let to = other.join(from.strip_prefix(&self.root).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(&from, &to).unwrap();
        fs::rename(from.with_extension("INI"), to.with_extension("INI")).unwrap();
    }

    // ---- damage ----

    /// Turns over all bits of one byte of the stored file with these bytes.
    pub(crate) fn flip_byte(&self, bytes: &[u8], at: usize) {
        let path = self.stored(bytes);
        let mut stored = fs::read(&path).unwrap();
        stored[at] ^= 0xFF;
        // Not in place: the file may be linked elsewhere.
        fs::remove_file(&path).unwrap();
        fs::write(&path, stored).unwrap();
    }

    /// Stores other bytes in place of these: shorter, longer, none.
    pub(crate) fn store_instead(&self, bytes: &[u8], instead: &[u8]) {
        let path = self.stored(bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, instead).unwrap();
    }

    /// Takes the stored file with these bytes away; what describes it stays.
    pub(crate) fn remove_stored(&self, bytes: &[u8]) {
        fs::remove_file(self.stored(bytes)).unwrap();
    }

    /// Adds a line to the package's INI for a content that is not there.
    pub(crate) fn stale_entry(&self, id: &str, content_id: &str) {
        let path = self.package_ini(id);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str(&format!("{content_id}=\r\n"));
        fs::write(path, text).unwrap();
    }

    /// Replaces text in an INI; the text must be there.
    pub(crate) fn edit(&self, ini: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(ini).unwrap();
        assert!(text.contains(from), "{} has no {from:?}", ini.display());
        fs::write(ini, text.replace(from, to)).unwrap();
    }
}

/// The INI of a file in `DataLib`, with the keys, widths and line ends of a real one.
pub(crate) fn file_ini_text(bytes: &[u8]) -> String {
    format!(
        "[File]\r\nAttributes=00000020\r\nSize={}\r\nTimeModified={FILETIME}\r\nHash={}\r\n",
        bytes.len(),
        hex(bytes)
    )
}

/// The INI of a content in `DataLib`: 100 bytes.
pub(crate) fn content_ini_text(hash: &str) -> String {
    format!("[Info]\r\nHashAlgorithm=32780\r\nHash={hash}\r\n")
}

/// The INI of a package in `PkgLib`.
pub(crate) fn package_ini_text<S: AsRef<str>>(content_ids: &[S]) -> String {
    content_ids.iter().fold("[Packages]\r\n".to_owned(), |text, id| text + id.as_ref() + "=\r\n")
}

/// SHA-256 as the library writes it: 64 upper-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string().to_uppercase()
}

/// The package hash: names of folders, names of files, hashes of files, then folder by folder.
pub(crate) fn package_hash(files: Files<'_>, folders: &[&str]) -> String {
    #[derive(Default)]
    struct Folder {
        /// By name in upper case: the path in lower case, and the folder.
        folders: BTreeMap<String, (String, Folder)>,
        files: BTreeMap<String, (String, String)>,
    }
    fn folder<'a>(mut at: &'a mut Folder, names: &[&str]) -> &'a mut Folder {
        for end in 1..=names.len() {
            let path = names[..end].join("\\").to_lowercase();
            at = &mut at
                .folders
                .entry(names[end - 1].to_uppercase())
                .or_insert_with(|| (path, Folder::default()))
                .1;
        }
        at
    }
    fn walk(folder: &Folder, stream: &mut Vec<u8>) {
        let paths = folder.folders.values().map(|(path, _)| path);
        let files = folder.files.values();
        for text in paths.chain(files.clone().map(|file| &file.0)).chain(files.map(|file| &file.1))
        {
            stream.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        }
        folder.folders.values().for_each(|(_, folder)| walk(folder, stream));
    }
    let mut root = Folder::default();
    for path in folders {
        folder(&mut root, &path.split('/').collect::<Vec<_>>());
    }
    for (path, bytes) in files {
        let mut names: Vec<_> = path.split('/').collect();
        let name = names.pop().unwrap();
        let path = path.replace('/', "\\").to_lowercase();
        folder(&mut root, &names).files.insert(name.to_uppercase(), (path, hex(bytes)));
    }
    let mut stream = Vec::new();
    walk(&root, &mut stream);
    hex(&stream)
}

fn below(folder: &Path, path: &str) -> PathBuf {
    path.split('/')
        .filter(|name| !name.is_empty())
        .fold(folder.to_owned(), |at, name| at.join(name))
}
