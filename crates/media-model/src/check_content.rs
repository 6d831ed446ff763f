//! What a request says of distribution points.

use std::path::{Path, PathBuf};

use crate::capacity::ImageSize;
use crate::check::Problems;
use crate::content::{
    AccountName, BootImageSource, ContentLocation, PackageHashCheck, PackageSpec,
};
use crate::error::Refusal as _;
use crate::package::PackageId;
use crate::problem::{Problem, ProblemKind};
use crate::request::CaptureMediaRequest;

/// Where packages come from, with nothing wrong that could be known without asking there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CheckedContent {
    locations: Vec<ContentLocation>,
    user: Option<AccountName>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    package_hash: PackageHashCheck,
    cache: Option<PathBuf>,
    cache_size: u64,
    bandwidth_limit: Option<u64>,
}

impl CheckedContent {
    /// What a cache may hold where nothing else is said, in bytes.
    pub const CACHE_SIZE: u64 = 20 << 30;

    /// The locations, the preferred one first; at least one.
    pub fn locations(&self) -> &[ContentLocation] {
        &self.locations
    }

    /// The account that reads.
    pub fn user(&self) -> Option<&AccountName> {
        self.user.as_ref()
    }

    /// A file whose only line is its password; `-` is standard input. Only with a
    /// [`user`](Self::user).
    pub fn password_file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }

    /// Certificate authorities that HTTPS trusts, in PEM; `None`: those of this machine.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The certificate and key that HTTPS shows, in PEM.
    pub fn client_certificate(&self) -> Option<&Path> {
        self.client_certificate.as_deref()
    }

    /// What a wrong package hash leads to.
    pub fn package_hash(&self) -> PackageHashCheck {
        self.package_hash
    }

    /// Every file of this machine that is read to reach content: password, authorities, certificate.
    pub fn read_paths(&self) -> impl Iterator<Item = &Path> {
        [self.password_file(), self.ca_file(), self.client_certificate()].into_iter().flatten()
    }

    /// The folder that keeps what was fetched.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// What that folder may hold, in bytes.
    pub fn cache_size(&self) -> u64 {
        self.cache_size
    }

    /// Bytes that may be fetched in a second; `None`: no limit.
    pub fn bandwidth_limit(&self) -> Option<u64> {
        self.bandwidth_limit
    }
}

impl CaptureMediaRequest {
    /// Checks the options about where content comes from, and these alone: for programs that list or
    /// fetch packages without making media.
    ///
    /// # Errors
    ///
    /// All problems, never an empty list.
    pub fn check_content(&self) -> Result<CheckedContent, Vec<Problem>> {
        let mut problems = Problems::default();
        let content = self.content(&mut problems);
        if self.distribution_point.is_empty() {
            problems.missing("distribution-point", GIVE_ONE.to_owned());
        }
        // Of the paths, those that are of content; the others are not set here or of no concern.
        Self {
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            client_certificate: self.client_certificate.clone(),
            cache: self.cache.clone(),
            ..Self::default()
        }
        .check_paths(&mut problems);
        match content {
            Some(content) if problems.found.is_empty() => Ok(content),
            _ => Err(problems.found),
        }
    }

    /// What `boot-image` names: a package where it has the form of an id and there are locations.
    pub(crate) fn boot_image_source(&self, problems: &mut Problems) -> Option<BootImageSource> {
        let id = self.boot_image.as_deref().and_then(Path::to_str).map(PackageId::new);
        match id {
            Some(Ok(id)) if !self.distribution_point.is_empty() => {
                Some(BootImageSource::Package(id))
            }
            _ => {
                let path = problems.boot_image(self.boot_image.as_deref())?;
                Some(BootImageSource::File(path.to_owned()))
            }
        }
    }

    /// `None` where no location can be read.
    pub(crate) fn content(&self, problems: &mut Problems) -> Option<CheckedContent> {
        let locations: Vec<(usize, ContentLocation)> =
            problems.parse_all("distribution-point", &self.distribution_point);
        for (at, (item, location)) in locations.iter().enumerate() {
            if locations.iter().take(at).any(|(_, other)| other == location) {
                problems.item = Some(*item);
                let what = format!("{location} is given more than once");
                problems.push("distribution-point", ProblemKind::Conflict, what, "give it once");
            }
        }
        problems.item = None;
        let user = problems.parse("user", self.user.as_deref());
        let package_hash = problems.parse("package-hash", self.package_hash.as_deref());
        let cache_size: Option<ImageSize> =
            problems.parse("cache-size", self.cache_size.as_deref());
        let bandwidth_limit: Option<ImageSize> =
            problems.parse("bandwidth-limit", self.bandwidth_limit.as_deref());
        if self.distribution_point.is_empty() {
            self.without_locations(problems);
        }
        let rows = [
            (
                "password-file",
                self.password_file.is_some() && self.user.is_none(),
                "user",
                "there is a password and no account that it belongs to",
            ),
            (
                "cache-size",
                self.cache_size.is_some() && self.cache.is_none(),
                "cache",
                "there is no cache",
            ),
        ];
        for (option, alone, other, what) in rows {
            if alone {
                let remedy = format!("give --{other} too, or leave it out");
                problems.push(option, ProblemKind::Conflict, what, remedy);
            }
        }
        (!locations.is_empty()).then(|| CheckedContent {
            locations: locations.into_iter().map(|(_, location)| location).collect(),
            user,
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            client_certificate: self.client_certificate.clone(),
            package_hash: package_hash.unwrap_or_default(),
            cache: self.cache.clone(),
            cache_size: cache_size.map_or(CheckedContent::CACHE_SIZE, ImageSize::bytes),
            bandwidth_limit: bandwidth_limit.map(ImageSize::bytes),
        })
    }

    /// Options that say how to reach locations, and there are none.
    fn without_locations(&self, problems: &mut Problems) {
        let rows = [
            ("user", self.user.is_some()),
            ("password-file", self.password_file.is_some()),
            ("ca-file", self.ca_file.is_some()),
            ("client-certificate", self.client_certificate.is_some()),
            ("package-hash", self.package_hash.is_some()),
            ("cache", self.cache.is_some()),
            ("cache-size", self.cache_size.is_some()),
            ("bandwidth-limit", self.bandwidth_limit.is_some()),
        ];
        for (option, given) in rows {
            if given {
                let what = "there is no distribution point that it is for";
                let remedy = "leave it out, or give --distribution-point";
                problems.push(option, ProblemKind::NotApplicable, what, remedy);
            }
        }
    }

    /// Packages that go onto the media besides the boot image.
    pub(crate) fn packages(
        &self,
        boot_image: Option<&BootImageSource>,
        problems: &mut Problems,
    ) -> Vec<PackageSpec> {
        let packages: Vec<(usize, PackageSpec)> = problems.parse_all("package", &self.package);
        for (at, (item, package)) in packages.iter().enumerate() {
            problems.item = Some(*item);
            let again = packages.iter().take(at).any(|(_, other)| {
                (other.id(), other.media().folded()) == (package.id(), package.media().folded())
            });
            if again {
                let what = format!("{package} is given more than once");
                problems.push("package", ProblemKind::Conflict, what, "give it once");
            }
            if let Some(name) = package.media().reserved_component() {
                let media = package.media();
                let what = format!("{name} in {media} is a device name that Windows will not open");
                problems.push(
                    "package",
                    ProblemKind::Reserved,
                    what,
                    "give the folder another name",
                );
            }
        }
        problems.item = None;
        if self.distribution_point.is_empty() {
            if !self.package.is_empty() {
                let what = "there is no distribution point that packages could come from";
                problems.push("package", ProblemKind::Missing, what, GIVE_ONE);
            }
        } else if self.package.is_empty() && matches!(boot_image, Some(BootImageSource::File(_))) {
            if let Some(what) = self.boot_image.as_deref().and_then(mistyped_id) {
                let remedy = "give --boot-image a package id such as PS100005, or ./ before the name \
                              of a file";
                problems.push("boot-image", ProblemKind::Malformed, what, remedy);
            } else {
                let what = "nothing is fetched from a distribution point: the boot image is a file";
                let remedy = "give --boot-image a package id such as PS100005 or name a --package, \
                              or leave it out";
                problems.push("distribution-point", ProblemKind::NotApplicable, what, remedy);
            }
        }
        packages.into_iter().map(|(_, package)| package).collect()
    }
}

/// What is wrong with the name of a file that looks like a package id and is none.
fn mistyped_id(boot_image: &Path) -> Option<String> {
    let text = boot_image.to_str()?;
    let (id, version) = text.split_once('.').unwrap_or((text, ""));
    let looks_like_one = (6..=10).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric())
        && id.bytes().any(|b| b.is_ascii_digit())
        && version.bytes().all(|b| b.is_ascii_digit());
    let error = PackageId::new(text).err().filter(|_| looks_like_one)?;
    Some(format!("{text} is read as a file, and as a package id it is wrong: {}", error.what()))
}

const GIVE_ONE: &str =
    r"give --distribution-point with http://dp, \\dp or the folder of a content library";
