//! The map of a plan against the plan.

use capmedia::{MapKind, MapRegion, MediaPlan, VolumeMap};
use extent_image::{Content, Plan};
use proptest::prelude::*;

use crate::support::{Workshop, noise, small_wim};

/// The region that holds a byte.
fn at(volume: &VolumeMap, byte: u64) -> &MapRegion {
    let after = volume.regions.partition_point(|region| region.start <= byte);
    &volume.regions[after - 1]
}

fn assert_covers(volume: &VolumeMap, plan: &Plan) {
    let mut end = 0;
    for region in &volume.regions {
        assert_eq!(region.start, end, "{region:?}");
        assert!(region.bytes > 0 && region.content_bytes.is_none_or(|len| len <= region.bytes));
        end += region.bytes;
    }
    assert_eq!((end, volume.bytes), (plan.len(), plan.len()));
    let free = |region: &&MapRegion| region.kind == MapKind::Free;
    let inside: u64 = volume.regions.iter().filter(free).map(|region| region.bytes).sum();
    let span = volume.capacity.unwrap_or(volume.bytes);
    assert!(span >= volume.bytes);
    assert_eq!(volume.used, plan.len() - inside);
    assert_eq!(volume.free, span - volume.used);
    assert!(volume.fill_permille <= 1000);
    let kinds: u64 = volume.kinds.iter().map(|total| total.bytes).sum();
    let count: u64 = volume.kinds.iter().map(|total| total.regions).sum();
    assert_eq!((kinds, count), (plan.len(), volume.regions.len() as u64));
    for extent in plan.extents() {
        let region = at(volume, extent.start());
        assert!(extent.end() <= region.start + region.bytes, "{extent} in {region:?}");
        let is_file = region.content_bytes.is_some();
        match extent.content() {
            Content::Free => assert_eq!(region.kind, MapKind::Free, "{extent}"),
            Content::Late(_) => assert_eq!(region.name, "SHA256SUMS"),
            // El Torito's program and the text of a stub are in no tree.
            Content::Source(..) if extent.role() == "file data" => {
                let hidden = ["El Torito program", "text for readers without UDF"];
                assert!(is_file || hidden.contains(&&*region.name), "{extent} in {region:?}");
                let in_file = extent.end() - region.start;
                assert!(!is_file || region.content_bytes.unwrap() >= in_file);
            }
            Content::Bytes(_) if extent.role() == "boot info table" => assert!(is_file),
            Content::Source(..) | Content::Bytes(_) => assert!(!is_file, "{extent} in {region:?}"),
            Content::Zero => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn regions_cover_every_volume(
        kind in prop::sample::select(vec!["cd-dvd", "usb", "hybrid"]),
        table in prop::sample::select(vec!["mbr", "gpt", "none"]),
        file_system in prop::sample::select(vec!["bridge", "iso", "udf-stub"]),
        sector in prop::sample::select(vec!["512", "4096"]),
        small in prop::bool::ANY,
        files in prop::collection::vec((0usize..400_000, 0u64..3), 0..12),
    ) {
        let workshop = Workshop::with_boot_image(&small_wim());
        let mut request = workshop.request(kind);
        if kind == "usb" {
            request = request.with_partition_table(table).with_sector_size(sector);
            if sector == "4096" {
                request = request.with_image_size("300MiB");
            }
        } else {
            request = request.with_file_system(file_system);
        }
        if kind == "cd-dvd" && small {
            request = request.with_media_size("4MB");
        }
        let mut names = Vec::new();
        for (number, (len, seed)) in files.into_iter().enumerate() {
            // Some share their content, some are empty.
            let name = format!("add/{number}.bin");
            workshop.put(&name, noise(if len % 5 == 0 { 0 } else { len % 4 * 100_000 }, seed));
            names.push(name);
        }
        if !names.is_empty() {
            request = request.with_add(workshop.add("add", "Added"));
        }
        let checked = request.check();
        // Not all can be combined.
        prop_assume!(checked.is_ok());
        let media = MediaPlan::new(&checked.unwrap());
        prop_assume!(media.is_ok());
        let media = media.unwrap();
        let map = media.map();
        prop_assert_eq!(map.volumes.len(), media.volumes().count());
        for (volume, plan) in map.volumes.iter().zip(media.volumes()) {
            assert_covers(volume, plan);
        }
        let first = &map.volumes[0];
        let boot_image = first.regions.iter().find(|region| region.kind == MapKind::BootImage);
        prop_assert_eq!(&*boot_image.unwrap().name, "sources/boot.wim");
        let added = map.volumes.iter().flat_map(|volume| &volume.regions);
        let mut added = added.filter(|region| region.name.starts_with("Added/"));
        prop_assert!(added.all(|region| region.kind == MapKind::Packages));
        prop_assert_eq!(&map, &media.map());
    }
}

#[test]
fn every_structure_is_told() {
    let workshop = Workshop::new();
    workshop.put("one/a.bin", noise(300_000, 1));
    workshop.put("one/b.bin", noise(300_000, 1));
    let names = |request: capmedia::media_model::CaptureMediaRequest| {
        let request = request.with_add(workshop.add("one", "One"));
        let map = MediaPlan::new(&request.check().unwrap()).unwrap().map();
        let regions = map.volumes[0].regions.clone();
        let told = |region: &MapRegion| (region.kind, region.name.clone());
        (regions.iter().map(told).collect::<Vec<_>>(), regions)
    };
    let has = |regions: &[(MapKind, String)], kind, name: &str| {
        assert!(regions.contains(&(kind, name.to_owned())), "{name} is not in {regions:?}");
    };
    let (disc, regions) = names(workshop.request("cd-dvd"));
    has(&disc, MapKind::BootStructures, "boot catalog");
    has(&disc, MapKind::Tables, "path tables");
    has(&disc, MapKind::Directories, "UDF folders");
    // Stored once.
    let shared = regions.iter().find(|region| region.name == "One/a.bin").unwrap();
    assert_eq!((shared.shared_with, shared.content_bytes), (1, Some(300_000)));
    assert!(!disc.iter().any(|(_, name)| name == "One/b.bin"));

    let (stick, _) = names(workshop.request("usb"));
    assert_eq!(stick[0], (MapKind::BootStructures, "master boot record".to_owned()));
    has(&stick, MapKind::Padding, "before the partition");
    has(&stick, MapKind::Tables, "file allocation table, copy");
    has(&stick, MapKind::Free, "free clusters");
    has(&stick, MapKind::Packages, "One/b.bin");
    let (gpt, _) = names(workshop.request("usb").with_partition_table("gpt"));
    has(&gpt, MapKind::BootStructures, "GUID partition table");
    assert_eq!(gpt.last().unwrap().1, "GUID partition table, copy");
    let (hybrid, _) = names(workshop.request("hybrid"));
    has(&hybrid, MapKind::Tables, "FAT volume: file allocation table");
    has(&hybrid, MapKind::BootStructures, "FAT volume: boot sector");
}
