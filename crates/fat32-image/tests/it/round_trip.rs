//! Any tree, planned and read back.

use std::collections::BTreeMap;
use std::io::Read;

use extent_image::Timestamp;
use fat32_image::check::Volume;
use fat32_image::{
    Alignment, ClusterSize, FatType, Label, SectorSize, VolumeOptions, VolumeSize, plan,
    smallest_volume,
};
use fatfs::{FileSystem, FsOptions};
use fscommon::StreamSlice;
use proptest::prelude::*;

use crate::image::Image;
use crate::model::{Draft, Expected, Facts, drafts, tree};

/// Where the volume begins in these tests.
const START: u64 = 1 << 20;

fn options() -> impl Strategy<Value = VolumeOptions> {
    let sizes = prop::sample::select(vec![
        (SectorSize::B512, 512),
        (SectorSize::B512, 512),
        (SectorSize::B512, 1024),
        (SectorSize::B512, 2048),
        (SectorSize::B512, 4096),
        (SectorSize::B512, 8192),
        (SectorSize::B512, 16_384),
        (SectorSize::B512, 32_768),
        (SectorSize::B4096, 4096),
        (SectorSize::B4096, 8192),
        (SectorSize::B4096, 16_384),
        (SectorSize::B4096, 32_768),
    ]);
    let alignment = prop::option::of(prop::sample::select(vec![4096, 65_536, 1 << 20]));
    let first = prop::collection::vec("[A-Za-z]{1,2}|similar NAME [0-9].txt", 0..4);
    let last = prop::collection::vec("[A-Za-z]{1,2}|similar NAME [0-9].txt", 0..4);
    (sizes, any::<bool>(), any::<Option<u32>>(), alignment, first, last).prop_map(
        |((sector, cluster), labelled, id, alignment, first, last)| {
            let mut options = VolumeOptions::new()
                .with_sector_size(sector)
                .with_cluster_size(ClusterSize::new(cluster).unwrap())
                .with_hidden_sectors((START / u64::from(sector.bytes())) as u32)
                .with_first_in_root(first)
                .with_last_in_root(last);
            if labelled {
                options = options.with_label(Label::new("TEST LABEL").unwrap());
            }
            if let Some(alignment) = alignment {
                options = options.with_alignment(Alignment::new(alignment).unwrap());
            }
            match id {
                Some(id) => options.with_volume_id(id),
                None => options,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_finds_the_tree(drafts in drafts(), options in options()) {
        every_reader_finds(&drafts, &options)?;
    }

    #[test]
    fn every_reader_finds_the_tree_in_fat16(
        drafts in drafts(), options in options(), is_tight in any::<bool>()
    ) {
        let size = if is_tight { VolumeSize::Tight } else { VolumeSize::Fit };
        every_reader_finds(&drafts, &options.with_fat_type(FatType::Fat16).with_size(size))?;
    }

    #[test]
    fn placements_hold_the_content(drafts in drafts()) {
        let (tree, expected) = tree(&drafts);
        let planned = plan(&tree, &VolumeOptions::new()).unwrap();
        let image = Image::new(planned.plan());
        for id in tree.walk() {
            let Some(facts) = expected.get(&tree.path(id)) else { continue };
            match (&facts.content, planned.placement(id)) {
                (Some(content), None) => prop_assert!(content.is_empty()),
                (Some(content), Some(place)) => {
                    prop_assert_eq!(place.offset() % 4096, 0);
                    prop_assert_eq!(place.len(), content.len() as u64);
                    prop_assert_eq!(&image.part(place.offset(), content.len()), content);
                }
                (None, place) => {
                    let place = place.unwrap();
                    let extents = planned.plan().extents();
                    let extent = &extents[planned.plan().extent_at(place.offset())];
                    prop_assert_eq!((extent.start(), extent.len()), (place.offset(), place.len()));
                    prop_assert_eq!(extent.role(), "directory");
                }
            }
        }
    }

    #[test]
    fn the_smallest_volume_is_the_smallest(drafts in drafts(), blocks in 0..200_000u64) {
        let (mut tree, _) = tree(&drafts);
        if blocks % 3 == 0 {
            tree = crate::model::sample(&[("big", blocks as usize * 100)]);
        }
        for cluster in [None, Some(ClusterSize::B512), Some(ClusterSize::KIB4)] {
            let mut options = VolumeOptions::new();
            if let Some(cluster) = cluster {
                options = options.with_cluster_size(cluster);
            }
            let smallest = smallest_volume(&tree, &options).unwrap();
            let sized = |bytes| options.clone().with_size(VolumeSize::Bytes(bytes));
            prop_assert!(plan(&tree, &sized(smallest)).is_ok());
            prop_assert!(plan(&tree, &sized(smallest - 512)).is_err());
            prop_assert!(plan(&tree, &sized(smallest + 512 * (1 + blocks % 5000))).is_ok());

            let options = options.with_fat_type(FatType::Fat16);
            let smallest = smallest_volume(&tree, &options).unwrap();
            let sized = |bytes| options.clone().with_size(VolumeSize::Bytes(bytes));
            let planned = plan(&tree, &sized(smallest)).unwrap();
            prop_assert_eq!(planned.geometry().fat_type(), FatType::Fat16);
            prop_assert!(plan(&tree, &sized(smallest - 512)).is_err());
        }
    }
}

fn every_reader_finds(drafts: &[Draft], options: &VolumeOptions) -> Result<(), TestCaseError> {
    let (tree, expected) = tree(drafts);
    let planned = plan(&tree, options).unwrap();
    let image = Image::new(planned.plan()).behind(START);

    let len = planned.plan().len();
    let mut volume = Volume::open(image.clone(), START, len).unwrap();
    prop_assert_eq!(volume.check().unwrap(), []);
    prop_assert_eq!(volume.facts().volume_id, planned.volume_id());
    let label = planned.label().map(|label| label.as_str().to_owned());
    prop_assert_eq!(volume.label().unwrap(), label.clone());
    prop_assert_eq!(&read_ours(&mut volume), &expected);

    let end = image.len();
    let slice = StreamSlice::new(image, START, end).unwrap();
    let fs = FileSystem::new(slice, FsOptions::new()).unwrap();
    prop_assert_eq!(fs.volume_id(), planned.volume_id());
    let found = fs.read_volume_label_from_root_dir().unwrap();
    prop_assert_eq!(found, label);
    prop_assert_eq!(fs.stats().unwrap().free_clusters(), planned.free_clusters());
    let mut found = Expected::new();
    read_fatfs(&fs.root_dir(), "", &mut found);
    prop_assert_eq!(&found, &expected);
    Ok(())
}

fn read_ours(volume: &mut Volume<Image>) -> Expected {
    let mut found = BTreeMap::new();
    for entry in volume.walk().unwrap() {
        let content = (!entry.is_folder()).then(|| {
            let mut content = Vec::new();
            volume.open_file(&entry).read_to_end(&mut content).unwrap();
            content
        });
        if let Some(content) = &content {
            // Contiguous, and where the extents say.
            let extents = volume.extents(&entry).unwrap();
            assert_eq!(extents.len(), usize::from(!content.is_empty()));
            let total: u64 = extents.iter().map(|extent| extent.end - extent.start).sum();
            assert_eq!(total, content.len() as u64);
        }
        let modified = entry.modified().unwrap().unix_seconds();
        let facts = Facts { content, attributes: entry.attributes(), modified };
        assert_eq!(found.insert(entry.path(), facts), None);
    }
    found
}

fn read_fatfs(folder: &fatfs::Dir<'_, StreamSlice<Image>>, path: &str, found: &mut Expected) {
    for entry in folder.iter() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        let content = entry.is_file().then(|| {
            let mut content = Vec::new();
            entry.to_file().read_to_end(&mut content).unwrap();
            assert_eq!(content.len() as u64, entry.len());
            content
        });
        let time = entry.modified();
        let text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            time.date.year,
            time.date.month,
            time.date.day,
            time.time.hour,
            time.time.min,
            time.time.sec
        );
        let facts =
            Facts { content, attributes: entry.attributes().bits(), modified: seconds_of(&text) };
        assert_eq!(found.insert(path.clone(), facts), None);
        if entry.is_dir() {
            read_fatfs(&entry.to_dir(), &path, found);
        }
    }
}

/// The moment that is shown as `text`, found by halving.
fn seconds_of(text: &str) -> i64 {
    let (mut low, mut high) = (0i64, 1 << 33);
    while high - low > 1 {
        let middle = (low + high) / 2;
        match Timestamp::from_unix_seconds(middle).to_string().as_str() <= text {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}
