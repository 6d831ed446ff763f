//! The same request gives the same bytes, whoever asks, whenever, and wherever they go.

use std::fs::{self, File};
use std::io::Read;

use capmedia::{MediaPlan, Target};
use extent_image::{Digest, Hasher};
use media_model::CaptureMediaRequest;

use crate::support::{Workshop, make, read, set_time};

fn digest(mut from: impl Read) -> Digest {
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 1 << 20]);
    loop {
        match from.read(&mut buffer).unwrap() {
            0 => return hasher.finish(),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn piped(request: &CaptureMediaRequest) -> Vec<u8> {
    let mut request = request.clone();
    request.path = vec!["-".into()];
    let mut bytes = Vec::new();
    let made =
        MediaPlan::new(&request.check().unwrap()).unwrap().write_to(&mut bytes, &mut ()).unwrap();
    assert_eq!((&*made.path, made.written_bytes), ("-", bytes.len() as u64));
    bytes
}

#[test]
fn twice_elsewhere_and_through_a_pipe() {
    for kind in ["cd-dvd", "usb"] {
        let workshop = Workshop::new();
        workshop.put("tools/read me.txt", "hello");
        let request = workshop
            .request(kind)
            .with_checksum(true)
            .with_include_autorun(true)
            .with_add(workshop.add("tools", "Tools"));
        let first = make(&request).unwrap();
        let mut elsewhere = request.clone();
        elsewhere.path = vec![workshop.path("out/another name")];
        let second = make(&elsewhere).unwrap();
        let third = make(&request.clone().with_force(true)).unwrap();
        assert!(first.sha256.is_some());
        assert_eq!((&first.sha256, &first.summary), (&second.sha256, &second.summary));
        assert_eq!(first.sha256, third.sha256);
        let file = fs::read(&request.path[0]).unwrap();
        assert_eq!(first.sha256, Some(Digest::of(&file).to_string()));
        assert!(file == piped(&request.clone().with_checksum(false)), "{kind}");
        let beside = fs::read_to_string(workshop.path("out/another name.sha256")).unwrap();
        assert_eq!(beside, format!("{}  another name\n", first.sha256.unwrap()));

        // A reader over the plan gives the image without writing it.
        let request = request.with_force(true).check().unwrap();
        let plan = MediaPlan::new(&request).unwrap();
        assert_eq!(digest(plan.plan().reader()), Digest::of(&file));
    }
}

#[test]
fn the_folder_and_its_times_do_not_matter() {
    let image_of = |second: bool| {
        let workshop = Workshop::new();
        // Files made in another order, a folder of another time.
        let mut names = ["b", "a", "c"];
        if second {
            names.sort();
        }
        for name in names {
            workshop.put(&format!("tools/{name}"), name);
        }
        let epoch = Some(1_700_000_000);
        if second {
            set_time(&workshop.path("boot.wim"), 1_900_000_000);
        }
        let request = workshop.request("cd-dvd").with_add(workshop.add("tools", ""));
        piped(&request.with_source_date_epoch(epoch))
    };
    assert!(image_of(false) == image_of(true));
}

#[test]
fn what_is_asked_for_matters() {
    let workshop = Workshop::new();
    let request = workshop.request("cd-dvd");
    let plain = make(&request.clone().with_checksum(true)).unwrap();
    let other = make(&request.clone().with_label("Other").with_checksum(true).with_force(true));
    let other = other.unwrap();
    assert_ne!(plain.sha256, other.sha256);
    assert_ne!(plain.summary.set_id, other.summary.set_id);
}

#[test]
fn a_plan_writes_nothing_and_reads_next_to_nothing() {
    let workshop = Workshop::new();
    let request = workshop.request("usb").check().unwrap();
    let before = read(File::open(workshop.path("boot.wim")).unwrap());
    let plan = MediaPlan::new(&request).unwrap();
    let lines: Vec<String> = plan.plan().extents().iter().map(ToString::to_string).collect();
    assert!(lines.iter().any(|line| line.contains("boot.wim")), "{lines:#?}");
    let mut at = 0;
    for extent in plan.plan().extents() {
        assert_eq!(extent.start(), at);
        at += extent.len();
    }
    assert_eq!((at, plan.summary().volumes[0].bytes), (40 << 20, 40 << 20));
    drop(plan);
    assert_eq!(workshop.out(), [] as [&str; 0]);
    assert!(before == fs::read(workshop.path("boot.wim")).unwrap());
    let mut folder: Vec<_> = fs::read_dir(workshop.path("")).unwrap().map(Result::unwrap).collect();
    folder.sort_by_key(fs::DirEntry::file_name);
    assert_eq!(folder.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), ["boot.wim", "out"]);
}

#[test]
fn a_plan_can_be_written_twice() {
    let workshop = Workshop::new();
    let request = workshop.request("cd-dvd").with_force(true).check().unwrap();
    let plan = MediaPlan::new(&request).unwrap();
    let mut images = Vec::new();
    for _ in 0..2 {
        plan.publish(&Target::of(&request).unwrap(), &mut ()).unwrap();
        images.push(fs::read(workshop.path("out/capture.iso")).unwrap());
    }
    assert!(images[0] == images[1]);
    assert_eq!(workshop.out(), ["capture.iso"]);
}
