//! From a request to a checked request: all problems that can be known from the request alone.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::capacity::{ImageSize, MediaSize};
use crate::error::Refusal;
use crate::label::MediaLabel;
use crate::path::{AddSpec, MediaPath};
use crate::problem::{Problem, ProblemKind};
use crate::request::CaptureMediaRequest;
use crate::target::{BootPrompt, FileSystem, MediaType, Output, names_a_file};
use crate::text::shown;

/// The smallest USB image anything fits into, in bytes.
///
/// FAT32 has at least 65,525 clusters; we keep 16 away from that border: 65,541 (fat-format, section
/// 3). With the smallest cluster, one sector of 512 bytes:
///
/// ```text
/// sectors of one FAT   (65,541 + 2) entries x 4 bytes / 512, rounded up     513
/// sectors of volume    32 reserved + 2 x 513 + 65,541                    66,599
/// sectors of image     2,048 before the partition + 66,599               68,647
/// ```
const SMALLEST_USB_IMAGE: u64 = 68_647 * 512;

/// The largest USB image, in bytes: sector numbers of an MBR, and the sector count of FAT32, have 32
/// bits.
const LARGEST_USB_IMAGE: u64 = (1 << 32) * 512;

/// Files that `capmedia` makes on every medium, folded. [`is_own_file`] knows the others.
const OWN_FILES: [&str; 9] = [
    "BOOTMGR",
    "BOOTMGR.EFI",
    r"BOOT\BCD",
    r"BOOT\BOOT.SDI",
    r"EFI\MICROSOFT\BOOT\BCD",
    r"SOURCES\BOOT.WIM",
    "MEDIALABEL.TXT",
    "MEDIA.JSON",
    "SHA256SUMS",
];

/// Whether `capmedia` itself makes the file at `path`, or `path` lies below one it makes; case does
/// not matter. `autorun.inf` counts when it is asked for. `\EFI\Boot\boot*.efi` is ours whatever the
/// architecture: firmware starts these by name.
pub fn is_own_file(path: &MediaPath, include_autorun: bool) -> bool {
    let folded = path.folded();
    let is_or_below = |own: &&str| match folded.strip_prefix(*own) {
        Some(rest) => rest.is_empty() || rest.starts_with('\\'),
        None => false,
    };
    let is_boot_manager = folded
        .strip_prefix(r"EFI\BOOT\BOOT")
        .and_then(|rest| rest.split('\\').next())
        .is_some_and(|name| name.ends_with(".EFI"));
    OWN_FILES.iter().any(is_or_below)
        || is_boot_manager
        || (include_autorun && is_or_below(&"AUTORUN.INF"))
}

/// A request with nothing wrong that could be known without looking at the machine. Only
/// [`CaptureMediaRequest::check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CheckedRequest {
    boot_image: PathBuf,
    media_type: MediaType,
    output: Output,
    label: MediaLabel,
    include_autorun: bool,
    media_size: MediaSize,
    split_files: bool,
    file_system: FileSystem,
    boot_prompt: BootPrompt,
    image_size: Option<ImageSize>,
    boot_files: Option<PathBuf>,
    add: Vec<AddSpec>,
    checksum: bool,
    force: bool,
    source_date_epoch: Option<i64>,
}

impl CheckedRequest {
    /// The path of the boot image.
    pub fn boot_image(&self) -> &Path {
        &self.boot_image
    }

    /// The kind of media.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// Where the image goes.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The media label.
    pub fn label(&self) -> &MediaLabel {
        &self.label
    }

    /// Whether the media has an `autorun.inf`.
    pub fn include_autorun(&self) -> bool {
        self.include_autorun
    }

    /// The size of one disc; no limit for USB.
    pub fn media_size(&self) -> MediaSize {
        self.media_size
    }

    /// Whether a file larger than a disc may be cut into numbered parts.
    pub fn split_files(&self) -> bool {
        self.split_files
    }

    /// The file systems of a disc; of no meaning for USB.
    pub fn file_system(&self) -> FileSystem {
        self.file_system
    }

    /// Whether a disc asks for a key before it starts; of no meaning for USB.
    pub fn boot_prompt(&self) -> BootPrompt {
        self.boot_prompt
    }

    /// The size of the USB image; `None`: as small as the content allows.
    pub fn image_size(&self) -> Option<ImageSize> {
        self.image_size
    }

    /// A folder where boot files are looked for before the boot image.
    pub fn boot_files(&self) -> Option<&Path> {
        self.boot_files.as_deref()
    }

    /// What goes onto the media besides, in the order given.
    pub fn add(&self) -> &[AddSpec] {
        &self.add
    }

    /// Whether `OUT.sha256` is written; never with standard output.
    pub fn checksum(&self) -> bool {
        self.checksum
    }

    /// Whether an existing output file is replaced.
    pub fn force(&self) -> bool {
        self.force
    }

    /// Seconds since 1970-01-01 UTC to which later times are set back.
    pub fn source_date_epoch(&self) -> Option<i64> {
        self.source_date_epoch
    }
}

impl CaptureMediaRequest {
    /// Reads every value and tests what they say together.
    ///
    /// What needs the machine is not looked at: whether files exist, which `--add` are folders
    /// (two folders may share a media path, two files may not), whether two different paths are
    /// one file, whether the content fits.
    ///
    /// # Errors
    ///
    /// All problems, never an empty list, first those of single values in the order of the
    /// options, then those of values together.
    pub fn check(&self) -> Result<CheckedRequest, Vec<Problem>> {
        let mut problems = Problems(Vec::new());

        let boot_image = problems.boot_image(self.boot_image.as_deref());
        let media_type = problems.parse::<MediaType>("media-type", self.media_type.as_deref());
        if self.media_type.is_none() {
            problems.missing("media-type", format!("give one of: {}", MediaType::ALL.join(", ")));
        }
        let output = match &self.path {
            Some(path) => Output::new(path).map_err(|e| problems.refused("path", &e)).ok(),
            None => {
                let remedy = "give the path of the image file to make, or - for standard output";
                problems.missing("path", remedy.to_owned());
                None
            }
        };
        let label = problems.parse("label", self.label.as_deref()).unwrap_or_default();
        let media_size = problems.parse("media-size", self.media_size.as_deref());
        let file_system = problems.parse("file-system", self.file_system.as_deref());
        let boot_prompt = problems.parse("boot-prompt", self.boot_prompt.as_deref());
        let image_size = problems.parse("image-size", self.image_size.as_deref());
        if self.boot_files.as_deref().is_some_and(|folder| folder.as_os_str().is_empty()) {
            let remedy = "name the folder that holds the boot files, or leave the option out";
            let what = "the path of the folder is empty";
            problems.push("boot-files", ProblemKind::Malformed, what, remedy);
        }
        let add: Vec<AddSpec> =
            self.add.iter().filter_map(|text| problems.parse("add", Some(text))).collect();

        if let Some(media_type) = media_type {
            self.check_applicable(media_type, &mut problems);
        }
        let limited = media_size.unwrap_or_default() != MediaSize::UNLIMITED;
        if self.split_files && !(limited && media_type == Some(MediaType::CdDvd)) {
            problems.push(
                "split-files",
                ProblemKind::NotApplicable,
                "files are split for discs of a limited size",
                "leave it out, or limit the discs with --media-size",
            );
        }
        if let (Some(size), Some(MediaType::Usb)) = (image_size, media_type) {
            problems.usb_image_size(size);
        }
        for add in &add {
            problems.add(add, self.include_autorun);
        }
        problems.repeated(&add);
        if let Some(output) = &output {
            match output.file() {
                None => self.check_stdout(&mut problems),
                Some(file) => problems.overlap(file, boot_image, &add),
            }
        }

        match (boot_image, media_type, output) {
            (Some(boot_image), Some(media_type), Some(output)) if problems.0.is_empty() => {
                Ok(CheckedRequest {
                    boot_image: boot_image.to_owned(),
                    media_type,
                    output,
                    label,
                    include_autorun: self.include_autorun,
                    media_size: media_size.unwrap_or_default(),
                    split_files: self.split_files,
                    file_system: file_system.unwrap_or_default(),
                    boot_prompt: boot_prompt.unwrap_or_default(),
                    image_size,
                    boot_files: self.boot_files.clone(),
                    add,
                    checksum: self.checksum,
                    force: self.force,
                    source_date_epoch: self.source_date_epoch,
                })
            }
            _ => Err(problems.0),
        }
    }

    /// Options that say nothing about this kind of media are mistakes, not wishes to overlook.
    fn check_applicable(&self, media_type: MediaType, problems: &mut Problems) {
        let rows = [
            (
                "image-size",
                self.image_size.is_some() && media_type.is_disc(),
                "an image size is for --media-type usb",
                "leave it out; --media-size limits a disc",
            ),
            (
                "media-size",
                self.media_size.is_some() && !media_type.is_disc(),
                "a media size is for --media-type cd-dvd",
                "leave it out; --image-size sets the size of a USB image",
            ),
            (
                "file-system",
                self.file_system.is_some() && !media_type.is_disc(),
                "a file system is for --media-type cd-dvd",
                "leave it out; a USB image is FAT32",
            ),
            (
                "boot-prompt",
                self.boot_prompt.is_some() && !media_type.is_disc(),
                "a boot prompt is for --media-type cd-dvd",
                "leave it out; a stick starts without asking",
            ),
        ];
        for (option, misplaced, what, remedy) in rows {
            if misplaced {
                problems.push(option, ProblemKind::NotApplicable, what, remedy);
            }
        }
    }

    fn check_stdout(&self, problems: &mut Problems) {
        if self.checksum {
            problems.push(
                "checksum",
                ProblemKind::NotApplicable,
                "there is no file beside which standard output's checksum could be written",
                "leave it out and pipe through sha256sum, or give --path a file",
            );
        }
        if self.force {
            problems.push(
                "force",
                ProblemKind::NotApplicable,
                "standard output replaces no file",
                "leave it out, or give --path a file",
            );
        }
    }
}

/// The problems so far.
struct Problems(Vec<Problem>);

impl Problems {
    fn push(
        &mut self,
        option: &'static str,
        kind: ProblemKind,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Problem { option, kind, what: what.into(), remedy: remedy.into() });
    }

    fn refused(&mut self, option: &'static str, error: &impl Refusal) {
        self.push(option, ProblemKind::Malformed, error.what(), error.remedy());
    }

    fn missing(&mut self, option: &'static str, remedy: String) {
        self.push(option, ProblemKind::Missing, "it is required", remedy);
    }

    fn parse<T: FromStr<Err: Refusal>>(
        &mut self,
        option: &'static str,
        text: Option<&str>,
    ) -> Option<T> {
        text?.parse().map_err(|error| self.refused(option, &error)).ok()
    }

    fn boot_image<'a>(&mut self, path: Option<&'a Path>) -> Option<&'a Path> {
        let remedy = "give the path of a Windows PE boot image (a .wim file)";
        let Some(path) = path else {
            self.missing("boot-image", remedy.to_owned());
            return None;
        };
        let what = if path.as_os_str().is_empty() {
            "the path is empty".to_owned()
        } else if path.as_os_str() == "-" {
            // A file of that name is ./-, as for --path.
            "a boot image is read by position and cannot come from standard input".to_owned()
        } else if !names_a_file(path) {
            format!("{} names a folder, not a file", shown(&path.to_string_lossy()))
        } else {
            return Some(path);
        };
        self.push("boot-image", ProblemKind::Malformed, what, remedy);
        None
    }

    fn usb_image_size(&mut self, size: ImageSize) {
        let bytes = size.bytes();
        if bytes < SMALLEST_USB_IMAGE {
            let what = format!(
                "{size} is {bytes} bytes, and the smallest FAT32 volume needs an image of \
                 {SMALLEST_USB_IMAGE}"
            );
            let remedy = "give 34MiB or more (about 261MiB or more for clusters of 4 KiB), or leave it \
                          out for the smallest image that holds the content";
            self.push("image-size", ProblemKind::OutOfRange, what, remedy);
        } else if bytes > LARGEST_USB_IMAGE {
            let what = format!(
                "{size} is {bytes} bytes, and an MBR partition of FAT32 ends at \
                 {LARGEST_USB_IMAGE} at the latest"
            );
            self.push("image-size", ProblemKind::OutOfRange, what, "give 2048GiB or less");
        }
    }

    fn add(&mut self, add: &AddSpec, include_autorun: bool) {
        let media = add.media();
        if is_own_file(media, include_autorun) {
            let what = format!("{media} is a file that capmedia makes itself");
            let remedy = "give another media path; to bring your own boot files use --boot-files";
            self.push("add", ProblemKind::Reserved, what, remedy);
        }
        // A problem and not a warning, because the operator chose this name just now and can choose
        // another. Names below an added folder are reported when the folder is read.
        if let Some(name) = media.reserved_component() {
            let what = format!("{name} in {media} is a device name that Windows will not open");
            self.push("add", ProblemKind::Reserved, what, "give the file or folder another name");
        }
    }

    /// The same host path to the same media path twice collides whether it is a file or a folder.
    /// Different host paths may be folders, which are merged: that is for the planner to know.
    fn repeated(&mut self, add: &[AddSpec]) {
        let mut seen = HashMap::new();
        for add in add {
            let times = seen.entry((lexical(add.host()), add.media().folded())).or_insert(0_u32);
            *times = times.saturating_add(1);
            if *times == 2 {
                let what = format!("{add} is given more than once");
                self.push("add", ProblemKind::Conflict, what, "give it once");
            }
        }
    }

    /// The output must not replace, or become part of, what it is made from. Only what the paths
    /// say: links are not followed.
    fn overlap(&mut self, output: &Path, boot_image: Option<&Path>, add: &[AddSpec]) {
        let remedy = "give --path another file";
        if boot_image.is_some_and(|boot_image| lexical(boot_image) == lexical(output)) {
            let what = "the output is the boot image";
            self.push("path", ProblemKind::Conflict, what, remedy);
        }
        for add in add {
            let what = match inside(output, add.host()) {
                Some(Inside::Same) => format!("the output is the file added by {add}"),
                Some(Inside::Below) => format!("the output lies in the folder added by {add}"),
                None => continue,
            };
            self.push("path", ProblemKind::Conflict, what, remedy);
        }
    }
}

/// The path without `.` parts; `..` stays, since what it means depends on links.
fn lexical(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

enum Inside {
    Same,
    Below,
}

fn inside(path: &Path, folder: &Path) -> Option<Inside> {
    // An empty relative path, the current folder, would be a prefix of absolute ones too.
    if path.has_root() != folder.has_root() {
        return None;
    }
    let path = lexical(path);
    let rest = path.strip_prefix(lexical(folder)).ok()?;
    if rest.as_os_str().is_empty() {
        Some(Inside::Same)
    } else if rest.components().any(|part| part == Component::ParentDir) {
        None
    } else {
        Some(Inside::Below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files() {
        let own = |text: &str, autorun| is_own_file(&MediaPath::new(text).unwrap(), autorun);
        for text in [
            "bootmgr",
            "BOOTMGR.EFI",
            "boot/bcd",
            "Boot\\Boot.sdi",
            "efi/boot/bootx64.efi",
            "EFI/BOOT/BootRiscV64.efi",
            "EFI\\Microsoft\\Boot\\BCD",
            "sources/boot.wim",
            "sources/boot.wim/x",
            "MediaLabel.txt",
            "media.json",
            "sha256sums",
        ] {
            assert!(own(text, false), "{text}");
        }
        for text in [
            "",
            "boot",
            "bootmgr2",
            "x/bootmgr",
            "efi/boot/boots/x.efi",
            "efi/boot/grubx64.efi",
            "EFI/Microsoft/Boot/BCD.LOG",
            "sources/boot.wim2",
            "autorun.inf",
        ] {
            assert!(!own(text, false), "{text}");
        }
        assert!(own("AutoRun.inf", true));
    }

    #[test]
    fn overlap_is_lexical() {
        let kind = |path: &str, folder: &str| match inside(Path::new(path), Path::new(folder)) {
            Some(Inside::Same) => "same",
            Some(Inside::Below) => "below",
            None => "apart",
        };
        for (path, folder, expected) in [
            ("out/a.iso", "out", "below"),
            ("./out//a.iso", "out/", "below"),
            ("a.iso", ".", "below"),
            ("a.iso", "./a.iso", "same"),
            ("../a.iso", ".", "apart"),
            ("/a.iso", ".", "apart"),
            ("/srv/a.iso", "/", "below"),
            ("a.iso", "/", "apart"),
            ("out2/a.iso", "out", "apart"),
            ("out/../a.iso", "out", "apart"),
            ("../x/a.iso", "../x", "below"),
        ] {
            assert_eq!(kind(path, folder), expected, "{path} in {folder}");
        }
    }
}
