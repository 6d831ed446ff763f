//! The content library of a distribution point, wherever it is reached.
//!
//! ```text
//! PkgLib/PS100005.INI                       which contents the package has ─► PS100005.3
//! DataLib/PS100005.3.INI                    the package hash
//! DataLib/PS100005.3/<path>.INI             length and SHA-256 of each file
//! FileLib/<first 4 digits>/<SHA-256>        the bytes, here or on further drives
//! ```
//! The web server of a distribution point shows the same folders, but `DataLib` cannot be walked
//! there; it shows `PS100005.3/<path>` instead, with names and bytes.

mod contents;
pub(crate) mod ini;
pub(crate) mod package_hash;
pub(crate) mod signature_tar;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use extent_image::Digest;
use media_model::PackageId;

use crate::access::gather::gather;
use crate::access::patience::Patience;
use crate::access::walk::{Budget, Walked, WalkedFile, no_unicode, refuse_same_names, walk};
use crate::access::{AccessError, AccessKind, NamesBy, Transport};
use crate::error::ContentError;
use crate::location::{FileId, Listed, Location, Package, PackageFile};
use crate::path::ContentPath;

use self::contents::{Contents, content_parts, some_of};
use self::ini::{ContentIni, FileIni, PackageIni};

/// Bytes of an INI in `DataLib`. Real ones have 100 and 144.
const DATA_INI_LIMIT: usize = 64 << 10;

/// Bytes of an INI in `PkgLib`, which has a line for each content of an application.
const PACKAGE_INI_LIMIT: usize = 1 << 20;

/// A content library.
pub struct Library {
    transport: Arc<dyn Transport>,
    spans: OnceLock<Vec<Span>>,
    /// Whether a web server that does not have a package has a content library at all.
    has_data_lib: OnceLock<bool>,
}

/// A further drive of the library.
struct Span {
    transport: Arc<dyn Transport>,
    /// Set when it turns out that there is none; then it is not asked again.
    absent: AtomicBool,
}

/// The names of a content's files.
struct Names {
    files: Vec<Named>,
    folders: Vec<ContentPath>,
    warnings: Vec<String>,
}

/// What a content's INI says.
enum Declared {
    Hash(Digest),
    /// It is there, and this is wrong with it.
    Damaged(String),
    /// It is not there, or not to be read.
    Nowhere(String),
}

/// The name of a file.
struct Named {
    path: ContentPath,
    /// What describes the file.
    ini: ContentPath,
    /// Its length, where a listing tells.
    len: Option<u64>,
}

impl Library {
    /// The library whose `PkgLib`, `DataLib` and `FileLib` are at the root of `transport`. Asks for
    /// nothing yet.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, spans: OnceLock::new(), has_data_lib: OnceLock::new() }
    }

    fn malformed(&self, path: &ContentPath, what: impl ToString) -> ContentError {
        ContentError::malformed(self.describe(), path, what)
    }

    fn package_ini(
        &self,
        path: &ContentPath,
        patience: &Patience<'_>,
    ) -> Result<PackageIni, ContentError> {
        let bytes = patience.ask(|| self.transport.read(path, PACKAGE_INI_LIMIT))??;
        PackageIni::parse(&bytes).map_err(|e| self.malformed(path, e))
    }

    /// The package hash that is declared, or why it is not known. That is not an error here: whether
    /// the package can be used without it is for the caller to say.
    fn declared_hash(
        &self,
        path: &ContentPath,
        patience: &Patience<'_>,
    ) -> Result<Declared, ContentError> {
        match patience.ask(|| self.transport.read(path, DATA_INI_LIMIT))? {
            Ok(bytes) => Ok(match ContentIni::parse(&bytes) {
                Ok(ini) => Declared::Hash(ini.hash),
                Err(error) => Declared::Damaged(format!("{path}: {error}")),
            }),
            Err(error) if is_absent(&error) || self.may_lack_inis(&error) => {
                Ok(Declared::Nowhere(format!("{path}: {}", error.kind())))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an INI in `DataLib` cannot be read because a web server does not show them. Not
    /// confirmed: whether one shows them to everybody who may read the content.
    fn may_lack_inis(&self, error: &AccessError) -> bool {
        self.transport.names_by() == NamesBy::Content && is_refusal(error)
    }

    /// The names of a content's files; `None` when it is not there.
    fn names(
        &self,
        content_id: &ContentPath,
        known: bool,
        patience: &Patience<'_>,
    ) -> Result<Option<Names>, ContentError> {
        match self.transport.names_by() {
            NamesBy::DataLib => self.names_in_data_lib(content_id, patience),
            NamesBy::Content => self.names_in_content(content_id, known, patience),
        }
    }

    fn names_in_data_lib(
        &self,
        content_id: &ContentPath,
        patience: &Patience<'_>,
    ) -> Result<Option<Names>, ContentError> {
        let root = data_lib().join_path(content_id);
        let entries = match patience.ask(|| self.transport.list(&root))? {
            Err(error) if is_absent(&error) => return Ok(None),
            entries => entries?,
        };
        let walked = walk(&*self.transport, &root, entries, patience)?;
        let mut names = Names { files: Vec::new(), folders: walked.folders, warnings: Vec::new() };
        for WalkedFile { path: ini, .. } in walked.files {
            match without_ini(ini.as_str()) {
                Some("") => return Err(self.malformed(&root.join_path(&ini), "names no file")),
                Some(path) => {
                    let path = ContentPath::new(path)
                        .map_err(|e| self.malformed(&root.join_path(&ini), e))?;
                    names.files.push(Named { path, ini: root.join_path(&ini), len: None });
                }
                None => names.warnings.push(format!("{root}/{ini} is no INI; passed over")),
            }
        }
        Ok(Some(names))
    }

    /// `known`: whether the content has an INI, so that it must be there.
    fn names_in_content(
        &self,
        content_id: &ContentPath,
        known: bool,
        patience: &Patience<'_>,
    ) -> Result<Option<Names>, ContentError> {
        let of_data_lib = data_lib().join_path(content_id);
        let named = |path: ContentPath, len| {
            let ini = ContentPath::new(&format!("{of_data_lib}/{path}.INI"))
                .map_err(|error| self.malformed(content_id, error))?;
            Ok::<_, ContentError>(Named { path, ini, len })
        };
        let (refused, there) = match patience.ask(|| self.transport.list(content_id))? {
            Ok(entries) => match walk(&*self.transport, content_id, entries, patience) {
                Ok(Walked { files, folders }) => {
                    let files = files.into_iter().map(|file| named(file.path, file.len));
                    let files = files.collect::<Result<_, _>>()?;
                    return Ok(Some(Names { files, folders, warnings: Vec::new() }));
                }
                // Web servers hide some folders, such as `bin`.
                Err(ContentError::Access(error)) if is_refusal(&error) => (error, true),
                Err(error) => return Err(error),
            },
            Err(error) if is_refusal(&error) => {
                let there = known || !is_absent(&error);
                (error, there)
            }
            Err(error) => return Err(error.into()),
        };
        match patience.ask(|| self.transport.signature_names(content_id.as_str()))? {
            Ok(mut files) => {
                files.retain(|path| !path.is_root());
                let folders = folders_of(content_id, &files)
                    .map_err(|what| self.malformed(content_id, what))?;
                let warning = format!(
                    "{content_id} cannot be listed ({}); the names of its files are those in its \
                     signature, which does not tell of empty folders",
                    refused.kind()
                );
                let files = files.into_iter().map(|path| named(path, None));
                let files = files.collect::<Result<_, _>>()?;
                Ok(Some(Names { files, folders, warnings: vec![warning] }))
            }
            Err(error) if !is_absent(&error) => Err(error.into()),
            Err(_) if there => Err(refused.into()),
            Err(_) => Ok(None),
        }
    }

    fn file(
        &self,
        id: &PackageId,
        content_id: &ContentPath,
        named: Named,
        patience: &Patience<'_>,
    ) -> Result<PackageFile, ContentError> {
        let Named { path, ini, len } = named;
        let bytes =
            patience.ask(|| self.transport.read(&ini, DATA_INI_LIMIT))?.map_err(|error| {
                if self.may_lack_inis(&error) {
                    ContentError::Unverifiable {
                        location: self.describe(),
                        content_id: content_id.to_string(),
                        source: Box::new(error),
                    }
                } else {
                    error.into()
                }
            })?;
        let FileIni { size, hash, modified, attributes, .. } =
            FileIni::parse(&bytes).map_err(|e| self.malformed(&ini, e))?;
        let id = FileId {
            package_id: id.id().to_owned(),
            content_id: content_id.to_string(),
            path,
            len: size,
            digest: Some(hash),
        };
        let listed_len = len.filter(|len| *len != size);
        Ok(PackageFile { id, listed_len, modified, attributes })
    }

    /// The package, if this content of it is there.
    fn content(
        &self,
        id: &PackageId,
        content_id: &str,
        version: Option<u64>,
        patience: &Patience<'_>,
    ) -> Result<Option<Package>, ContentError> {
        // The id was taken as one name when the package's INI was read.
        let content_id = ContentPath::known(content_id);
        let root = data_lib().join_path(&content_id);
        let ini = ContentPath::new(&format!("{root}.INI")).map_err(|e| self.malformed(&root, e))?;
        let declared = self.declared_hash(&ini, patience)?;
        let known = !matches!(declared, Declared::Nowhere(_));
        let Some(names) = self.names(&content_id, known, patience)? else { return Ok(None) };
        let Names { files, mut folders, mut warnings } = names;
        refuse_same_names(
            self.describe(),
            &root,
            files.iter().map(|file| &file.path).chain(&folders),
        )?;
        let mut files = gather(files, |file| self.file(id, &content_id, file, patience))?;
        files.sort_by(|a, b| a.id.path.cmp(&b.id.path));
        folders.sort();
        let (declared_hash, hash_trouble) = match declared {
            Declared::Hash(hash) => (Some(hash), None),
            Declared::Damaged(why) => (None, Some(why)),
            Declared::Nowhere(why) => {
                warnings.push(why);
                (None, None)
            }
        };
        let id = version
            .and_then(|version| PackageId::new(&format!("{}.{version}", id.id())).ok())
            .unwrap_or_else(|| id.clone());
        let content_id = content_id.to_string();
        let mut package = Package {
            id,
            content_id,
            files,
            folders,
            declared_hash,
            hash_trouble,
            computed_hash: None,
            warnings,
        };
        package.computed_hash = package.hash_from(|file| file.digest);
        Ok(Some(package))
    }

    fn spans(&self) -> &[Span] {
        self.spans.get_or_init(|| {
            let spans = self.transport.spans().into_iter();
            spans.map(|transport| Span { transport, absent: AtomicBool::new(false) }).collect()
        })
    }

    /// Opens a stored file on the further drives; `missing` is what the first one said.
    fn open_on_span(
        &self,
        path: &ContentPath,
        range: &Range<u64>,
        len: u64,
        missing: AccessError,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let mut trouble = None;
        for span in self.spans().iter().filter(|span| !span.absent.load(Ordering::Relaxed)) {
            match span.transport.open(path, range.clone(), len) {
                Ok(reader) => return Ok(reader),
                Err(error) if *error.kind() == AccessKind::NoShare => {
                    span.absent.store(true, Ordering::Relaxed);
                }
                Err(error) if is_absent(&error) => {}
                // It may have it, and the others take as long to say nothing.
                Err(error) if error.is_transient() => return Err(error),
                // Another drive may have it; only if none has does this matter.
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        Err(trouble.unwrap_or(missing))
    }

    /// A package by its INI. One that is broken must not hide the others.
    fn listed(
        &self,
        folder: &ContentPath,
        id: String,
        ini: &str,
        patience: &Patience<'_>,
    ) -> Result<Listed, ContentError> {
        let contents = match self.listed_contents(folder, &id, ini, patience) {
            Err(ContentError::Access(error)) if !is_refusal(&error) => return Err(error.into()),
            Err(ContentError::Cancelled) => return Err(ContentError::Cancelled),
            contents => contents,
        };
        let (content_ids, trouble) = match contents {
            Ok(contents) => (contents.ids(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Ok(Listed { id, content_ids, trouble })
    }

    fn listed_contents(
        &self,
        folder: &ContentPath,
        id: &str,
        ini: &str,
        patience: &Patience<'_>,
    ) -> Result<Contents, ContentError> {
        if let Some(what) = no_unicode(ini) {
            return Err(self.malformed(folder, what));
        }
        let path = folder.join(ini).map_err(|e| self.malformed(folder, e))?;
        let ini = self.package_ini(&path, patience)?;
        Contents::new(id, &ini).map_err(|what| self.malformed(&path, what))
    }

    /// The packages by the names in `DataLib`, where `PkgLib` cannot be listed.
    fn packages_in_data_lib(
        &self,
        patience: &Patience<'_>,
    ) -> Result<Result<Vec<Listed>, AccessError>, ContentError> {
        let mut packages = BTreeMap::<String, Vec<(Option<u64>, String)>>::new();
        let entries = match patience.ask(|| self.transport.list(&data_lib()))? {
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error)),
        };
        for entry in entries.into_iter().filter(|e| e.is_folder) {
            let (base, version) = content_parts(&entry.name);
            packages.entry(base.to_owned()).or_default().push((version, entry.name));
        }
        let listed = packages.into_iter().map(|(id, mut contents)| {
            contents.sort_by(|a, b| b.cmp(a));
            let content_ids = contents.into_iter().map(|(_, content_id)| content_id).collect();
            Listed { id, content_ids, trouble: None }
        });
        Ok(Ok(listed.collect()))
    }

    /// The contents of a package whose INI a web server does not show, by the folders in `DataLib`.
    /// The page of a package id would tell too, for packages of the older kinds alone.
    fn contents_without_ini(
        &self,
        id: &PackageId,
        path: &ContentPath,
        refused: AccessError,
        patience: &Patience<'_>,
    ) -> Result<Contents, ContentError> {
        let listed = match self.packages_in_data_lib(patience)? {
            Err(error) if error.is_transient() => return Err(error.into()),
            listed => listed.unwrap_or_default(),
        };
        let of_package = listed.into_iter().find(|listed| listed.id.eq_ignore_ascii_case(id.id()));
        let Some(Listed { content_ids, .. }) = of_package else { return Err(refused.into()) };
        let ini = PackageIni { content_ids, version: None };
        let contents = Contents::new(id.id(), &ini).map_err(|what| self.malformed(path, what))?;
        Ok(contents.with_oddity(format!(
            "cannot be read ({}); the content is the newest that DataLib lists",
            refused.kind()
        )))
    }

    /// Whether `DataLib` is shown; a web server that is no distribution point has none, and whatever
    /// it is asked for is not there.
    fn has_data_lib(&self, patience: &Patience<'_>) -> Result<bool, ContentError> {
        if self.transport.names_by() != NamesBy::Content {
            return Ok(true);
        }
        if let Some(&has) = self.has_data_lib.get() {
            return Ok(has);
        }
        let has = match patience.ask(|| self.transport.list(&data_lib()))? {
            Err(error) if error.is_transient() => return Ok(true),
            answer => !answer.is_err_and(|error| is_absent(&error)),
        };
        Ok(*self.has_data_lib.get_or_init(|| has))
    }

    fn no_library(&self) -> ContentError {
        ContentError::NoLibrary { location: self.describe() }
    }
}

/// The folders that files are in.
///
/// # Errors
/// What there is too much of: a long path can be in a thousand folders.
fn folders_of(root: &ContentPath, files: &[ContentPath]) -> Result<Vec<ContentPath>, String> {
    let mut budget = Budget::default();
    let mut folders = BTreeSet::new();
    for file in files {
        budget.take(root, file)?;
        for folder in file.ancestors() {
            // With it are those that it is in.
            if folders.contains(&folder) {
                break;
            }
            budget.take(root, &folder)?;
            folders.insert(folder);
        }
    }
    Ok(folders.into_iter().collect())
}

impl Location for Library {
    fn describe(&self) -> String {
        self.transport.describe()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        self.packages_with(&Patience::none())
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        self.package_with(id, &Patience::none())
    }

    fn packages_with(&self, patience: &Patience<'_>) -> Result<Vec<Listed>, ContentError> {
        let folder = ContentPath::known("PkgLib");
        let entries = match patience.ask(|| self.transport.list(&folder))? {
            Err(refused) if is_refusal(&refused) => {
                return self.packages_in_data_lib(patience)?.map_err(|second| {
                    let web = self.transport.names_by() == NamesBy::Content;
                    let nothing = web && is_absent(&refused) && is_absent(&second);
                    if nothing { self.no_library() } else { refused.into() }
                });
            }
            entries => entries?,
        };
        // A web server that says yes to everything shows empty pages of it.
        if entries.is_empty()
            && self.transport.names_by() == NamesBy::Content
            && patience.ask(|| self.transport.list(&data_lib()))??.is_empty()
        {
            return Err(self.no_library());
        }
        let inis = entries.into_iter().filter(|entry| !entry.is_folder);
        let inis: Vec<_> = inis
            .filter_map(|entry| {
                without_ini(&entry.name).map(|id| (id.to_owned(), entry.name.clone()))
            })
            .collect();
        let mut listed = gather(inis, |(id, name)| self.listed(&folder, id, &name, patience))?;
        listed.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(listed)
    }

    fn package_with(
        &self,
        id: &PackageId,
        patience: &Patience<'_>,
    ) -> Result<Package, ContentError> {
        let path = ContentPath::known(format!("PkgLib/{}.INI", id.id()));
        let missing = |versions| ContentError::Missing {
            location: self.describe(),
            id: id.clone(),
            versions,
        };
        let contents = match self.package_ini(&path, patience) {
            Err(ContentError::Access(error)) if is_absent(&error) => {
                let there = self.has_data_lib(patience)?;
                return Err(if there { missing(vec![]) } else { self.no_library() });
            }
            Err(ContentError::Access(error)) if self.may_lack_inis(&error) => {
                self.contents_without_ini(id, &path, error, patience)?
            }
            ini => Contents::new(id.id(), &ini?).map_err(|what| self.malformed(&path, what))?,
        };
        let of_version = contents.of_version(id.version());
        let usable = of_version.map_err(|what| ContentError::Unusable {
            location: self.describe(),
            id: id.clone(),
            what,
        })?;
        if usable.is_empty() {
            return Err(missing(contents.ids()));
        }
        let mut warnings: Vec<_> =
            contents.oddities().iter().map(|what| format!("{path} {what}")).collect();
        for content in &usable {
            if let Some(mut package) = self.content(id, &content.id, content.version, patience)? {
                warnings.append(&mut package.warnings);
                package.warnings = warnings;
                return Ok(package);
            }
            warnings.push(format!(
                "{path} lists {}, which is not in DataLib: a stale entry; redistribute the content",
                content.id
            ));
        }
        let what = format!("lists {}, which DataLib does not have", some_of(&usable));
        Err(self.malformed(&path, what))
    }

    /// A share or folder is asked for the stored file, on all its drives. A web server has listed it
    /// by name, and is asked for its first byte where that is wanted.
    fn check(&self, file: &FileId, thoroughly: bool) -> Result<(), AccessError> {
        let range = match (self.transport.names_by(), thoroughly) {
            (NamesBy::Content, false) => return Ok(()),
            (NamesBy::Content, true) => 0..file.len.min(1),
            _ => 0..0,
        };
        let mut byte = self.open(file, range)?;
        let read = io::copy(&mut byte, &mut io::sink());
        read.map(drop).map_err(|error| AccessError::of_io(file.path.as_str(), &error))
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let Some(digest) = file.digest else {
            // Listed by a place that does not know hashes; what has the same name here may differ.
            let what = format!("{}/{} at {}", file.content_id, file.path, self.describe());
            return Err(AccessError::new(what, AccessKind::NotFound));
        };
        let hash = digest.to_string().to_ascii_uppercase();
        let start: String = hash.chars().take(4).collect();
        let stored = ContentPath::known(format!("FileLib/{start}/{hash}"));
        let mut missing = None;
        if self.transport.names_by() == NamesBy::Content {
            // First, for it is the way that clients go; FileLib may lack files of further drives.
            if let Ok(folder) = ContentPath::ROOT.join(&file.content_id) {
                match self.transport.open(&folder.join_path(&file.path), range.clone(), file.len) {
                    Err(error) if is_absent(&error) => missing = Some(error),
                    result => return result,
                }
            }
        }
        match self.transport.open(&stored, range.clone(), file.len) {
            Err(error) if is_absent(&error) => {
                self.open_on_span(&stored, &range, file.len, missing.unwrap_or(error))
            }
            result => result,
        }
    }
}

fn data_lib() -> ContentPath {
    ContentPath::known("DataLib")
}

/// Takes one `.INI` off, in whatever case: `setup.ini.INI` describes `setup.ini`.
fn without_ini(name: &str) -> Option<&str> {
    let (stem, extension) = name.split_at_checked(name.len().checked_sub(4)?)?;
    extension.eq_ignore_ascii_case(".INI").then_some(stem)
}

fn is_absent(error: &AccessError) -> bool {
    *error.kind() == AccessKind::NotFound
}

/// Whether an answer is final and of this one thing, so that another way to the same end is worth
/// trying.
fn is_refusal(error: &AccessError) -> bool {
    match error.kind() {
        AccessKind::NotFound
        | AccessKind::Denied(_)
        | AccessKind::Malformed(_)
        | AccessKind::Redirected { .. } => true,
        AccessKind::Server { transient, .. } => !transient,
        _ => false,
    }
}
