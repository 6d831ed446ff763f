//! From a request to a checked request: all problems that can be known from the request alone.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::boot::BcdChoice;
use crate::capacity::MediaSize;
use crate::checked::CheckedRequest;
use crate::content::BootImageSource;
use crate::error::{self, Refusal};
use crate::identifier::HardwareId;
use crate::path::{AddSpec, MediaPath, control_character, is_of_windows};
use crate::problem::{Problem, ProblemKind};
use crate::request::CaptureMediaRequest;
use crate::target::{MediaType, PartitionTable, names_a_file};
use crate::text::shown;

/// Files that `capmedia` makes on every medium, folded. [`is_own_file`] knows the others.
const OWN_FILES: [&str; 12] = [
    "BOOTMGR",
    "BOOTMGR.EFI",
    r"BOOT\BCD",
    r"BOOT\BOOT.SDI",
    r"EFI\MICROSOFT\BOOT\BCD",
    r"SOURCES\BOOT.WIM",
    "MEDIALABEL.TXT",
    "LAUNCHMEDIA.CMD",
    r"SMS\DATA\TASKSEQUENCE.XML",
    r"SMS\DATA\TSMBOOTSTRAP.INI",
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
        let mut problems = Problems::default();

        let boot_image = self.boot_image_source(&mut problems);
        let content = self.content(&mut problems);
        let packages = self.packages(boot_image.as_ref(), &mut problems);
        let media_type = problems.parse::<MediaType>("media-type", self.media_type.as_deref());
        if self.media_type.is_none() {
            problems.missing("media-type", format!("give one of: {}", MediaType::ALL.join(", ")));
        }
        let outputs = self.outputs(&mut problems);
        let label = problems.parse("label", self.label.as_deref()).unwrap_or_default();
        let media_size = problems.parse("media-size", self.media_size.as_deref());
        let file_system = problems.parse("file-system", self.file_system.as_deref());
        let boot_prompt = problems.parse("boot-prompt", self.boot_prompt.as_deref());
        let image_size = problems.parse("image-size", self.image_size.as_deref());
        let partition_table = problems.parse("partition-table", self.partition_table.as_deref());
        let gpt_type = problems.parse("gpt-type", self.gpt_type.as_deref());
        let sector_size = problems.parse("sector-size", self.sector_size.as_deref());
        let target_arch = problems.parse("target-arch", self.target_arch.as_deref());
        let boot_manager = problems.parse("boot-manager", self.boot_manager.as_deref());
        let bcd = problems.parse("bcd", self.bcd.as_deref());
        let bcd_locale = problems.parse("bcd-locale", self.bcd_locale.as_deref());
        let bcd_resolution = problems.parse("bcd-resolution", self.bcd_resolution.as_deref());
        if self.boot_index == Some(0) {
            let what = "the images of a WIM are numbered from 1";
            let remedy = "give the number of the image to start; capmedia inspect lists them";
            problems.push("boot-index", ProblemKind::OutOfRange, what, remedy);
        }
        let require_hwids: Vec<(usize, HardwareId)> =
            problems.parse_all("require-hwid", &self.require_hwid);
        let capture_destination =
            problems.parse("capture-destination", self.capture_destination.as_deref());
        let capture_account = problems.parse("capture-account", self.capture_account.as_deref());
        let image_creator = problems.parse("image-creator", self.image_creator.as_deref());
        let image_description =
            problems.parse("image-description", self.image_description.as_deref());
        let image_version = problems.parse("image-version", self.image_version.as_deref());
        self.check_paths(&mut problems);
        let add: Vec<(usize, AddSpec)> = problems.parse_all("add", &self.add);

        if let Some(media_type) = media_type {
            self.check_applicable(media_type, &mut problems);
        }
        // A size or type that could not be read may have been a good one.
        let limited = self.media_size.is_some() && media_size != Some(MediaSize::UNLIMITED);
        let disc = media_type.is_none_or(|media_type| media_type == MediaType::CdDvd);
        if self.split_files && !(limited && disc) {
            problems.push(
                "split-files",
                ProblemKind::NotApplicable,
                "files are split for discs of a limited size",
                "leave it out, or limit the discs with --media-size",
            );
        }
        self.check_boot(bcd, &mut problems);
        self.check_password(&mut problems);
        if let (Some(size), Some(MediaType::Usb)) = (image_size, media_type) {
            let sector_size = sector_size.unwrap_or_default();
            let table = partition_table.unwrap_or(PartitionTable::usual(sector_size));
            problems.usb_image_size(size, sector_size, table);
        }
        for (item, add) in &add {
            problems.item = Some(*item);
            problems.add(add, self.include_autorun);
        }
        problems.repeated(&add);
        problems.item = None;
        self.check_stick(media_type, &outputs, &mut problems);
        for output in &outputs {
            match output.file() {
                None => self.check_stdout(&mut problems),
                // A folder that is updated in place may hold what is read; the files of the media
                // are then looked at one by one.
                Some(_) if self.no_format => {}
                Some(file) => {
                    let boot_image = boot_image.as_ref().and_then(BootImageSource::file);
                    problems.overlap(file, boot_image, &add);
                    self.check_read(file, &mut problems);
                }
            }
        }

        match (boot_image, media_type) {
            (Some(boot_image), Some(media_type)) if problems.found.is_empty() => {
                Ok(CheckedRequest {
                    boot_image,
                    content,
                    packages,
                    media_type,
                    outputs,
                    label,
                    include_autorun: self.include_autorun,
                    media_size: media_size.unwrap_or_default(),
                    split_files: self.split_files,
                    file_system: file_system.unwrap_or_default(),
                    boot_prompt: boot_prompt.unwrap_or_default(),
                    image_size,
                    partition_table,
                    gpt_type: gpt_type.unwrap_or_default(),
                    sector_size,
                    no_format: self.no_format,
                    no_verify: self.no_verify,
                    boot_files: self.boot_files.clone(),
                    target_arch,
                    boot_manager: boot_manager.unwrap_or_default(),
                    bcd: bcd.unwrap_or_default(),
                    bcd_locale,
                    bcd_resolution,
                    bcd_text_mode: self.bcd_text_mode,
                    boot_index: self.boot_index,
                    require_hwids: require_hwids.into_iter().map(|(_, id)| id).collect(),
                    hwids: self.hwids.clone(),
                    task_sequence: self.task_sequence.clone(),
                    capture_destination,
                    capture_account,
                    capture_password_file: self.capture_password_file.clone(),
                    store_password: self.store_password,
                    image_creator,
                    image_description,
                    image_version,
                    runtime: self.runtime.clone(),
                    template: self.template.clone(),
                    add: add.into_iter().map(|(_, add)| add).collect(),
                    checksum: self.checksum,
                    force: self.force,
                    source_date_epoch: self.source_date_epoch,
                    read_files: Vec::new(),
                })
            }
            _ => Err(problems.found),
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

    /// Paths that are only opened later.
    pub(crate) fn check_paths(&self, problems: &mut Problems) {
        let rows = [
            ("boot-files", &self.boot_files, "the folder that holds the boot files"),
            ("hwids", &self.hwids, "the file that lists the devices"),
            ("task-sequence", &self.task_sequence, "the task sequence, an .xml or exported .zip"),
            ("capture-password-file", &self.capture_password_file, "the file with the password"),
            ("runtime", &self.runtime, "the folder that holds the task sequence runtime"),
            ("template", &self.template, "the folder that holds the files"),
            ("password-file", &self.password_file, "the file with the password"),
            ("ca-file", &self.ca_file, "the file with the certificates"),
            ("client-certificate", &self.client_certificate, "the file with certificate and key"),
            ("cache", &self.cache, "the folder that keeps content"),
        ];
        for (option, path, names) in rows {
            let Some(path) = path.as_deref() else { continue };
            if path.as_os_str().is_empty() {
                let remedy = format!("name {names}, or leave the option out");
                problems.push(option, ProblemKind::Malformed, "the path is empty", remedy);
            }
            problems.no_host_path(option, path);
        }
    }

    /// The output must not replace a file that is read, or lie in a folder that is.
    fn check_read(&self, output: &Path, problems: &mut Problems) {
        let rows = [
            ("--boot-files", &self.boot_files),
            ("--hwids", &self.hwids),
            ("--task-sequence", &self.task_sequence),
            ("--capture-password-file", &self.capture_password_file),
            ("--runtime", &self.runtime),
            ("--template", &self.template),
            ("--password-file", &self.password_file),
            ("--ca-file", &self.ca_file),
            ("--client-certificate", &self.client_certificate),
            ("--cache", &self.cache),
        ];
        for (option, path) in rows {
            let given = path.as_deref().filter(|path| !path.as_os_str().is_empty());
            let what = match given.and_then(|path| inside(output, path)) {
                Some(Inside::Same) => format!("the output is what {option} names"),
                Some(Inside::Below) => format!("the output lies in the folder that {option} names"),
                None => continue,
            };
            problems.push("path", ProblemKind::Conflict, what, "give --path another file");
        }
    }

    fn check_boot(&self, bcd: Option<BcdChoice>, problems: &mut Problems) {
        let image = bcd == Some(BcdChoice::Image);
        let rows = [
            ("bcd-locale", self.bcd_locale.is_some()),
            ("bcd-resolution", self.bcd_resolution.is_some()),
            ("bcd-text-mode", self.bcd_text_mode),
        ];
        for (option, given) in rows {
            if image && given {
                let what = "the boot image's own boot configuration is not changed";
                let remedy = "leave it out, or have a new one made with --bcd own";
                problems.push(option, ProblemKind::Conflict, what, remedy);
            }
        }
        if self.bcd_resolution.is_some() && self.bcd_text_mode {
            let what = "text has no resolution";
            let remedy = "leave it or --bcd-text-mode out";
            problems.push("bcd-resolution", ProblemKind::Conflict, what, remedy);
        }
    }

    /// A password on the media must be wanted twice.
    fn check_password(&self, problems: &mut Problems) {
        if self.capture_password_file.is_some() && !self.store_password {
            problems.push(
                "capture-password-file",
                ProblemKind::Conflict,
                "the password would stand on the media, readable by everybody who holds it",
                "leave it out and have the password typed or set when the sequence runs, or accept \
                 that with --store-password",
            );
        }
        if self.capture_password_file.is_some()
            && self.capture_account.is_none()
            && self.task_sequence.is_none()
        {
            let what = "there is a password and no account that it belongs to";
            let remedy = "give the account with --capture-account";
            problems.push("capture-password-file", ProblemKind::Conflict, what, remedy);
        }
        if self.store_password
            && self.capture_password_file.is_none()
            && self.task_sequence.is_none()
        {
            let what = "there is no password that could be stored";
            let remedy = "leave it out, or give --capture-password-file or a --task-sequence that \
                          holds one";
            problems.push("store-password", ProblemKind::NotApplicable, what, remedy);
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
#[derive(Default)]
pub(crate) struct Problems {
    pub(crate) found: Vec<Problem>,
    /// Which of several values of an option is looked at.
    pub(crate) item: Option<usize>,
}

impl Problems {
    pub(crate) fn push(
        &mut self,
        option: &'static str,
        kind: ProblemKind,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.found.push(Problem::new(option, kind, what, remedy).with_item(self.item));
    }

    pub(crate) fn refused(&mut self, option: &'static str, error: &impl Refusal) {
        self.push(option, ProblemKind::Malformed, error.what(), error.remedy());
    }

    pub(crate) fn missing(&mut self, option: &'static str, remedy: String) {
        self.push(option, ProblemKind::Missing, "it is required", remedy);
    }

    pub(crate) fn parse<T: FromStr<Err: Refusal>>(
        &mut self,
        option: &'static str,
        text: Option<&str>,
    ) -> Option<T> {
        text?.parse().map_err(|error| self.refused(option, &error)).ok()
    }

    /// What can be read, each with its place among all.
    pub(crate) fn parse_all<T: FromStr<Err: Refusal>>(
        &mut self,
        option: &'static str,
        texts: &[String],
    ) -> Vec<(usize, T)> {
        let mut values = Vec::new();
        for (item, text) in texts.iter().enumerate() {
            self.item = Some(item);
            values.extend(self.parse(option, Some(text)).map(|value| (item, value)));
        }
        self.item = None;
        values
    }

    pub(crate) fn boot_image<'a>(&mut self, path: Option<&'a Path>) -> Option<&'a Path> {
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
        } else if self.no_host_path("boot-image", path) {
            return None;
        } else if !names_a_file(path) {
            format!("{} names a folder, not a file", shown(&path.to_string_lossy()))
        } else {
            return Some(path);
        };
        self.push("boot-image", ProblemKind::Malformed, what, remedy);
        None
    }

    /// Tells of a path that cannot be one of the host, by a control character or as one of Windows;
    /// whether it is one.
    fn no_host_path(&mut self, option: &'static str, path: &Path) -> bool {
        let text = path.to_string_lossy();
        let (what, remedy) = match control_character(&text) {
            Some((position, found)) => {
                (error::control_character(position, found), error::CONTROL_CHARACTER_REMEDY)
            }
            None if is_of_windows(path) => (error::of_windows(&text), error::OF_WINDOWS_REMEDY),
            None => return false,
        };
        self.push(option, ProblemKind::Malformed, what, remedy);
        true
    }

    pub(crate) fn add(&mut self, add: &AddSpec, include_autorun: bool) {
        self.no_host_path("add", add.host());
        let media = add.media();
        if is_own_file(media, include_autorun) {
            let what = format!("{media} is a file that capmedia makes itself");
            let remedy = "give another media path; to bring your own boot files use --boot-files, \
                          to bring a file of the media data --template or --task-sequence";
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
    fn repeated(&mut self, add: &[(usize, AddSpec)]) {
        let mut seen = HashMap::new();
        for (item, add) in add {
            self.item = Some(*item);
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
    fn overlap(&mut self, output: &Path, boot_image: Option<&Path>, add: &[(usize, AddSpec)]) {
        let remedy = "give --path another file";
        if boot_image.is_some_and(|boot_image| lexical(boot_image) == lexical(output)) {
            let what = "the output is the boot image";
            self.push("path", ProblemKind::Conflict, what, remedy);
        }
        for (_, add) in add {
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
pub(crate) fn lexical(path: &Path) -> PathBuf {
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
            "launchmedia.cmd",
            "SMS/data/TaskSequence.xml",
            r"sms\DATA\TsmBootstrap.ini",
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
            "SMS/data/Variables.dat",
            "SMS/pkg/PS100005/TaskSequence.xml",
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
