//! Which of our errors Configuration Manager has a name for.

use extent_image::StreamError;
use fat32_image::{Problem, VolumeError};
use iso9660_image::PlanError;
use media_device::Refusal;
use media_model::ConfigMgrError;

use crate::content::packages::content_error;
use crate::drives::{DriveRefusal, DrivesError};
use crate::error::Error;
use crate::plan::resolve::ResolveError;
use crate::plan::set_error::SpanError;
use crate::publish::error::PublishError;

impl Error {
    /// What Configuration Manager calls it, where it has a name for it.
    pub fn config_mgr_error(&self) -> Option<ConfigMgrError> {
        if let Some(error) = content_error(self) {
            return error.config_mgr_error();
        }
        let too_large = match self {
            Self::Packages(error) => return error.config_mgr_error(),
            Self::Refresh(error) => return error.config_mgr_error(),
            Self::Span(error) => matches!(
                error,
                SpanError::FirstVolume { .. }
                    | SpanError::File { .. }
                    | SpanError::Wim { .. }
                    | SpanError::TooManyVolumes { .. }
            ),
            Self::Disc(error) => matches!(
                error,
                PlanError::Capacity { .. }
                    | PlanError::FileTooLarge { .. }
                    | PlanError::TooManySectors { .. }
            ),
            Self::Volume(error) | Self::EfiVolume { source: error, .. } => fits_no_volume(error),
            Self::Resolve(ResolveError::MediaData(error)) => {
                return error
                    .problems()
                    .into_iter()
                    .find_map(media_model::Problem::config_mgr_error);
            }
            Self::Drives(DrivesError::Ended { source, .. }) => return source.config_mgr_error(),
            Self::Drives(DrivesError::Refused { refusals }) => {
                let small =
                    |refusal: &_| matches!(refusal, DriveRefusal::Drive(Refusal::TooSmall { .. }));
                refusals.iter().any(small)
            }
            Self::Publish(PublishError::Stream { source, .. })
            | Self::Pipe(source)
            | Self::Drives(DrivesError::Stream(source)) => {
                return matches!(source, StreamError::DigestMismatch(_))
                    .then_some(ConfigMgrError::HashValue);
            }
            _ => false,
        };
        too_large.then_some(ConfigMgrError::PackageTooLarge)
    }
}

impl Error {
    /// What is wrong with the task sequence that was given, each with its remedy; empty for other
    /// errors.
    pub fn problems(&self) -> Vec<&media_model::Problem> {
        match self {
            Self::Resolve(ResolveError::MediaData(error)) => error.problems(),
            _ => Vec::new(),
        }
    }
}

fn fits_no_volume(error: &VolumeError) -> bool {
    match error {
        VolumeError::TooSmall { .. } | VolumeError::TooLarge { .. } => true,
        VolumeError::Tree { problems, .. } => {
            problems.iter().any(|problem| matches!(problem, Problem::FileSize { .. }))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_nowhere_is_a_package_too_large() {
        let too_large = Some(ConfigMgrError::PackageTooLarge);
        let file = |found| Problem::FileSize { path: "a.wim".to_owned(), found };
        let tree = VolumeError::Tree { problems: vec![file(1 << 32)], total: 1 };
        assert_eq!(Error::Volume(tree).config_mgr_error(), too_large);
        let names = Problem::ShortNames { path: "a".to_owned() };
        let tree = VolumeError::Tree { problems: vec![names], total: 1 };
        assert_eq!(Error::Volume(tree).config_mgr_error(), None);
        let small = VolumeError::TooSmall { given: 1, smallest: 2 };
        assert_eq!(Error::Volume(small).config_mgr_error(), too_large);
        let disc = PlanError::Capacity { needed: 2, allowed: 1, over: 1 };
        assert_eq!(Error::Disc(disc).config_mgr_error(), too_large);
        let many = SpanError::TooManyVolumes { volumes: 70_000, allowed: 65_535 };
        assert_eq!(Error::Span(many).config_mgr_error(), too_large);
        assert_eq!(Error::MediaType { media_type: "tape" }.config_mgr_error(), None);
    }
}
