//! Facts become a plan: the media tree in its file system, and that on its disk.

mod disc;
pub(crate) mod inputs;
pub(crate) mod laid;
pub(crate) mod parts;
pub(crate) mod resolve;
mod set;
pub(crate) mod set_error;
mod span;
pub(crate) mod stick;

use std::path::{Path, PathBuf};

use dp_content::{Content, ContentError};
use extent_image::{Data, Plan, Tree};
use iso9660_image::{Notice, PlanError, TreeKind};
use media_model::{
    CheckedContent, CheckedRequest, FatLabel, FileSystem, MediaLabel, MediaPath, MediaType,
};

use crate::boot::starts::Starts;
use crate::content::access::ContentAccess;
use crate::content::packages;
use crate::create::refuse_content_folders;
use crate::error::Error;
use crate::publish::Target;
use crate::report::{LabelSummary, Summary, VolumeSummary, Warning};
use crate::tree::compose::{Composed, Facts, compose};
use crate::tree::large;

use self::disc::DiscStart;
use self::inputs::Inputs;
use self::laid::Laid;
use self::resolve::{Resolved, resolve};
use self::set::{MediaSet, SetOptions};
use self::stick::{DiskShape, Stick};

/// What a plan was made from.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) request: CheckedRequest,
    pub(crate) content: dp_content::Content,
    shape: DiskShape,
    /// Bad copies that were known of when it was made.
    bad_copies: usize,
}

/// Media ready to be written: opened, checked, laid out to the last byte.
#[derive(Debug)]
#[must_use]
pub struct MediaPlan {
    first: Plan,
    /// The volumes behind the first.
    others: Vec<Plan>,
    /// How a stick is laid out.
    stick: Option<Stick>,
    /// Where the files of each volume lie.
    laid: Vec<Laid>,
    /// Where `--add` and packages put something; of a set, on its last volume.
    added: Vec<MediaPath>,
    /// Whether drives are read back.
    reads_back: bool,
    summary: Summary,
    /// How to make it again with other copies of content.
    again: Option<Again>,
    /// Files that were read for it, beside those whose bytes it holds.
    read: Vec<PathBuf>,
}

impl MediaPlan {
    /// Opens what the request names and lays out the media. Nothing is written. Distribution points
    /// are asked without an account; see [`with_content`](Self::with_content).
    ///
    /// # Errors
    /// [`Error`]: the boot image, a boot file or something to be added cannot be used, or the media
    /// cannot be laid out as asked.
    pub fn new(request: &CheckedRequest) -> Result<Self, Error> {
        match request.content() {
            None => Self::of_files(request, DiskShape::of_image(request)),
            Some(content) => Self::with_content(request, &ContentAccess::new().open(content)?),
        }
    }

    /// For a request without content of distribution points.
    pub(crate) fn of_files(request: &CheckedRequest, shape: DiskShape) -> Result<Self, Error> {
        // A request checked for a package names a location.
        let boot_image = request.boot_image().file().ok_or(ContentError::NoLocation)?;
        Self::of(request, &Inputs::local(boot_image)?, shape)
    }

    /// The same for a request whose boot image, or whose packages, come from `content`. Of what is
    /// large only those ranges are fetched that must be known. A copy that is found to be damaged is
    /// put aside, and another is taken.
    ///
    /// # Errors
    /// As of [`new`](Self::new), [`Error::Packages`] with all packages that are not to be had, and
    /// [`Error::OutputInContent`] where the request's output lies where content is read from.
    pub fn with_content(request: &CheckedRequest, content: &Content) -> Result<Self, Error> {
        if let Some(target) = Target::of(request) {
            refuse_content_folders(request, &target, 1)?;
        }
        Self::of_content(request, content, DiskShape::of_image(request))
    }

    /// For a request with content of distribution points.
    pub(crate) fn of_content(
        request: &CheckedRequest,
        content: &Content,
        shape: DiskShape,
    ) -> Result<Self, Error> {
        packages::with_other_copies(content, || {
            let bad_copies = content.bad_copies();
            let (inputs, mut summary) = packages::inputs(request, content)?;
            let mut plan = Self::of(request, &inputs, shape)?;
            summary.events = packages::events(content);
            plan.summary.warnings.extend(packages::warnings(&summary.events));
            plan.summary.content = Some(summary);
            let (request, content) = (request.clone(), content.clone());
            plan.again = Some(Again { request, content, shape, bad_copies });
            Ok(plan)
        })
    }

    fn of(request: &CheckedRequest, inputs: &Inputs, shape: DiskShape) -> Result<Self, Error> {
        let Resolved {
            facts,
            machines,
            boot_manager,
            starts,
            configurations,
            boot_index,
            devices,
            mut warnings,
            boot_image,
        } = resolve(request, inputs, &shape)?;
        let mut composed = compose(&facts)?;
        if request.media_type().is_stick() {
            composed = large::fit(&facts, composed, &mut warnings)?;
        }
        let mut media = Media { request, starts, composed, warnings };
        let mut stick = None;
        let (first, others) = match request.media_type() {
            MediaType::CdDvd => media.discs(facts)?,
            MediaType::Hybrid => {
                let start = DiscStart::of_hybrid(request, &media.composed, &media.starts)?;
                (media.hybrid(start)?, Vec::new())
            }
            MediaType::Usb => {
                let (image, laid_out) = media.usb(shape)?;
                stick = Some(laid_out);
                (image, Vec::new())
            }
            other => return Err(Error::MediaType { media_type: other.as_str() }),
        };
        let Media { composed, warnings, .. } = media;
        let Composed { description, added, .. } = composed;
        let (mut plans, mut volumes, mut laid) =
            (Vec::new(), vec![first.summary], vec![first.laid]);
        for image in others {
            plans.push(image.plan);
            volumes.push(image.summary);
            laid.push(image.laid);
        }
        let summary = Summary {
            media_type: request.media_type().as_str().to_owned(),
            label: request.label().as_str().to_owned(),
            architecture: machines.image.name().to_owned(),
            target_architecture: machines.target.name().to_owned(),
            boot_manager,
            boot_image,
            boot_index,
            boot_configuration: configurations,
            set_id: description.set_id,
            devices,
            volumes,
            split: description.joins,
            content: None,
            warnings,
        };
        // Boot files come out of the boot image, whether or not its own extent is met.
        let options = [
            request.boot_image().file(),
            request.hwids(),
            request.task_sequence(),
            request.capture_password_file(),
        ];
        let of_content = request.content().into_iter().flat_map(CheckedContent::read_paths);
        let options = options.into_iter().flatten().chain(of_content).map(Path::to_path_buf);
        let read = options.chain(request.read_files().iter().cloned()).collect();
        let reads_back = !request.no_verify();
        let (first, others) = (first.plan, plans);
        Ok(Self { first, others, stick, laid, added, reads_back, summary, again: None, read })
    }

    /// The files of this machine that the media is made of.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let extents = self.volumes().flat_map(Plan::extents);
        let sources = extents.filter_map(|extent| match extent.content() {
            extent_image::Content::Source(source, _) => source.local_path(),
            _ => None,
        });
        self.read.iter().map(PathBuf::as_path).chain(sources)
    }

    /// What it was made from, where a part is content that has other copies.
    pub(crate) fn again(&self) -> Option<&Again> {
        self.again.as_ref()
    }

    /// The plan anew, where content that this one was made from may have turned out to be damaged.
    pub(crate) fn renewed(&self) -> Result<Option<Self>, Error> {
        match &self.again {
            Some(Again { request, content, shape, bad_copies })
                if content.bad_copies() > *bad_copies =>
            {
                Self::of_content(request, content, *shape).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The image, extent by extent; of a set, the first.
    pub fn plan(&self) -> &Plan {
        &self.first
    }

    /// The images of all volumes, first to last, as the summary lists them: one, unless the media
    /// does not fit a disc of the size asked for.
    pub fn volumes(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What is on a stick, and how it is laid out there; `None` for discs.
    pub(crate) fn stick(&self) -> Option<(&Tree, &Stick)> {
        Some((&*self.laid.first()?.tree, self.stick.as_ref()?))
    }

    /// Where the files of each volume lie.
    pub(crate) fn laid(&self) -> &[Laid] {
        &self.laid
    }

    /// Where `--add` and packages put something on a stick.
    pub(crate) fn added(&self) -> &[MediaPath] {
        &self.added
    }

    /// Whether drives are read back.
    pub(crate) fn reads_back(&self) -> bool {
        self.reads_back
    }

    /// Adds to what the operator should know.
    pub(crate) fn tell(&mut self, warnings: Vec<Warning>) {
        self.summary.warnings.extend(warnings);
    }

    /// What is known of the media before its first byte.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// A folder of long paths gives a notice for each; nobody reads a thousand.
const NOTICES_TOLD: usize = 20;

/// A volume laid out.
struct Image {
    plan: Plan,
    summary: VolumeSummary,
    laid: Laid,
}

struct Media<'a> {
    request: &'a CheckedRequest,
    starts: Starts,
    composed: Composed,
    warnings: Vec<Warning>,
}

impl Media<'_> {
    /// One disc, or as many as it takes: the first, and the others.
    fn discs(&mut self, facts: Facts) -> Result<(Image, Vec<Image>), Error> {
        let start = |composed: &Composed| match composed.description.volume {
            1 => DiscStart::of_disc(self.request, composed, &self.starts),
            _ => Ok(DiscStart::default()),
        };
        let sectors = |composed: &Composed| -> Result<u64, Error> {
            let options = disc::options(self.request, &composed.description, start(composed)?)?;
            match iso9660_image::sectors_needed(&composed.tree, &options) {
                // What no disc at all can hold may still be split.
                Err(PlanError::FileTooLarge { .. } | PlanError::TooManySectors { .. })
                    if self.request.split_files() =>
                {
                    Ok(u64::MAX)
                }
                needed => Ok(needed?),
            }
        };
        let single = match self.request.media_size().sectors() {
            None => None,
            Some(capacity) => {
                let needed = sectors(&self.composed)?;
                (needed > capacity).then_some((capacity, needed))
            }
        };
        let Some((capacity, single)) = single else {
            let start = start(&self.composed)?;
            return Ok((self.shared_disc(start)?, Vec::new()));
        };
        let options = SetOptions {
            capacity,
            split_files: self.request.split_files(),
            // The file entry of UDF.
            sectors_per_file: u64::from(self.request.file_system() != FileSystem::Iso),
            single,
        };
        let set = MediaSet::new(facts, &self.composed.added, &options, &mut { sectors })?;
        self.warnings.extend(set.warnings());
        self.composed = set.compose(1)?;
        let start = DiscStart::of_disc(self.request, &self.composed, &self.starts)?;
        let first = self.shared_disc(start)?;
        let mut others = Vec::new();
        for number in set.numbers_after_first() {
            self.composed = set.compose(number)?;
            others.push(self.shared_disc(DiscStart::default())?);
        }
        Ok((first, others))
    }

    fn shared_disc(&mut self, start: DiscStart) -> Result<Image, Error> {
        let mut image = self.disc(start)?;
        image.summary.shared_files = shared_files(&self.composed.tree);
        Ok(image)
    }

    fn disc(&mut self, start: DiscStart) -> Result<Image, Error> {
        let label = self.request.label();
        let (boots, fat_len) = (start.boots(&self.starts), start.fat_len());
        let options = disc::options(self.request, &self.composed.description, start)?;
        let image = iso9660_image::plan(&self.composed.tree, &options)?;
        // Names in the primary tree change by rule, and Windows never shows them.
        let told = |notice: &Notice| !matches!(notice, Notice::Renamed(rename) if rename.tree == TreeKind::Primary);
        let notices: Vec<String> = image
            .notices(&self.composed.tree)
            .filter(told)
            .map(|notice| notice.to_string())
            .collect();
        let more = notices.len().saturating_sub(NOTICES_TOLD);
        self.warnings.extend(notices.into_iter().take(NOTICES_TOLD).map(Warning::new));
        if more > 0 {
            self.warnings.push(Warning::new(format!("and {more} more of this kind")));
        }
        let iso = label_summary("ISO 9660", image.volume_id().as_str(), label);
        let mut labels = vec![iso];
        let joliet = image.joliet_volume_id().map(|id| label_summary("Joliet", id.as_str(), label));
        labels.extend(joliet);
        let file_system = match self.request.file_system() {
            FileSystem::Iso => "ISO 9660, Joliet",
            FileSystem::UdfStub => "UDF 1.02",
            _ => "ISO 9660, Joliet, UDF 1.02",
        };
        if self.request.file_system() != FileSystem::Iso {
            let (udf, _) = disc::labels(label, &self.composed.description);
            labels.push(label_summary("UDF", udf.as_str(), label));
        }
        let laid = Laid::disc(&self.composed, &image, fat_len);
        let plan = image.into_plan();
        let mut summary = self.volume(&plan, file_system, labels, boots);
        summary.capacity = self.request.media_size().bytes();
        Ok(Image { plan, summary, laid })
    }

    fn hybrid(&mut self, start: DiscStart) -> Result<Image, Error> {
        let mut image = self.disc(start)?;
        let (label, summary) = (self.request.label(), &mut image.summary);
        summary.file_system = format!("{} and FAT32", summary.file_system);
        let fat = FatLabel::from_media_label(label);
        summary.labels.push(label_summary("FAT", fat.as_str(), label));
        Ok(image)
    }

    fn usb(&mut self, shape: DiskShape) -> Result<(Image, Stick), Error> {
        let (label, bios) = (self.request.label(), self.starts.bios);
        let Composed { tree, set_id, .. } = &self.composed;
        let stick = Stick::new(tree, label, set_id, bios, shape)?;
        for note in stick.volume().notes() {
            self.warnings.push(Warning::new(note.to_string()));
        }
        let plan = stick.disk()?;
        let fat = stick.volume().label().map_or("", |label| label.as_str());
        let labels = vec![label_summary("FAT", fat, label)];
        let boots = bios.then_some("BIOS").into_iter().chain(self.starts.uefi);
        let boots = boots.map(str::to_owned).collect();
        let summary = self.volume(&plan, "FAT32", labels, boots);
        let laid = Laid::stick(&self.composed, stick.volume(), stick.body().start);
        Ok((Image { plan, summary, laid }, stick))
    }

    fn volume(
        &self,
        plan: &Plan,
        file_system: &str,
        labels: Vec<LabelSummary>,
        boots: Vec<String>,
    ) -> VolumeSummary {
        let tree = &self.composed.tree;
        let files = tree.data_order();
        VolumeSummary {
            number: self.composed.description.volume,
            bytes: plan.len(),
            capacity: None,
            files: files.len() as u64,
            content_bytes: files.iter().filter_map(|id| tree.data(*id)).map(Data::len).sum(),
            shared_files: 0,
            file_system: file_system.to_owned(),
            labels,
            boots,
        }
    }
}

fn label_summary(place: &str, label: &str, asked: &MediaLabel) -> LabelSummary {
    let changed = label != asked.as_str();
    LabelSummary { place: place.to_owned(), label: label.to_owned(), changed }
}

/// Files that share the content of an earlier one.
fn shared_files(tree: &Tree) -> u64 {
    let mut seen = std::collections::HashSet::new();
    let ids = tree.data_order();
    let sources = ids.iter().filter_map(|id| tree.data(*id)).filter(|data| !data.is_empty());
    sources.filter_map(Data::source_id).filter(|id| !seen.insert(*id)).count() as u64
}

#[cfg(test)]
mod tests {
    use fat32_image::Label;
    use iso9660_image::{JolietVolumeId, VolumeId};
    use media_model::{IsoLabel, JolietLabel};

    use super::*;

    #[test]
    fn every_media_label_has_a_form_that_each_writer_takes() {
        for c in ' '..='~' {
            for text in
                [format!("{c}"), format!("a{c}"), format!("{c}b"), format!("Label {c} text")]
            {
                let label = MediaLabel::new(&text).unwrap();
                assert!(
                    VolumeId::new(IsoLabel::from_media_label(&label).as_str()).is_ok(),
                    "{text}"
                );
                let joliet = JolietLabel::from_media_label(&label);
                assert!(JolietVolumeId::new(joliet.as_str()).is_ok(), "{text}");
                assert!(Label::new(FatLabel::from_media_label(&label).as_str()).is_ok(), "{text}");
            }
        }
    }
}
