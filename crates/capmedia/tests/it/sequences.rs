//! The task sequence on the media, and the passwords that are not.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use capmedia::{
    Blame, Error, InspectError, Inspection, MediaDataError, MediaPlan, ResolveError, inspect,
    verify_file,
};
use media_model::CaptureMediaRequest;
use media_model::task_sequence::{
    CaptureDestination, CaptureOptions, Group, Secret, Sequence, Step, StepType, Variable,
};

use crate::support::{DESTINATION, Workshop, made_files, make, noise, small_wim, told};

const SEQUENCE: &str = "SMS/data/TaskSequence.xml";
const PASSWORD: &str = "Corr3ct-H0rse-Battery";
const EXPORT: &[u8] =
    include_bytes!("../../../media-model/tests/fixtures/task-sequence/export-deflated.zip");

fn workshop() -> Workshop {
    Workshop::with_boot_image(&small_wim())
}

/// A request whose sequence is the file `name`.
fn given(workshop: &Workshop, name: &str) -> CaptureMediaRequest {
    let mut request = workshop.request("cd-dvd").with_force(true);
    request.capture_destination = None;
    request.with_task_sequence(workshop.path(name))
}

fn warnings(request: &CaptureMediaRequest) -> Vec<String> {
    let plan = MediaPlan::new(&request.check().unwrap()).unwrap();
    plan.summary().warnings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn sequence_of(request: &CaptureMediaRequest) -> Sequence {
    Sequence::read(made_files(request)[SEQUENCE].as_ref().unwrap()).unwrap()
}

#[track_caller]
fn refused(request: &CaptureMediaRequest) -> (MediaDataError, String) {
    let error = make(request).unwrap_err();
    assert_eq!(error.blame(), Blame::Input, "exit code 3");
    let text = told(&error);
    match error {
        Error::Resolve(ResolveError::MediaData(error)) => (error, text),
        other => panic!("{other:?}"),
    }
}

/// Our own sequence with a destination, and what more `change` does to it.
fn changed(change: impl FnOnce(&mut Sequence)) -> String {
    let destination = CaptureDestination::new(r"\\elsewhere\images\a.wim").unwrap();
    let mut sequence = CaptureOptions::new().with_destination(destination).sequence();
    change(&mut sequence);
    sequence.to_xml().unwrap()
}

/// A sequence with two passwords of different steps.
fn with_passwords() -> String {
    changed(|sequence| {
        let join =
            Step::new(StepType::new("SMS_TaskSequence_JoinDomainWorkgroupAction"), "Join", "x.exe")
                .with_variable(
                    Variable::new("OSDJoinPassword", PASSWORD).with_property("DomainPassword"),
                );
        let group = Group::new("More").with_node(join);
        sequence.nodes.push(group.into());
        CaptureOptions::new()
            .with_stored_password(Secret::new(PASSWORD).unwrap())
            .apply_to(sequence);
    })
}

#[test]
fn without_options_the_built_in_sequence_says_what_must_be_set() {
    let workshop = workshop();
    let mut request = workshop.request("usb");
    request.capture_destination = None;
    let [warning] = &*warnings(&request) else { panic!() };
    for variable in ["OSDCaptureDestination", "OSDCaptureAccount", "OSDCaptureAccountPassword"] {
        assert!(warning.contains(variable), "{warning}");
    }
    assert!(warning.contains("when the task sequence runs"), "{warning}");
    for option in ["(--capture-destination)", "(--capture-account)"] {
        assert!(warning.contains(option), "{warning}");
    }
    let text = made_files(&request).remove(SEQUENCE).flatten().unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("OSDCaptureDestination"));
    assert_eq!(text, CaptureOptions::new().sequence().to_xml().unwrap());

    let request = request
        .with_capture_destination(DESTINATION)
        .with_capture_account(r"LAB\capture")
        .with_image_creator("Größe & Söhne")
        .with_image_description("<reference>")
        .with_image_version("1.0")
        .with_force(true);
    let [warning] = &*warnings(&request) else { panic!() };
    assert!(warning.contains("has no OSDCaptureAccountPassword:"), "{warning}");
    let sequence = sequence_of(&request);
    let step = sequence.capture_steps()[0].clone();
    for (variable, value) in [
        ("OSDCaptureDestination", DESTINATION),
        ("OSDCaptureAccount", r"LAB\capture"),
        ("OSDImageCreator", "Größe & Söhne"),
        ("OSDImageDescription", "<reference>"),
        ("OSDImageVersion", "1.0"),
    ] {
        assert_eq!(step.variables.value(variable), Some(value));
    }
    assert_eq!(step.variables.value("OSDCaptureAccountPassword"), None);
}

#[test]
fn a_destination_without_a_file_name_is_told() {
    let workshop = workshop();
    let told = |destination: &str| {
        let request = workshop.request("usb").with_capture_destination(destination);
        warnings(&request).iter().filter(|warning| warning.contains("file name with .wim")).count()
    };
    for destination in [r"\\s\share", r"\\s\share\", r"\\s\a.wim\image", r"C:\images"] {
        assert_eq!(told(destination), 1, "{destination}");
    }
    for destination in [r"\\s\share\a.WIM", r"\\s\share\%Name%", r"C:\a.wim"] {
        assert_eq!(told(destination), 0, "{destination}");
    }
}

#[test]
fn a_given_sequence_takes_the_place_and_the_options() {
    let workshop = workshop();
    let xml = changed(|sequence| {
        let step = Step::new(StepType::RUN_COMMAND_LINE, "Tidy", "smsswd.exe /run: tidy.exe");
        sequence.nodes.insert(0, step.into());
    });
    workshop.put("mine.xml", &xml);
    let request = given(&workshop, "mine.xml");
    assert_eq!(warnings(&request), [] as [&str; 0]);
    assert_eq!(sequence_of(&request), Sequence::read(xml.as_bytes()).unwrap());
    // Written anew: UTF-8 whatever it was.
    let wide: Vec<u8> = format!("\u{FEFF}{}", xml.replace("utf-8", "utf-16"))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    workshop.put("wide.xml", wide);
    let wide = given(&workshop, "wide.xml");
    assert_eq!(made_files(&wide)[SEQUENCE].as_deref(), Some(xml.as_bytes()));

    let request = request.with_capture_destination(DESTINATION).with_image_version("7");
    let sequence = sequence_of(&request);
    let step = sequence.capture_steps()[0];
    assert_eq!(step.variables.value("OSDCaptureDestination"), Some(DESTINATION));
    assert_eq!(step.variables.value("OSDImageVersion"), Some("7"));
    let other = Sequence::read(xml.as_bytes()).unwrap();
    assert_eq!(sequence.nodes[0], other.nodes[0]);
}

#[test]
fn an_exports_references_must_be_on_the_media() {
    let workshop = workshop();
    workshop.put("export.zip", EXPORT);
    let request = given(&workshop, "export.zip");
    let (error, text) = refused(&request);
    let MediaDataError::UnfitSequence { problems, .. } = error else { panic!("{text}") };
    assert_eq!(problems.len(), 1, "{text}");
    for part in [
        "export.zip",
        "package PS100004 (the reference list)",
        "package PS10000A (Install agent)",
        "Application_0f3c2f6e",
        "Application_77777777",
        r"--add FOLDER=SMS\pkg\<ID>",
    ] {
        assert!(text.contains(part), "{part} not in: {text}");
    }
    workshop.put("PS100004/a.txt", "package");
    workshop.put("agent/PS10000A.2/sub/setup.exe", "package");
    workshop.put("apps/application_0f3c2f6e-7a51-4a40-9f0e-3e6f5a2b1c00/app.msi", "application");
    workshop.put("apps/Application_77777777-7a51-4a40-9f0e-3e6f5a2b1c01/app.msi", "application");
    let request = request
        .with_add(workshop.add("PS100004", r"sms\PKG\ps100004"))
        .with_add(workshop.add("agent", "Packages"));
    let (_, text) = refused(&request);
    assert!(!text.contains("PS100004") && !text.contains("PS10000A"), "{text}");
    let request = request.with_add(workshop.add("apps", "SMS/pkg"));
    let [boot_image, password] = &*warnings(&request) else { panic!() };
    assert!(password.contains("no OSDCaptureAccountPassword:"), "{password}");
    assert!(boot_image.contains("PS100002") && boot_image.contains("boot.wim"), "{boot_image}");
    let sequence = sequence_of(&request);
    assert!(sequence.has_capture_step() && sequence.references.references.len() == 2);

    // The site puts the id of a boot image into its name.
    fs::rename(workshop.path("boot.wim"), workshop.path("boot.ps100002.wim")).unwrap();
    let mut named = request;
    named.boot_image = Some(workshop.path("boot.ps100002.wim"));
    assert_eq!(warnings(&named), [&**password]);
}

#[test]
fn everything_that_is_wrong_with_a_sequence_is_told_at_once() {
    let workshop = workshop();
    let xml = changed(|sequence| {
        sequence
            .references
            .references
            .push(media_model::task_sequence::PackageReference::new("PS1000FF"));
        let mut step = Step::new(StepType::RUN_COMMAND_LINE, "Nothing", "");
        step.action = None;
        sequence.nodes = vec![step.into()];
    });
    workshop.put("bad.xml", xml);
    let (error, text) = refused(&given(&workshop, "bad.xml"));
    let MediaDataError::UnfitSequence { problems, .. } = error else { panic!("{text}") };
    assert_eq!(problems.len(), 3, "{text}");
    for part in ["bad.xml", "no capture step", "'Nothing' has no command", "package PS1000FF"] {
        assert!(text.contains(part), "{part} not in: {text}");
    }
    // Strings over their limits, in the file and among the options.
    let long = changed(|sequence| {
        let text = sequence.to_xml().unwrap();
        let text = text.replace(r"\\elsewhere\images\a.wim", &"x".repeat(256));
        *sequence = Sequence::read(text.as_bytes()).unwrap();
    });
    workshop.put("long.xml", long);
    let (_, text) = refused(&given(&workshop, "long.xml"));
    assert!(text.contains("256 UTF-16 units where 255 are allowed"), "{text}");
    let request = given(&workshop, "long.xml").with_capture_destination(DESTINATION);
    assert_eq!(warnings(&request), [] as [&str; 0], "the option takes the long one's place");
    let request = workshop
        .request("cd-dvd")
        .with_capture_destination("x".repeat(256))
        .with_image_version("1".repeat(33));
    assert_eq!(request.check().unwrap_err().len(), 2);
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let workshop = workshop();
    for (name, bytes, parts) in [
        ("cut.xml", b"<sequence version=\"3.10\">\n  <group".to_vec(), &["cut.xml", "line 2"][..]),
        ("no.xml", b"<html/>".to_vec(), &["no.xml", "<html> is not <sequence>"]),
        ("entity.xml", b"<!DOCTYPE a><sequence version=\"3.10\"/>".to_vec(), &["document type"]),
        ("cut.zip", EXPORT[..EXPORT.len() / 2].to_vec(), &["cut.zip", "no sound zip"]),
        ("noise.zip", [b"PK\x03\x04".to_vec(), noise(4096, 1)].concat(), &["no sound zip"]),
        ("long.xml", vec![b' '; (16 << 20) + 1], &["long.xml", "more than 16777216 bytes"]),
    ] {
        workshop.put(name, bytes);
        let (_, text) = refused(&given(&workshop, name));
        for part in parts {
            assert!(text.contains(part), "{name}: {text}");
        }
    }
    fs::create_dir(workshop.path("folder")).unwrap();
    for name in ["missing.xml", "folder"] {
        let (error, text) = refused(&given(&workshop, name));
        assert!(matches!(error, MediaDataError::ReadSequence { .. }), "{text}");
    }
    assert_eq!(workshop.out(), [] as [&str; 0]);
}

#[test]
fn stored_passwords_are_taken_out_unless_they_are_wanted() {
    let workshop = workshop();
    workshop.put("secret.xml", with_passwords());
    let request = given(&workshop, "secret.xml").with_capture_account("LAB\\c");
    let [removed, unset] = &*warnings(&request) else { panic!() };
    assert!(removed.starts_with("2 stored passwords were taken out"), "{removed}");
    assert!(removed.contains("secret.xml") && removed.contains("--store-password"), "{removed}");
    assert!(unset.contains("OSDCaptureAccountPassword"), "{unset}");
    make(&request).unwrap();
    assert_nowhere(&workshop.path("out"));
    let found = verify_file(&workshop.path("out/capture.iso"), &mut ()).unwrap();
    assert!(found.notes.is_empty(), "{:?}", found.notes);

    // The account before goes with its password; that of the other step stays.
    let request = request.with_store_password(true);
    let [replaced, unset, stored] = &*warnings(&request) else {
        panic!("{:?}", warnings(&request))
    };
    assert!(replaced.contains("another account"), "{replaced}");
    assert!(unset.contains("OSDCaptureAccountPassword"), "{unset}");
    assert!(stored.contains("OSDJoinPassword") && !stored.contains(PASSWORD), "{stored}");
    let sequence = sequence_of(&request);
    let step = sequence.capture_steps()[0];
    assert_eq!(step.variables.value("OSDCaptureAccountPassword"), None);

    let request = given(&workshop, "secret.xml").with_store_password(true);
    let [one, other] = &*warnings(&request) else { panic!("{:?}", warnings(&request)) };
    for warning in [one, other] {
        assert!(warning.contains("PASSWORD") && !warning.contains(PASSWORD), "{warning}");
    }
    let sequence = sequence_of(&request);
    let step = sequence.capture_steps()[0];
    assert_eq!(step.variables.value("OSDCaptureAccountPassword"), Some(PASSWORD));
    let found = verify_file(&workshop.path("out/capture.iso"), &mut ()).unwrap();
    assert_eq!(found.notes.len(), 2);
    assert!(found.notes[0].contains("PASSWORD") && !format!("{found:?}").contains(PASSWORD));

    workshop.put("none.xml", changed(|_| {}));
    let [nothing] = &*warnings(&given(&workshop, "none.xml").with_store_password(true)) else {
        panic!()
    };
    assert!(nothing.contains("--store-password changes nothing"), "{nothing}");
}

#[test]
fn the_password_file_does_not_go_onto_the_media_itself() {
    let workshop = workshop();
    let file = workshop.put("tools/deep/password", PASSWORD);
    let request = workshop
        .request("cd-dvd")
        .with_capture_account(r"LAB\c")
        .with_capture_password_file(&file)
        .with_store_password(true)
        .with_force(true);
    for (request, option) in [
        (request.clone().with_add(workshop.add("tools", "tools")), "add"),
        (request.clone().with_add(workshop.add("tools/deep/password", "a.txt")), "add"),
        (request.clone().with_runtime(workshop.path("tools")), "runtime"),
        (request.clone().with_template(workshop.path("tools/deep/..")), "template"),
    ] {
        let text = told(&make(&request).unwrap_err());
        assert!(text.contains(&format!("goes onto the media with --{option};")), "{text}");
        assert!(!text.contains(PASSWORD));
    }
    workshop.put("other/a.txt", "a");
    make(&request.with_add(workshop.add("other", "other"))).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(workshop.path("out/capture.iso")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "for its owner alone");
    }
}

#[cfg(unix)]
#[test]
fn pipes_are_refused_where_nothing_may_ever_come() {
    let workshop = workshop();
    let pipe = workshop.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let (error, text) = refused(&given(&workshop, "pipe"));
    assert!(matches!(error, MediaDataError::ReadSequence { .. }), "{text}");
    assert!(text.contains("not a regular file"), "{text}");
    let error = inspect(&pipe).unwrap_err().source().unwrap().to_string();
    assert!(error.contains("not a regular file"), "{error}");
    assert!(verify_file(&pipe, &mut ()).is_err());
}

/// Looks for the password in every encoding that an image could hold it in.
#[track_caller]
fn assert_nowhere(folder: &Path) {
    let wide = |bytes: fn(u16) -> [u8; 2]| PASSWORD.encode_utf16().flat_map(bytes).collect();
    let forms: [Vec<u8>; 3] = [PASSWORD.into(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for form in &forms {
            assert!(!bytes.windows(form.len()).any(|window| window == form), "{path:?}");
        }
    }
}

#[test]
fn a_password_is_stored_only_when_asked_for_twice() {
    let workshop = workshop();
    let file = workshop.put("password", format!("{PASSWORD}\r\n"));
    let request = workshop.request("usb").with_capture_account(r"LAB\capture");
    let without = request.clone().with_capture_password_file(&file);
    assert!(without.check().is_err());
    let both = without.with_store_password(true);
    let [warning] = &*warnings(&both) else { panic!() };
    assert!(warning.contains("PASSWORD") && warning.contains("everybody"), "{warning}");
    let sequence = sequence_of(&both);
    let step = sequence.capture_steps()[0];
    assert_eq!(step.variables.value("OSDCaptureAccountPassword"), Some(PASSWORD));
    let checked = both.check().unwrap();
    let plan = MediaPlan::new(&checked).unwrap();
    let told = format!("{checked:?}{plan:?}{:?}", plan.summary());
    assert!(!told.contains(PASSWORD) && !told.contains(r"67, 111, 114, 114, 51"), "{told}");

    // A sequence that names no account has nothing the password could belong to.
    workshop.put("mine.xml", changed(|_| {}));
    let request =
        given(&workshop, "mine.xml").with_capture_password_file(&file).with_store_password(true);
    let (error, text) = refused(&request);
    assert!(matches!(error, MediaDataError::PasswordWithoutAccount { .. }), "{text}");
    assert!(!text.contains(PASSWORD));
    let request = request.with_capture_account(r"LAB\capture");
    assert!(warnings(&request)[0].contains("PASSWORD"));
}

#[test]
fn the_output_replaces_nothing_that_was_read() {
    let workshop = workshop();
    workshop.put("mine.xml", changed(|_| {}));
    let mut request = given(&workshop, "mine.xml");
    // Another name for the same file.
    fs::hard_link(workshop.path("mine.xml"), workshop.path("out/capture.iso")).unwrap();
    let error = make(&request).unwrap_err();
    assert!(matches!(error, Error::OutputIsInput { .. }), "{}", told(&error));
    request.path = vec![workshop.path("out/other.iso")];
    make(&request).unwrap();
}

#[test]
fn a_sequence_on_media_that_nobody_can_run_is_a_fault() {
    let workshop = workshop();
    let mut request = workshop.request("cd-dvd");
    request.capture_destination = None;
    make(&request).unwrap();
    let path = workshop.path("out/capture.iso");
    let mut bytes = fs::read(&path).unwrap();
    let text = b"SMS_TaskSequence_CaptureSystemImageAction";
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at] = b'T';
    fs::write(&path, &bytes).unwrap();
    let found = verify_file(&path, &mut ()).unwrap();
    let fault = |says: &str| found.faults.iter().any(|fault| fault.contains(says));
    assert!(fault("SMS/data/TaskSequence.xml: the task sequence has no capture step"));
    assert!(fault("SMS/data/TaskSequence.xml: has SHA-256"));
    assert_eq!(bytes[at - 1], b'"');
    bytes[at - 1] = b' ';
    fs::write(&path, &bytes).unwrap();
    let found = verify_file(&path, &mut ()).unwrap();
    let fault = |says: &str| found.faults.iter().any(|fault| fault.contains(says));
    assert!(fault("SMS/data/TaskSequence.xml: is no task sequence: line"), "{:?}", found.faults);
}

#[test]
fn inspect_tells_what_a_sequence_does_and_no_password() {
    let workshop = workshop();
    let path = workshop.put("secret.xml", with_passwords());
    let Inspection::TaskSequence(found) = inspect(&path).unwrap() else { panic!() };
    assert!(!format!("{found:?}").contains(PASSWORD));
    assert!(!serde_json::to_string(&found).unwrap().contains(PASSWORD));
    assert_eq!((found.exported, &*found.version, found.nodes.len()), (false, "3.10", 2));
    let [.., capture] = &*found.nodes[0].nodes else { panic!() };
    assert_eq!(capture.action.as_deref(), Some("osdcapturesystemimage.exe"));
    assert_eq!(capture.run_in.as_deref(), Some("WinPE"));
    let password = capture.variables.iter().find(|v| v.name == "OSDCaptureAccountPassword");
    assert_eq!(password.unwrap().value, None);
    assert!(found.problems.is_empty() && found.notes.iter().any(|note| note.contains("PASSWORD")));

    let sets = changed(|sequence| {
        let line = format!("tsenv.exe \"MyPassword={PASSWORD}\" /hiddenflag:False");
        let step = Step::new(StepType::new("SMS_TaskSequence_SetVariableAction"), "Set", line)
            .with_variable(Variable::new("VariableName", "MyPassword"))
            .with_variable(Variable::new("VariableValue", PASSWORD))
            .with_variable(Variable::new("Odd", PASSWORD).with_hidden());
        sequence.nodes.push(step.into());
    });
    let path = workshop.put("sets.xml", sets);
    let Inspection::TaskSequence(found) = inspect(&path).unwrap() else { panic!() };
    assert!(!format!("{found:?}").contains(PASSWORD), "{found:?}");
    assert!(found.notes.iter().any(|note| note.contains("Odd (Set)")), "{:?}", found.notes);

    let path = workshop.put("export.zip", EXPORT);
    let Inspection::TaskSequence(found) = inspect(&path).unwrap() else { panic!() };
    assert_eq!(found.package_id.as_deref(), Some("PS100007"));
    assert_eq!(found.boot_image_id.as_deref(), Some("PS100002"));
    assert_eq!(found.references.len(), 4);
    let get_ready = found.nodes.iter().find(|node| node.name == "Get ready").unwrap();
    assert!(get_ready.conditional && get_ready.kind == "group");
    assert!(get_ready.nodes[0].disabled && get_ready.nodes[0].name == "Clean up");

    for (name, bytes, says) in [
        ("page.html", &b"<html></html>"[..], "<html> is not <sequence>"),
        ("cut.zip", &EXPORT[..1000], "no sound zip"),
    ] {
        let error = inspect(&workshop.put(name, bytes)).unwrap_err();
        assert!(matches!(error, InspectError::Sequence { .. }), "{error:?}");
        assert!(error.source().unwrap().to_string().contains(says), "{error:?}");
    }
    for bytes in [&b""[..], b"text", b"PK", &noise(4096, 7)] {
        let error = inspect(&workshop.put("other", bytes)).unwrap_err();
        assert!(matches!(error, InspectError::Unknown { .. }), "{error:?}");
    }
}
