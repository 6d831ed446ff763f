//! The options of a request: one list, from which the command line, the request file, its JSON
//! Schema and their tests are made.

use std::path::PathBuf;

use crate::boot::{BcdChoice, BcdResolution, BootManagerChoice};
use crate::content::PackageHashCheck;
use crate::pattern::{
    ACCOUNT, ADD, HARDWARE_ID, IMAGE_SIZE, LABEL, LOCALE, LOCATION, MEDIA_SIZE, PACKAGE,
    TEXT_1_TO_255, TEXT_TO_32, TEXT_TO_255,
};
use crate::problem::{Problem, ProblemKind};
use crate::request::CaptureMediaRequest;
use crate::target::{
    BootPrompt, FileSystem, GptType, MediaType, PartitionTable, SectorSize, TargetArch,
};
use crate::text::shown;

/// What is known of an option without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestOption {
    name: &'static str,
    value_name: &'static str,
    about: &'static str,
    absent: Absent,
    words: &'static [&'static str],
    examples: &'static [&'static str],
    pattern: Option<&'static str>,
    secret: bool,
    alias: Option<&'static str>,
    of_content: bool,
}

/// What holds when an option is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absent {
    /// Nothing: the option is required.
    Refused,
    /// The same as if this value were given.
    Is(&'static str),
    /// Something that no value stands for; in words.
    Means(&'static str),
    /// A switch is off; a list is empty; of the rest there is none.
    Off,
}

/// Where the value of an option lies in a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Slot<'a> {
    /// A switch.
    Flag(&'a mut bool),
    /// Text, whose form [`check`](CaptureMediaRequest::check) knows.
    Text(&'a mut Option<String>),
    /// A path of the host.
    Path(&'a mut Option<PathBuf>),
    /// A path of the host that may be given several times; a request file has one as text and several
    /// as a list.
    Paths(&'a mut Vec<PathBuf>),
    /// A whole number.
    Number(&'a mut Option<u32>),
    /// Text that may be given several times.
    List(&'a mut Vec<String>),
}

impl RequestOption {
    /// The long option, without dashes, and the key in a request file.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What help texts call its value; empty for a switch.
    pub fn value_name(&self) -> &'static str {
        self.value_name
    }

    /// What it does; no full stop.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// What holds without it.
    pub fn absent(&self) -> Absent {
        self.absent
    }

    /// The words it takes; empty when it takes other text too.
    pub fn words(&self) -> &'static [&'static str] {
        self.words
    }

    /// Values that a shell may offer, where it takes other text too.
    pub fn examples(&self) -> &'static [&'static str] {
        self.examples
    }

    /// A regular expression for the whole text, of the kind that JSON Schema has (ECMA 262). It says
    /// the form; numbers may still be too large.
    pub fn pattern(&self) -> Option<&'static str> {
        self.pattern
    }

    /// Whether somebody may give it a password by mistake: no message repeats what it was given in
    /// place of its kind of value.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Another name that a command line may use.
    pub fn alias(&self) -> Option<&'static str> {
        self.alias
    }

    /// Whether it is about where content comes from:
    /// [`check_content`](CaptureMediaRequest::check_content) reads it.
    pub fn is_of_content(&self) -> bool {
        self.of_content
    }

    /// Reads a switch as it stands on a command line.
    ///
    /// # Errors
    ///
    /// A problem for all but `true` and `false`.
    pub fn flag(&self, text: &str) -> Result<bool, Problem> {
        text.parse().map_err(|_| {
            let what = format!("{} stands where true or false is due", self.given(text));
            let remedy = format!("write --{name} or --{name}=false", name = self.name);
            Problem::new(self.name, ProblemKind::Malformed, what, remedy)
        })
    }

    /// Reads a number as it stands on a command line; 0 is for
    /// [`check`](CaptureMediaRequest::check) to refuse.
    ///
    /// # Errors
    ///
    /// A problem for what is no whole number from 0 to [`u32::MAX`].
    pub fn number(&self, text: &str) -> Result<u32, Problem> {
        text.parse().map_err(|_| {
            let what = format!("{} stands where {WHOLE_NUMBER} is due", self.given(text));
            let remedy = format!("write a number, as in --{} 1", self.name);
            Problem::new(self.name, ProblemKind::Malformed, what, remedy)
        })
    }

    /// What was given, as far as a message may repeat it.
    fn given(&self, text: &str) -> String {
        match text {
            _ if self.secret => "a text".to_owned(),
            "" => "nothing".to_owned(),
            text => shown(text),
        }
    }

    /// All options, in their order.
    pub fn all() -> Vec<Self> {
        let mut request = CaptureMediaRequest::default();
        request.options_mut().into_iter().map(|(option, _)| option).collect()
    }

    const fn required(self) -> Self {
        Self { absent: Absent::Refused, ..self }
    }

    const fn default(self, value: &'static str) -> Self {
        Self { absent: Absent::Is(value), ..self }
    }

    const fn otherwise(self, words: &'static str) -> Self {
        Self { absent: Absent::Means(words), ..self }
    }

    const fn one_of(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    const fn such_as(self, examples: &'static [&'static str]) -> Self {
        Self { examples, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn also(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    const fn of_content(self) -> Self {
        Self { of_content: true, ..self }
    }

    const fn form(self, pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), ..self }
    }
}

const fn option(
    name: &'static str,
    value_name: &'static str,
    about: &'static str,
) -> RequestOption {
    RequestOption {
        name,
        value_name,
        about,
        absent: Absent::Off,
        words: &[],
        examples: &[],
        pattern: None,
        secret: false,
        alias: None,
        of_content: false,
    }
}

const fn flag(name: &'static str, about: &'static str) -> RequestOption {
    option(name, "", about)
}

/// What the value of a number has to be, in words.
pub(crate) const WHOLE_NUMBER: &str = "a whole number from 1 to 4294967295";

impl CaptureMediaRequest {
    /// Every option with the place of its value, in the order of the options. The time of
    /// `SOURCE_DATE_EPOCH` is no option.
    pub fn options_mut(&mut self) -> Vec<(RequestOption, Slot<'_>)> {
        // Taken apart whole, so that a new field is not forgotten here.
        let Self {
            version: _,
            boot_image,
            distribution_point,
            package,
            user,
            password_file,
            ca_file,
            client_certificate,
            package_hash,
            cache,
            cache_size,
            bandwidth_limit,
            media_type,
            path,
            label,
            include_autorun,
            media_size,
            split_files,
            file_system,
            boot_prompt,
            image_size,
            partition_table,
            gpt_type,
            sector_size,
            no_format,
            no_verify,
            boot_files,
            target_arch,
            boot_manager,
            bcd,
            bcd_locale,
            bcd_resolution,
            bcd_text_mode,
            boot_index,
            require_hwid,
            hwids,
            task_sequence,
            capture_destination,
            capture_account,
            capture_password_file,
            store_password,
            image_creator,
            image_description,
            image_version,
            runtime,
            template,
            add,
            checksum,
            force,
            source_date_epoch: _,
        } = self;
        vec![
            (
                option(
                    "boot-image",
                    "FILE|ID",
                    "The boot image: a Windows PE WIM, or with --distribution-point a package id \
                     such as PS100005 or PS100005.3 (./NAME is always a file)",
                )
                .required(),
                Slot::Path(boot_image),
            ),
            (
                option(
                    "distribution-point",
                    "LOCATION",
                    r"Where packages come from: http://dp, https://dp, \\dp, smb://dp:port, or a folder (content library or expanded packages). May be repeated, in order of preference",
                )
                .form(LOCATION)
                .of_content(),
                Slot::List(distribution_point),
            ),
            (
                option(
                    "package",
                    "ID=MEDIA_PATH",
                    "Put a package's files on the media. May be repeated",
                )
                .form(PACKAGE),
                Slot::List(package),
            ),
            (
                option("user", r"DOMAIN\NAME", "The account that may read packages")
                    .form(ACCOUNT)
                    .of_content(),
                Slot::Text(user),
            ),
            (
                option(
                    "password-file",
                    "FILE",
                    "A file whose only line is that account's password; - for standard input",
                )
                .otherwise("CAPMEDIA_PASSWORD in the environment, or it is asked for")
                .secret()
                .of_content(),
                Slot::Path(password_file),
            ),
            (
                option(
                    "ca-file",
                    "FILE",
                    "Certificate authorities that https trusts, in PEM",
                )
                .otherwise("those of this machine")
                .of_content(),
                Slot::Path(ca_file),
            ),
            (
                option(
                    "client-certificate",
                    "FILE",
                    "The certificate that https shows, with its key, in PEM",
                )
                .of_content(),
                Slot::Path(client_certificate),
            ),
            (
                option(
                    "package-hash",
                    "CHECK",
                    "What a package hash leads to that is not the declared one: error, warn or off",
                )
                .default("error")
                .one_of(PackageHashCheck::ALL)
                .of_content(),
                Slot::Text(package_hash),
            ),
            (
                option("cache", "DIR", "A folder that keeps what was fetched, for the next media")
                    .also("staging-folder")
                    .of_content(),
                Slot::Path(cache),
            ),
            (
                option("cache-size", "SIZE", "How much it may hold: MB, GB, MiB or GiB")
                    .default("20GiB")
                    .form(IMAGE_SIZE)
                    .of_content(),
                Slot::Text(cache_size),
            ),
            (
                option(
                    "bandwidth-limit",
                    "SIZE",
                    "How much may be fetched in a second, such as 10MB",
                )
                .otherwise("no limit")
                .form(IMAGE_SIZE)
                .of_content(),
                Slot::Text(bandwidth_limit),
            ),
            (
                option(
                    "media-type",
                    "KIND",
                    "The kind of media: cd-dvd, usb, or hybrid (one image for both)",
                )
                .required()
                .one_of(MediaType::ALL),
                Slot::Text(media_type),
            ),
            (
                option(
                    "path",
                    "OUT",
                    "The image file to make, - for standard output, or with --media-type usb a \
                     drive such as /dev/sdb. May be repeated for several drives",
                )
                .required(),
                Slot::Paths(path),
            ),
            (
                option("label", "TEXT", "The media label")
                    .default("Configuration Manager")
                    .form(LABEL),
                Slot::Text(label),
            ),
            (
                flag("include-autorun", "Put an autorun.inf on the media"),
                Slot::Flag(include_autorun),
            ),
            (
                option(
                    "media-size",
                    "SIZE",
                    "Size of a disc: 650MB, 4GB, 8GB, <n>MB or unlimited. What does not fit one \
                     disc goes onto several: OUT-1, OUT-2 and so on, before the extension",
                )
                .default("unlimited")
                .such_as(&["650MB", "4GB", "8GB", "unlimited"])
                .form(MEDIA_SIZE),
                Slot::Text(media_size),
            ),
            (
                flag(
                    "split-files",
                    "Cut a file that is larger than a disc into numbered parts; `capmedia join` \
                     puts it together",
                ),
                Slot::Flag(split_files),
            ),
            (
                option(
                    "file-system",
                    "KIND",
                    "File systems of a disc: bridge (ISO 9660, Joliet and UDF), iso, or udf-stub \
                     (UDF alone)",
                )
                .default("bridge")
                .one_of(FileSystem::ALL),
                Slot::Text(file_system),
            ),
            (
                option(
                    "boot-prompt",
                    "ANSWER",
                    "Whether a disc asks for a key before it starts, yes or no",
                )
                .default("yes")
                .one_of(BootPrompt::ALL),
                Slot::Text(boot_prompt),
            ),
            (
                option("image-size", "SIZE", "Size of a USB image, as in 8GB or 512MiB")
                    .otherwise("as small as the content allows")
                    .such_as(&["4GB", "8GB", "16GB", "32GB", "64GB"])
                    .form(IMAGE_SIZE),
                Slot::Text(image_size),
            ),
            (
                option(
                    "partition-table",
                    "TABLE",
                    "How a stick is divided: mbr, gpt (UEFI only), or none (the volume is the whole \
                     stick)",
                )
                .otherwise("mbr, or gpt where sectors have 4096 bytes")
                .one_of(PartitionTable::ALL),
                Slot::Text(partition_table),
            ),
            (
                option(
                    "gpt-type",
                    "TYPE",
                    "What a GPT says of the partition: basic-data (Windows shows it) or efi-system",
                )
                .default("basic-data")
                .one_of(GptType::ALL),
                Slot::Text(gpt_type),
            ),
            (
                option(
                    "sector-size",
                    "BYTES",
                    "Bytes in a sector of the drive that a USB image is for: 512 or 4096; a drive \
                     says its own",
                )
                .default("512")
                .one_of(SectorSize::ALL),
                Slot::Text(sector_size),
            ),
            (
                flag(
                    "no-format",
                    "Keep what is on the stick and put the media beside it; --path is a drive, an \
                     image file, or the folder that the stick is mounted at",
                ),
                Slot::Flag(no_format),
            ),
            (
                flag(
                    "no-verify",
                    "Do not read back what was written to a drive or, with --no-format, to a stick",
                ),
                Slot::Flag(no_verify),
            ),
            (
                option(
                    "boot-files",
                    "DIR",
                    "A folder searched for boot files before the boot image, such as the Windows \
                     ADK's media folder",
                ),
                Slot::Path(boot_files),
            ),
            (
                option(
                    "target-arch",
                    "ARCH",
                    "The computer the media is for: x64, x86 or arm64",
                )
                .otherwise("the boot image's architecture")
                .one_of(TargetArch::ALL),
                Slot::Text(target_arch),
            ),
            (
                option(
                    "boot-manager",
                    "CHOICE",
                    "Certificate of the UEFI boot manager: auto, 2011 or 2023",
                )
                .default("auto")
                .one_of(BootManagerChoice::ALL),
                Slot::Text(boot_manager),
            ),
            (
                option(
                    "bcd",
                    "CHOICE",
                    "Boot configuration: auto (the boot image's where it starts the media, else a \
                     new one), image or own",
                )
                .default("auto")
                .one_of(BcdChoice::ALL),
                Slot::Text(bcd),
            ),
            (
                option(
                    "bcd-locale",
                    "LANGUAGE",
                    "Language of a new boot configuration, as in en-US",
                )
                .otherwise("the boot image's")
                .form(LOCALE),
                Slot::Text(bcd_locale),
            ),
            (
                option(
                    "bcd-resolution",
                    "SIZE",
                    "Resolution of the boot manager, in a new boot configuration: 1024x768, \
                     800x600, 1024x600 or highest",
                )
                .otherwise("it chooses")
                .one_of(BcdResolution::ALL),
                Slot::Text(bcd_resolution),
            ),
            (
                flag(
                    "bcd-text-mode",
                    "The boot manager shows text alone, in a new boot configuration",
                ),
                Slot::Flag(bcd_text_mode),
            ),
            (
                option("boot-index", "N", "The image that the media's copy of the boot image starts")
                    .otherwise("the one that the boot image names"),
                Slot::Number(boot_index),
            ),
            (
                option(
                    "require-hwid",
                    "ID",
                    r"A device that the boot image must have a driver for, such as PCI\VEN_8086&DEV_15F3. May be repeated",
                )
                .form(HARDWARE_ID),
                Slot::List(require_hwid),
            ),
            (
                option(
                    "hwids",
                    "FILE",
                    "The reference computer's devices: what `pnputil /enum-devices /connected /ids` \
                     (newer: /deviceids) or `lspci -nn` print there",
                ),
                Slot::Path(hwids),
            ),
            (
                option(
                    "task-sequence",
                    "FILE",
                    "The task sequence, as XML or exported from the console",
                )
                .otherwise("the built-in capture sequence"),
                Slot::Path(task_sequence),
            ),
            (
                option(
                    "capture-destination",
                    "UNC_PATH",
                    r"Where the image is captured to, such as \\server\share\image.wim",
                )
                .form(TEXT_1_TO_255),
                Slot::Text(capture_destination),
            ),
            (
                option("capture-account", r"DOMAIN\NAME", "The account that may write there")
                    .form(TEXT_1_TO_255),
                Slot::Text(capture_account),
            ),
            (
                option(
                    "capture-password-file",
                    "FILE",
                    "A file whose only line is that account's password; only with \
                     --store-password",
                )
                .secret(),
                Slot::Path(capture_password_file),
            ),
            (
                flag(
                    "store-password",
                    "Let passwords stand on the media, readable by everybody who holds it",
                )
                .secret(),
                Slot::Flag(store_password),
            ),
            (
                option("image-creator", "TEXT", "Who made the image").form(TEXT_TO_255),
                Slot::Text(image_creator),
            ),
            (
                option("image-description", "TEXT", "What the image is").form(TEXT_TO_255),
                Slot::Text(image_description),
            ),
            (
                option("image-version", "TEXT", "The version of the image").form(TEXT_TO_32),
                Slot::Text(image_version),
            ),
            (
                option(
                    "runtime",
                    "DIR",
                    "A folder of the site's own task sequence runtime, laid over what the boot \
                     image holds",
                ),
                Slot::Path(runtime),
            ),
            (
                option(
                    "template",
                    "DIR",
                    "A folder of files, laid out like the media, that stand in for those whose \
                     content is not confirmed",
                ),
                Slot::Path(template),
            ),
            (
                option(
                    "add",
                    "HOST=MEDIA_PATH",
                    "Put a file or a folder's content on the media. May be repeated",
                )
                .form(ADD),
                Slot::List(add),
            ),
            (flag("checksum", "Write OUT.sha256 beside the image"), Slot::Flag(checksum)),
            (flag("force", "Replace an existing output file"), Slot::Flag(force)),
        ]
    }
}

#[cfg(test)]
mod tests;
