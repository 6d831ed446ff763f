//! Passwords reach the media only on request, and nothing else ever.

use std::fs;

use media_model::task_sequence::{CaptureAccount, CaptureOptions, Secret};

use crate::command::{Bench, Ended, create};

const PASSWORD: &str = "Corr3ct-H0rse-Battery";

/// A sequence that stores the password, and a file that holds it.
fn bench() -> Bench {
    let bench = Bench::new();
    let sequence = CaptureOptions::new()
        .with_account(CaptureAccount::new(r"LAB\capture").unwrap())
        .with_stored_password(Secret::new(PASSWORD).unwrap())
        .sequence();
    let xml = sequence.to_xml().unwrap();
    assert!(xml.contains(PASSWORD));
    bench.put("secret.xml", xml);
    bench.put("password", format!("{PASSWORD}\n"));
    bench
}

/// In UTF-8 or UTF-16: ASCII, with or without zeros between, is text wherever it stands in an image.
fn holds(bytes: &[u8]) -> bool {
    let wide: String = PASSWORD.chars().flat_map(|c| ['\0', c]).collect();
    let holds = |text: &str| text.contains(PASSWORD) || text.contains(&wide);
    bytes.utf8_chunks().any(|chunk| holds(chunk.valid()))
}

#[track_caller]
fn says_nothing(line: &str, ended: &Ended) {
    assert!(!holds(&ended.stdout), "{line}: standard output");
    assert!(!holds(ended.stderr.as_bytes()), "{line}: {}", ended.stderr);
}

/// Files of the folder `out` that hold the password.
fn holders(bench: &Bench) -> Vec<String> {
    let mut names = bench.out();
    names.retain(|name| holds(&fs::read(bench.path("out").join(name)).unwrap()));
    names
}

#[test]
fn by_default_no_output_holds_a_password() {
    let bench = bench();
    for kind in ["cd-dvd", "usb"] {
        let create = format!("{} --task-sequence secret.xml", create(kind));
        let plan = create.replacen("create", "plan", 1);
        for line in [
            format!("{plan} --extents"),
            format!("{plan} --extents --json"),
            format!("{create} --force --checksum"),
            format!("{create} --force --checksum --json"),
        ] {
            let ended = bench.run(&line);
            assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
            says_nothing(&line, &ended);
            let told = format!("{}{}", ended.stderr, String::from_utf8_lossy(&ended.stdout));
            assert!(told.contains("1 stored password was taken out"), "{line}: {told}");
        }
        assert_eq!(holders(&bench), [] as [&str; 0]);
        let image = if kind == "usb" { "out/capture.img" } else { "out/capture.iso" };
        for line in [format!("verify {image}"), format!("inspect {image}")] {
            says_nothing(&line, &bench.run(&line));
        }
    }
    // To standard output goes the image, which holds none either.
    let line = create("cd-dvd").replace("out/capture.iso", "-");
    let ended = bench.run(&format!("{line} --task-sequence secret.xml"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    says_nothing("standard output", &ended);
}

#[test]
fn a_stored_password_is_on_the_media_and_nowhere_else() {
    let bench = bench();
    let line = format!(
        "{} --capture-account LAB\\capture --capture-password-file password --checksum --json",
        create("cd-dvd")
    );
    let ended = bench.run(&line);
    assert_eq!(ended.code, Some(2), "without --store-password");
    says_nothing(&line, &ended);
    let line = format!("{line} --store-password");
    let plan = line.replacen("create", "plan", 1).replace("--checksum", "--extents");
    for line in [&plan, &line] {
        let ended = bench.run(line);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        says_nothing(line, &ended);
        let told = String::from_utf8(ended.stdout).unwrap();
        assert!(told.contains("a PASSWORD stands in the task sequence"), "{told}");
    }
    assert_eq!(holders(&bench), ["capture.iso"]);
    for line in ["verify out/capture.iso", "verify --json out/capture.iso"] {
        let ended = bench.run(line);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        says_nothing(line, &ended);
        let told = String::from_utf8(ended.stdout).unwrap();
        assert!(told.contains("PASSWORD") && told.contains("OSDCaptureAccountPassword"), "{told}");
    }
}

#[test]
fn refusals_repeat_no_password() {
    let bench = bench();
    for (name, bytes) in [
        ("two-lines", format!("{PASSWORD}\n{PASSWORD}\n").into_bytes()),
        ("zero", format!("{PASSWORD}\0").into_bytes()),
        ("long", PASSWORD.repeat(100).into_bytes()),
        ("wide", PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ] {
        bench.put(name, bytes);
        let line = format!(
            "{} --capture-account LAB\\capture --store-password --capture-password-file {name}",
            create("cd-dvd")
        );
        let ended = bench.run(&line);
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
        says_nothing(&line, &ended);
    }
    // By hand, without escapes.
    for password in ["P&Corr3ct;x", "P&Corr3ct", "Hu<1Corr3ct>", "Hu<Corr3ct>", "<a b='Corr3ct>"] {
        let xml = fs::read_to_string(bench.path("secret.xml")).unwrap();
        bench.put("unescaped.xml", xml.replace(PASSWORD, password));
        for line in [
            format!("{} --task-sequence unescaped.xml", create("cd-dvd")),
            format!("{} --task-sequence unescaped.xml --json", create("cd-dvd")),
            "inspect unescaped.xml".to_owned(),
        ] {
            let ended = bench.run(&line);
            assert_eq!(ended.code, Some(3), "{line}: {}", ended.stderr);
            assert!(!ended.stderr.contains("Corr3ct"), "{}", ended.stderr);
            assert!(ended.stderr.contains("line ") && ended.stderr.contains("column "));
            assert!(ended.stderr.contains("write & as &amp; and < as &lt;"), "{}", ended.stderr);
        }
    }
    // Damaged right behind the password.
    let xml = fs::read_to_string(bench.path("secret.xml")).unwrap();
    let end = xml.find(PASSWORD).unwrap() + PASSWORD.len();
    bench.put("cut.xml", &xml[..end]);
    let line = format!("{} --task-sequence cut.xml", create("cd-dvd"));
    let ended = bench.run(&line);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    says_nothing(&line, &ended);
    assert_eq!(bench.out(), [] as [&str; 0]);
}
