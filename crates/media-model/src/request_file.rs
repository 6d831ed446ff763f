//! Request files: TOML whose keys are the long options.

mod read;
mod suggest;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::checked::CheckedRequest;
use crate::content::ContentLocation;
use crate::option::{RequestOption, Slot};
use crate::package::PackageId;
use crate::path::is_of_windows;
use crate::problem::{Problem, ProblemKind};
use crate::request::CaptureMediaRequest;
use crate::text::shown;

use text::Text;

/// What a request file says, and everything that is wrong with it.
///
/// The file is TOML: `version = 1`, and the long options as keys. Switches are `true` or `false`, what
/// may be repeated is an array, `boot-index` is a number, and all else is text. An unknown key is a
/// mistake. Reading stops at no mistake: [`check`](Self::check) tells those of the file together with
/// those of the values that could be read.
///
/// ```
/// use media_model::RequestFile;
///
/// let file = RequestFile::read("media.toml", b"version = 1\nboot-image = 'boot.wim'\nlable = 'Lab'\n");
/// let problems = file.check().unwrap_err();
/// assert_eq!(
///     problems[0].to_string(),
///     "media.toml:3:1: lable is no key of a request file; did you mean label?"
/// );
/// assert_eq!(problems[1].to_string(), "--media-type: it is required; give one of: cd-dvd, usb, hybrid");
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequestFile {
    name: String,
    text: Text,
    request: CaptureMediaRequest,
    /// Mistakes of the file, each with its byte.
    found: Vec<(usize, Problem)>,
    /// Mistakes of what overrides the file.
    given: Vec<Problem>,
    /// The bytes where the values of each option stand, one for each element of a list.
    places: BTreeMap<&'static str, Vec<usize>>,
    /// The boot image as the file has it, where it is a package id if there are distribution points.
    boot_image: Option<PathBuf>,
    /// Options that the file names, but with nothing that could be read.
    unread: Vec<&'static str>,
}

impl RequestFile {
    /// Longest file that is read, in bytes: room for ten thousand `add`.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Most problems that [`check`](Self::check) lists; of the others it tells the number.
    pub const LISTED: usize = 100;

    /// Reads the bytes of a file; `name` is what problems call it.
    #[must_use]
    pub fn read(name: impl Into<String>, bytes: &[u8]) -> Self {
        let mut file = Self { name: name.into(), ..Self::default() };
        read::read(&mut file, bytes);
        file
    }

    /// The request, as far as it could be read; not checked.
    pub fn request(&self) -> &CaptureMediaRequest {
        &self.request
    }

    /// Takes relative paths as relative to `folder`, the host paths of `add` and the folders of
    /// `distribution-point` too. `-`, standard output, stays, and so does a boot image that is a
    /// package.
    #[must_use]
    pub fn relative_to(mut self, folder: &Path) -> Self {
        if folder.as_os_str().is_empty() {
            return self;
        }
        let boot_image = self.request.boot_image.clone();
        let is_id = boot_image.as_deref().and_then(Path::to_str).map(PackageId::new);
        let mut refused = Vec::new();
        for (option, slot) in self.request.options_mut() {
            match slot {
                Slot::Path(Some(path)) if is_relative(path) => *path = folder.join(&*path),
                Slot::Paths(paths) => {
                    for path in paths.iter_mut().filter(|path| is_relative(path)) {
                        *path = folder.join(&*path);
                    }
                }
                Slot::List(list) if option.name() == "add" => {
                    for (item, add) in list.iter_mut().enumerate() {
                        let problem = make_relative_to(folder, add);
                        refused.extend(problem.map(|problem| ("add", item, problem)));
                    }
                }
                Slot::List(list) if option.name() == "distribution-point" => {
                    for (item, location) in list.iter_mut().enumerate() {
                        let problem = make_location_relative_to(folder, location);
                        refused
                            .extend(problem.map(|problem| ("distribution-point", item, problem)));
                    }
                }
                _ => {}
            }
        }
        for (option, item, problem) in refused {
            let at = self.place_of(option, Some(item)).unwrap_or_default();
            self.found.push((at, problem));
        }
        self.boot_image = boot_image.filter(|_| matches!(is_id, Some(Ok(_))));
        self.keep_package();
        self
    }

    /// Lets `set` change each option, as a command line does that overrides the file. An option for
    /// which `set` says that it did, or tells why it could not, is no longer the file's: what was
    /// read of it is forgotten, but not a mistake in how it is written there.
    #[must_use]
    pub fn overridden(
        mut self,
        mut set: impl FnMut(&RequestOption, Slot<'_>) -> Result<bool, Problem>,
    ) -> Self {
        let mut given = Vec::new();
        let mut unread = Vec::new();
        for (option, slot) in self.request.options_mut() {
            match set(&option, slot) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(problem) => {
                    self.given.push(problem);
                    unread.push(option.name());
                }
            }
            given.push(option.name());
        }
        self.places.retain(|name, _| !given.contains(name));
        self.unread.retain(|name| !given.contains(name));
        self.unread.extend(unread);
        if given.contains(&"boot-image") {
            self.boot_image = None;
        }
        self.keep_package();
        self
    }

    /// Whether a boot image is a path is known when the distribution points are.
    fn keep_package(&mut self) {
        if !self.request.distribution_point.is_empty()
            && let Some(id) = &self.boot_image
        {
            self.request.boot_image = Some(id.clone());
        }
    }

    /// Sets the time to which later times are set back; see
    /// [`CaptureMediaRequest::source_date_epoch`].
    #[must_use]
    pub fn with_source_date_epoch(mut self, seconds: Option<i64>) -> Self {
        self.request.source_date_epoch = seconds;
        self
    }

    /// The request, where nothing is wrong with the file itself; what its values are worth is not looked
    /// at.
    ///
    /// # Errors
    ///
    /// All mistakes of the file, never an empty list, by their places.
    pub fn well_formed(&self) -> Result<&CaptureMediaRequest, Vec<Problem>> {
        match self.found.is_empty() && self.given.is_empty() {
            true => Ok(&self.request),
            false => Err(self.placed(self.found.clone(), self.given.clone())),
        }
    }

    /// All that is wrong with the file, and all that [`CaptureMediaRequest::check`] finds in what could
    /// be read.
    ///
    /// # Errors
    ///
    /// All problems, never an empty list: first those with a place in the file, by their places. What
    /// only seems to be missing or wrong because a value could not be read is left out.
    pub fn check(&self) -> Result<CheckedRequest, Vec<Problem>> {
        let checked = self.request.check();
        if self.found.is_empty() && self.given.is_empty() {
            return checked.map_err(|found| self.placed(Vec::new(), found));
        }
        let others = self.given.iter().cloned().chain(self.of_readable_values()).collect();
        Err(self.placed(self.found.clone(), others))
    }

    /// What [`CaptureMediaRequest::check`] finds whatever the unread values are.
    fn of_readable_values(&self) -> Vec<Problem> {
        let [off, on] = [false, true].map(|unread_flag| {
            let mut request = self.request.clone();
            for (option, slot) in request.options_mut() {
                if !self.unread.contains(&option.name()) {
                    continue;
                }
                match slot {
                    Slot::Flag(flag) => *flag = unread_flag,
                    // Something is there, and what it is will be told as unread.
                    Slot::Text(text) => *text = Some(UNREAD.to_owned()),
                    Slot::Path(path) => *path = Some(PathBuf::from(UNREAD)),
                    Slot::Paths(paths) => *paths = vec![PathBuf::from(UNREAD)],
                    Slot::Number(_) | Slot::List(_) => {}
                }
            }
            request.check().err().unwrap_or_default()
        });
        let certain = off.into_iter().filter(|problem| on.contains(problem));
        certain.filter(|problem| !self.unread.contains(&problem.option())).collect()
    }

    fn place_of(&self, option: &str, item: Option<usize>) -> Option<usize> {
        let places = self.places.get(option)?;
        places.get(item.unwrap_or_default()).or_else(|| places.first()).copied()
    }

    fn placed(&self, mut with: Vec<(usize, Problem)>, others: Vec<Problem>) -> Vec<Problem> {
        let mut without = Vec::new();
        for problem in others {
            match self.place_of(problem.option(), problem.item()) {
                Some(at) => with.push((at, problem)),
                None => without.push(problem),
            }
        }
        with.sort_by_key(|(at, _)| *at);
        let total = with.len().saturating_add(without.len());
        let with = with
            .into_iter()
            .take(Self::LISTED)
            .map(|(at, problem)| problem.with_place(self.text.place(&self.name, at)));
        let mut problems: Vec<Problem> = with.chain(without).take(Self::LISTED).collect();
        if total > problems.len() {
            let what =
                format!("{} more problems are not listed", total.saturating_sub(Self::LISTED));
            let remedy = "mend those that are";
            problems.push(Problem::new(Problem::OF_FILE, ProblemKind::Malformed, what, remedy));
        }
        problems
    }
}

/// Stands for a value that could not be read; no path of anybody's, and no word.
const UNREAD: &str = "\u{fffd}";

/// A path of Windows is refused as it is on another system.
fn is_relative(path: &Path) -> bool {
    let is_name = !path.as_os_str().is_empty() && path.as_os_str() != "-";
    is_name && path.is_relative() && !is_of_windows(path)
}

/// What is no `HOST=MEDIA_PATH` stays as it is; `check` finds it.
fn make_relative_to(folder: &Path, add: &mut String) -> Option<Problem> {
    let (host, media) = add.rsplit_once('=')?;
    if host.is_empty() || !Path::new(host).is_relative() {
        return None;
    }
    let Some(host) = folder.join(host).to_str().map(|host| format!("{host}={media}")) else {
        return Some(not_unicode("add", folder));
    };
    *add = host;
    None
}

/// What is no location stays as it is; `check` finds it.
fn make_location_relative_to(folder: &Path, location: &mut String) -> Option<Problem> {
    let path = match ContentLocation::new(location) {
        Ok(ContentLocation::Folder(path)) if path.is_relative() => folder.join(path),
        _ => return None,
    };
    match path.to_str() {
        Some(path) => path.clone_into(location),
        None => return Some(not_unicode("distribution-point", folder)),
    }
    None
}

fn not_unicode(option: &'static str, folder: &Path) -> Problem {
    let folder = shown(&folder.to_string_lossy());
    let what = format!("it is relative to the folder {folder}, whose path is not Unicode");
    Problem::new(
        option,
        ProblemKind::Malformed,
        what,
        "give an absolute path, or rename the folder",
    )
}
