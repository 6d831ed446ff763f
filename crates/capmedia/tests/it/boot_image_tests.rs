//! The test of a boot image before media is made of it: what it finds is what `create` would say.

use std::net::TcpListener;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use capmedia::dp_content::{Credentials, Password};
use capmedia::{
    Blame, BootImageTest, BootImageTopic, ContentAccess, Error, MediaPlan, TestOutcome,
    test_boot_image,
};
use media_model::{CaptureMediaRequest, ConfigMgrError};
use wim_image::Architecture;

use crate::boot_image_fixtures::Fixture;
use crate::content_locations::Site;
use crate::support::{Workshop, small_wim};

use BootImageTopic::{Access, Content, Drivers};
use TestOutcome::{Failed, Ok as Good, Warning};

fn test(request: &CaptureMediaRequest) -> BootImageTest {
    let request = request.check().unwrap();
    test_boot_image(&request, &ContentAccess::new(), &mut |_| ControlFlow::Continue(())).unwrap()
}

fn outcomes(test: &BootImageTest) -> [Option<TestOutcome>; 5] {
    BootImageTopic::ALL.map(|topic| test.outcome(topic))
}

/// All findings of an outcome, one a line.
fn texts(test: &BootImageTest, outcome: TestOutcome) -> String {
    let of = test.findings.iter().filter(|finding| finding.outcome == outcome);
    let lines = of.map(|it| format!("{}: {}{:?}{:?}\n", it.topic, it.text, it.because, it.remedy));
    lines.collect()
}

#[test]
fn a_good_boot_image() {
    let wim = Fixture::configuration_manager(Architecture::Amd64).wim();
    let workshop = Workshop::with_boot_image(&wim);
    let mut topics = Vec::new();
    let request = workshop.request("cd-dvd").check().unwrap();
    let found = test_boot_image(&request, &ContentAccess::new(), &mut |step| {
        topics.push(step.topic);
        assert!(step.waits_for.ends_with("boot.wim"));
        ControlFlow::Continue(())
    });
    let found = found.unwrap();
    assert!(found.is_usable(), "{}", texts(&found, Failed));
    assert_eq!(topics, BootImageTopic::ALL);
    assert!(outcomes(&found).iter().all(Option::is_some), "{found:?}");
    assert!(texts(&found, Good).contains("the media starts by BIOS and UEFI"), "{found:?}");
    assert_eq!(workshop.out(), [""; 0]);
}

/// What it warns of and what it refuses are what a plan does.
#[test]
fn a_plan_says_the_same() {
    let workshop = Workshop::with_boot_image(&Fixture::adk(Architecture::Amd64).wim());
    for kind in ["cd-dvd", "usb"] {
        let request = workshop.request(kind);
        let warnings = texts(&test(&request), Warning);
        let plan = MediaPlan::new(&request.check().unwrap()).unwrap();
        assert!(!plan.summary().warnings.is_empty());
        for warning in &plan.summary().warnings {
            assert!(warnings.contains(warning.as_str()), "{warning} in {warnings}");
        }
    }
    workshop.put("data.wim", b"no WIM at all");
    let of = |name: &str| {
        CaptureMediaRequest::new(workshop.path(name), "cd-dvd", workshop.path("out/a.iso"))
    };
    let good = of("boot.wim");
    for (request, topic) in [
        (of("no.wim"), Access),
        (of("data.wim"), Content),
        (good.clone().with_boot_index(9), Content),
        (good.clone().with_target_arch("arm64"), BootImageTopic::Architecture),
        (good.clone().with_require_hwid(r"PCI\VEN_8086&DEV_15F3"), Drivers),
        (good.clone().with_boot_manager("2023"), BootImageTopic::BootManager),
        (good.clone().with_boot_files(workshop.path("none")), Access),
    ] {
        let found = test(&request);
        let failed: Vec<_> = found.findings.iter().filter(|it| it.outcome == Failed).collect();
        let [failed] = &*failed else { panic!("{failed:?}") };
        let error = MediaPlan::new(&request.check().unwrap()).unwrap_err();
        assert_eq!((failed.topic, &failed.text), (topic, &error.to_string()));
        assert!(failed.remedy.is_some() || failed.text.contains([';', '\n']), "{failed:?}");
        assert!(!found.is_usable());
        // The first three leave nothing to test; others go on.
        let untested = outcomes(&found).iter().filter(|outcome| outcome.is_none()).count();
        let expected = match topic {
            Access => 4,
            Content => 3,
            BootImageTopic::Architecture => 2,
            _ => 0,
        };
        assert_eq!(untested, expected, "{found:?}");
    }
}

#[test]
fn a_package_at_distribution_points() {
    let site = Site::new(small_wim());
    site.library("good");
    let found = test(&site.boot_image_alone("cd-dvd", &["good"]));
    assert!(found.is_usable(), "{}", texts(&found, Failed));
    let good = texts(&found, Good);
    assert!(good.contains("answers and has") && good.contains("1 files"), "{good}");

    // Another package is there; nothing is; nothing answers.
    let mut request = site.boot_image_alone("cd-dvd", &["good"]);
    request.boot_image = Some("PS1000FF".into());
    let found = test(&request);
    assert_eq!(outcomes(&found), [Some(Good), Some(Failed), None, None, None]);
    let failed = found.findings.iter().find(|it| it.outcome == Failed).unwrap();
    assert!(failed.text.contains("does not have package PS1000FF"), "{failed:?}");
    assert_eq!(failed.config_mgr_error, Some(ConfigMgrError::MissingPackage));
    assert!(failed.remedy.unwrap().contains("distribute"));
    let found = test(&site.boot_image_alone("cd-dvd", &["nowhere", "good"]));
    assert_eq!(found.outcome(Access), Some(Warning), "{found:?}");
    assert!(found.is_usable());
    let found = test(&site.boot_image_alone("cd-dvd", &["nowhere"]));
    assert_eq!(outcomes(&found), [Some(Failed), None, None, None, None]);
}

#[test]
fn a_damaged_copy_is_told_and_another_is_taken() {
    let site = Site::new(small_wim());
    let xml = u64::from_le_bytes(site.wim[80..88].try_into().unwrap()) as usize;
    site.library("bad").flip_byte(&site.wim, xml + 20);
    let found = test(&site.boot_image_alone("cd-dvd", &["bad"]));
    let failed = found.findings.iter().find(|it| it.outcome == Failed).unwrap();
    assert_eq!(failed.topic, Content);
    assert_eq!(failed.config_mgr_error, Some(ConfigMgrError::HashValue), "{failed:?}");
    site.library("good");
    let found = test(&site.boot_image_alone("cd-dvd", &["bad", "good"]));
    assert!(found.is_usable(), "{}", texts(&found, Failed));
    assert!(texts(&found, Warning).contains("is damaged"), "{found:?}");
}

/// A server that takes connections and never answers.
#[test]
fn it_ends_when_told() {
    let site = Site::new(small_wim());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut request = site.boot_image_alone("cd-dvd", &[]).with_user("reader");
    request.distribution_point = vec![format!("http://{}", silent.local_addr().unwrap())];
    let checked = request.check().unwrap();
    let cancelled = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&cancelled);
    let access = ContentAccess::new()
        .with_credentials(Credentials::new("reader", Password::new("geheim".to_owned())))
        .with_cancelled(move || asked.load(Ordering::Relaxed));
    let (started, mut waited_for) = (Instant::now(), String::new());
    let outcome = test_boot_image(&checked, &access, &mut |step| {
        waited_for = step.waits_for.to_owned();
        let later = Arc::clone(&cancelled);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            later.store(true, Ordering::Relaxed);
        });
        ControlFlow::Continue(())
    });
    assert!(waited_for.contains(&request.distribution_point[0]), "{waited_for}");
    assert_eq!(outcome.unwrap_err().blame(), Blame::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(20), "it waited {:?}", started.elapsed());
    assert!(!format!("{access:?}").contains("geheim"));

    // Between topics.
    let request = CaptureMediaRequest::new(site.workshop.path("boot.wim"), "usb", "a.img");
    let request = request.check().unwrap();
    let mut steps = 0;
    let outcome = test_boot_image(&request, &ContentAccess::new(), &mut |_| {
        steps += 1;
        if steps < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(
        matches!(&outcome, Err(error @ Error::Content(_)) if error.blame() == Blame::Cancelled)
    );
    assert_eq!(steps, 3);
}
