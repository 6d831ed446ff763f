//! The whole way: request, plan, stream, report.

use std::io::{self, Write};

use extent_image::host::file_id;
use extent_image::{Plan, Progress, Report, StreamOptions};
use media_model::CheckedRequest;

use crate::error::Error;
use crate::plan::MediaPlan;
use crate::publish::{Published, Target};
use crate::report::{Made, MadeImage, Warning};

/// Makes the media that a request asks for, at its path or on standard output.
///
/// # Errors
/// [`Error`]; an image that was at the path before is still there.
pub fn create(request: &CheckedRequest, progress: &mut dyn Progress) -> Result<Made, Error> {
    match Target::of(request) {
        Some(target) => {
            // Before the boot image is opened: a wrong path is the quickest thing to say.
            target.check()?;
            MediaPlan::new(request)?.publish(&target, progress)
        }
        None => MediaPlan::new(request)?.write_to(io::stdout().lock(), progress),
    }
}

impl MediaPlan {
    /// Writes the media and puts it in place when it is whole.
    ///
    /// # Errors
    /// [`Error`]; what was at the target before is still there.
    pub fn publish(&self, target: &Target, progress: &mut dyn Progress) -> Result<Made, Error> {
        self.refuse_inputs(target)?;
        let plans: Vec<&Plan> = self.volumes().collect();
        let published = target.publish_set(&plans, &StreamOptions::default(), progress)?;
        let mut warnings = Vec::new();
        let mut images = Vec::new();
        for Published { path, report, warnings: more, .. } in published {
            images.push(made_image(path.display().to_string(), &report));
            warnings.extend(more);
        }
        Ok(self.made(target.path().display().to_string(), images, warnings))
    }

    /// Streams the media to any writer; the path in the report is `-`.
    ///
    /// # Errors
    /// [`Error::SeveralVolumes`] before the first byte, [`Error::Pipe`].
    pub fn write_to(&self, sink: impl Write, progress: &mut dyn Progress) -> Result<Made, Error> {
        let volumes = self.volumes().count();
        if volumes > 1 {
            return Err(Error::SeveralVolumes { volumes });
        }
        let report = self.plan().write_to(sink, &StreamOptions::default(), progress);
        let image = made_image("-".to_owned(), &report.map_err(Error::Pipe)?);
        Ok(self.made("-".to_owned(), vec![image], Vec::new()))
    }

    fn made(&self, path: String, images: Vec<MadeImage>, warnings: Vec<Warning>) -> Made {
        let mut summary = self.summary().clone();
        summary.warnings.extend(warnings);
        let sha256 = match &*images {
            [image] => image.sha256.clone(),
            _ => None,
        };
        let written_bytes = images.iter().map(|image| image.written_bytes).sum();
        Made { summary, path, written_bytes, sha256, images }
    }

    /// An image that replaced one of its own sources would be whole, and the source lost. Links
    /// hide it from a look at the paths.
    fn refuse_inputs(&self, target: &Target) -> Result<(), Error> {
        let replaced = target.replaced_files(self.volumes().count());
        if replaced.is_empty() {
            return Ok(());
        }
        for input in self.inputs() {
            // An input that is gone will be missed when its turn comes.
            let Ok(id) = file_id(input) else { continue };
            if let Some((output, _)) = replaced.iter().find(|(_, replaced)| *replaced == id) {
                let (output, input) = (output.clone(), input.to_path_buf());
                return Err(Error::OutputIsInput { output, input });
            }
        }
        Ok(())
    }
}

fn made_image(path: String, report: &Report) -> MadeImage {
    let sha256 = report.image_digest.map(|digest| digest.to_string());
    MadeImage { path, written_bytes: report.written, sha256 }
}
