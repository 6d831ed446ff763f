//! What makes bootable media capture media: the task sequence, the runtime, and what starts it
//! (configmgr-media, section 2).
//!
//! ```text
//! request, --task-sequence ──► sequence ─► \SMS\data\TaskSequence.xml
//! boot image, --runtime ─────► runtime ──► \SMS\bin\<arch>\...
//! unconfirmed, --template ───► template ─► \SMS\data\TsmBootstrap.ini, \LaunchMedia.cmd, \autorun.inf
//! ```

use boot_image::BootImage;
use extent_image::{Data, Timestamp};
use media_model::{CheckedRequest, MediaPath};

use crate::boot::machines::Machines;
use crate::report::Warning;
use crate::tree::compose::Added;
use crate::tree::media_data_error::MediaDataError;
use crate::tree::runtime;
use crate::tree::sequence::{SEQUENCE, task_sequence};
use crate::tree::template::Template;
use crate::tree::unconfirmed;

/// A file of the media data.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    pub(crate) path: MediaPath,
    pub(crate) data: Data,
    pub(crate) modified: Timestamp,
    /// Where it comes from.
    pub(crate) origin: String,
}

impl DataFile {
    fn own(name: &'static str, text: String, modified: Timestamp) -> Option<Self> {
        let path = MediaPath::new(name).ok()?;
        Some(Self { path, data: Data::bytes(name, text), modified, origin: "capmedia".to_owned() })
    }
}

/// Everything of the media data, files of ours first; these have the time of the boot image.
/// `added` is what else is on the media. Everything that is wrong is told at once.
pub(crate) fn media_data(
    request: &CheckedRequest,
    image: &BootImage,
    machines: Machines,
    boot_image_modified: Timestamp,
    added: &[Added],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<DataFile>, MediaDataError> {
    let mut errors = Vec::new();
    let mut template = Template::read(request.template()).unwrap_or_else(|error| {
        errors.push(error);
        Template::default()
    });
    let sequence = task_sequence(request, &image.name(), added, warnings);
    let sequence = sequence.unwrap_or_else(|error| {
        errors.push(error);
        String::new()
    });
    let runtime = runtime::runtime(image, machines, request.runtime(), added, warnings);
    let runtime = runtime.unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    });
    if let Some(error) = MediaDataError::of(errors) {
        return Err(error);
    }
    let own = [
        (unconfirmed::LAUNCH_MEDIA, unconfirmed::launch_media()),
        (unconfirmed::AUTORUN, unconfirmed::autorun_inf(request.label().as_str())),
        (unconfirmed::BOOTSTRAP, unconfirmed::bootstrap_ini()),
        (SEQUENCE, sequence),
    ];
    let mut files = Vec::new();
    for (name, text) in own {
        let given = template.take(name);
        if name != unconfirmed::AUTORUN || request.include_autorun() {
            // Every name here is a path; the tests of `is_own_file` hold each against it.
            files.extend(given.or_else(|| DataFile::own(name, text, boot_image_modified)));
        } else if let Some(given) = given {
            warnings.push(Warning::new(format!(
                "{} is not put on the media; add --include-autorun for it",
                given.origin
            )));
        }
    }
    files.extend(runtime);
    Ok(files)
}
