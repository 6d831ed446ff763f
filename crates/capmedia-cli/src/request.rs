//! The options that `create` and `plan` share.

use std::path::PathBuf;

use anyhow::anyhow;
use media_model::{CaptureMediaRequest, CheckedRequest};

use crate::exit::{Code, Failure};

/// Options of a request; they are checked together, so that all problems are told at once.
#[derive(clap::Args)]
pub(crate) struct RequestArgs {
    /// The boot image, a Windows PE WIM.
    #[arg(long, value_name = "FILE")]
    boot_image: Option<PathBuf>,
    /// The kind of media: cd-dvd, usb, or hybrid (one image for both).
    #[arg(long, value_name = "KIND")]
    media_type: Option<String>,
    /// The image file to make; - for standard output.
    #[arg(long, value_name = "OUT")]
    path: Option<PathBuf>,
    /// The media label [default: Configuration Manager].
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Put an autorun.inf on the media.
    #[arg(long)]
    include_autorun: bool,
    /// Size of a disc: 650MB, 4GB, 8GB, <n>MB or unlimited [default: unlimited]. What does not fit
    /// one disc goes onto several: OUT-1, OUT-2 and so on, before the extension.
    #[arg(long, value_name = "SIZE")]
    media_size: Option<String>,
    /// Cut a file that is larger than a disc into numbered parts; `capmedia join` puts it together.
    #[arg(long)]
    split_files: bool,
    /// File systems of a disc: bridge (ISO 9660, Joliet and UDF), iso, or udf-stub (UDF alone)
    /// [default: bridge].
    #[arg(long, value_name = "KIND")]
    file_system: Option<String>,
    /// Whether a disc asks for a key before it starts, yes or no [default: yes].
    #[arg(long, value_name = "ANSWER")]
    boot_prompt: Option<String>,
    /// Size of a USB image, as in 8GB or 512MiB [default: as small as the content allows].
    #[arg(long, value_name = "SIZE")]
    image_size: Option<String>,
    /// A folder searched for boot files before the boot image, such as the Windows ADK's media
    /// folder.
    #[arg(long, value_name = "DIR")]
    boot_files: Option<PathBuf>,
    /// Put a file or a folder's content on the media. May be repeated.
    #[arg(long, value_name = "HOST=MEDIA_PATH")]
    add: Vec<String>,
    /// Write OUT.sha256 beside the image.
    #[arg(long)]
    checksum: bool,
    /// Replace an existing output file.
    #[arg(long)]
    force: bool,
}

impl RequestArgs {
    pub(crate) fn check(&self) -> Result<CheckedRequest, Failure> {
        let mut request = CaptureMediaRequest::default()
            .with_include_autorun(self.include_autorun)
            .with_split_files(self.split_files)
            .with_checksum(self.checksum)
            .with_force(self.force)
            .with_source_date_epoch(source_date_epoch()?);
        request.boot_image.clone_from(&self.boot_image);
        request.media_type.clone_from(&self.media_type);
        request.path.clone_from(&self.path);
        request.label.clone_from(&self.label);
        request.media_size.clone_from(&self.media_size);
        request.file_system.clone_from(&self.file_system);
        request.boot_prompt.clone_from(&self.boot_prompt);
        request.image_size.clone_from(&self.image_size);
        request.boot_files.clone_from(&self.boot_files);
        request.add.clone_from(&self.add);
        request.check().map_err(Failure::problems)
    }
}

/// The agreed way to say that nothing shall look newer than a moment.
fn source_date_epoch() -> Result<Option<i64>, Failure> {
    const NAME: &str = "SOURCE_DATE_EPOCH";
    let Some(value) = std::env::var_os(NAME).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    seconds.map(Some).ok_or_else(|| {
        let error = anyhow!(
            "{NAME} is {value:?}, not a number of seconds since 1970-01-01 UTC; set it right or \
             unset it"
        );
        Failure::new(Code::Request, error)
    })
}
