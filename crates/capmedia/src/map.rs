//! A plan as a picture: which bytes of each volume are what.

mod bar;
mod figures;
mod regions;
mod style;
mod svg;
mod text;

use serde::Serialize;

use crate::drives::{DriveTargets, unused_of};
use crate::plan::MediaPlan;
use crate::report::VolumeSummary;

pub use svg::map_svg;
pub use text::map_text;

/// Where everything lies on planned media, volume by volume.
///
/// It follows from the plan alone, and equal plans give equal maps. It holds the path of every file;
/// nothing of what these hold.
///
/// ```
/// use capmedia::{MapKind, MediaPlan, map_text, media_model::CaptureMediaRequest, sample};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// # let boot_image = folder.join("boot.wim");
/// # std::fs::write(&boot_image, sample::boot_image()?)?;
/// let request = CaptureMediaRequest::new(&boot_image, "cd-dvd", folder.join("capture.iso"));
/// let request = request.check().map_err(|problems| format!("{problems:?}"))?;
/// let map = MediaPlan::new(&request)?.map();
/// let disc = &map.volumes[0];
/// let boot_image = disc.regions.iter().find(|region| region.kind == MapKind::BootImage);
/// assert_eq!(boot_image.map(|region| &*region.name), Some("sources/boot.wim"));
/// print!("{}", map_text(&map, 80, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MediaMap {
    /// `cd-dvd`, `usb` or `hybrid`.
    pub media_type: String,
    /// The media label, whole.
    pub label: String,
    /// The volumes, first to last; one layout for all drives of a run.
    pub volumes: Vec<VolumeMap>,
    /// The drives that are more than 1 % larger than the volume; empty until
    /// [`with_drives`](Self::with_drives).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub larger_drives: Vec<LargerDrive>,
}

/// A drive that is larger than the media on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LargerDrive {
    /// The drive.
    pub path: String,
    /// Bytes behind the volume.
    pub unused_bytes: u64,
}

impl MediaMap {
    /// Tells which of the drives that the media goes onto are larger than it.
    pub fn with_drives(mut self, drives: &DriveTargets) -> Self {
        let used = self.volumes.first().map_or(0, |volume| volume.bytes);
        let larger = drives.drives().iter().filter_map(|drive| {
            let unused_bytes = unused_of(drive.len, used)?;
            Some(LargerDrive { path: drive.path.display().to_string(), unused_bytes })
        });
        self.larger_drives = larger.collect();
        self
    }
}

/// Where everything lies on one volume, or on the disk around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct VolumeMap {
    /// Number in the set, from 1.
    pub number: u32,
    /// For people: `Disc 2 of 3`, `USB disk`.
    pub name: String,
    /// The label as Windows shows it.
    pub label: String,
    /// The file systems.
    pub file_system: String,
    /// Length of the image in bytes: partition tables and what lies outside of partitions included.
    pub bytes: u64,
    /// Length that it may have at most, in bytes, where that was limited; never less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// Bytes of the image that are not free.
    pub used: u64,
    /// Bytes that could hold more: free ones of the image, and what it leaves of the capacity.
    pub free: u64,
    /// Used thousandths of both, rounded down: 1000 only when nothing is free.
    pub fill_permille: u32,
    /// What all regions of each kind take, in the order of [`MapKind::ALL`]; kinds that are not there
    /// are left out.
    pub kinds: Vec<KindTotal>,
    /// In order of place: they touch, from byte 0 to [`bytes`](Self::bytes).
    pub regions: Vec<MapRegion>,
}

/// Bytes of a volume that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MapRegion {
    /// What it is.
    pub kind: MapKind,
    /// The path of a file with `/`, or the name of a structure. Paths are as untrusted as the package
    /// that they come from.
    pub name: String,
    /// First byte in the image.
    pub start: u64,
    /// Bytes that it takes, never 0. What is left over of a file's last sector or cluster, and what is
    /// skipped so that the next one begins on 4 KiB, belongs to the file.
    pub bytes: u64,
    /// Bytes of content, where it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_bytes: Option<u64>,
    /// Further files that are stored by the same bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub shared_with: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What a region of a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MapKind {
    /// What firmware starts from, and what leads it there: partition tables, boot sectors, the boot
    /// catalog and what it starts.
    BootStructures,
    /// File allocation tables, path tables, volume descriptors, file entries of UDF.
    Tables,
    /// Names of files.
    Directories,
    /// The boot image.
    BootImage,
    /// What `--package` and `--add` put there.
    Packages,
    /// All other files: boot files, the task sequence, what describes the media.
    OtherFiles,
    /// Zeros that nothing can use: before a partition, at the end of a disc or disk.
    Padding,
    /// Room for more.
    Free,
}

impl MapKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::BootStructures,
        Self::Tables,
        Self::Directories,
        Self::BootImage,
        Self::Packages,
        Self::OtherFiles,
        Self::Padding,
        Self::Free,
    ];

    /// The name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BootStructures => "boot structures",
            Self::Tables => "tables",
            Self::Directories => "directories",
            Self::BootImage => "boot image",
            Self::Packages => "packages",
            Self::OtherFiles => "other files",
            Self::Padding => "padding",
            Self::Free => "free",
        }
    }

    /// Place in [`ALL`](Self::ALL).
    fn index(self) -> usize {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or_default()
    }
}

impl std::fmt::Display for MapKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What all regions of a kind take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct KindTotal {
    /// The kind.
    pub kind: MapKind,
    /// How many regions.
    pub regions: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl MediaPlan {
    /// Where everything lies. It is made anew each time, with the path of every file.
    pub fn map(&self) -> MediaMap {
        let summary = self.summary();
        let count = summary.volumes.len();
        let volumes = self.volumes().zip(self.laid()).zip(&summary.volumes);
        let volumes = volumes.map(|((plan, laid), told)| {
            let regions = regions::of(plan, laid);
            let name = match (&*summary.media_type, count) {
                ("usb", _) => "USB disk".to_owned(),
                ("hybrid", _) => "Disc and USB disk".to_owned(),
                (_, 1) => "Disc".to_owned(),
                _ => format!("Disc {} of {count}", told.number),
            };
            VolumeMap::new(name, told, regions)
        });
        MediaMap {
            media_type: summary.media_type.clone(),
            label: summary.label.clone(),
            volumes: volumes.collect(),
            larger_drives: Vec::new(),
        }
    }
}

impl VolumeMap {
    fn new(name: String, told: &VolumeSummary, regions: Vec<MapRegion>) -> Self {
        let mut totals = MapKind::ALL.map(|kind| KindTotal { kind, regions: 0, bytes: 0 });
        for region in &regions {
            if let Some(total) = totals.get_mut(region.kind.index()) {
                total.regions += 1;
                total.bytes = total.bytes.saturating_add(region.bytes);
            }
        }
        let free_inside = totals.iter().find(|total| total.kind == MapKind::Free);
        let free_inside = free_inside.map_or(0, |total| total.bytes);
        let capacity = told.capacity.map(|capacity| capacity.max(told.bytes));
        let span = capacity.unwrap_or(told.bytes);
        let used = told.bytes.saturating_sub(free_inside);
        let permille = u128::from(used) * 1000 / u128::from(span.max(1));
        Self {
            number: told.number,
            name,
            label: label(told),
            file_system: told.file_system.clone(),
            bytes: told.bytes,
            capacity,
            used,
            free: span.saturating_sub(used),
            fill_permille: u32::try_from(permille).unwrap_or(1000),
            kinds: totals.into_iter().filter(|total| total.regions > 0).collect(),
            regions,
        }
    }

    /// Bytes that a picture of it shows: the capacity where there is one.
    fn span(&self) -> u64 {
        self.capacity.unwrap_or(self.bytes)
    }
}

/// UDF is what Windows reads first of a disc, then Joliet.
fn label(told: &VolumeSummary) -> String {
    let place = |place: &str| told.labels.iter().find(|label| label.place == place);
    let shown = place("UDF").or_else(|| place("Joliet")).or_else(|| told.labels.first());
    shown.map(|label| label.label.clone()).unwrap_or_default()
}
