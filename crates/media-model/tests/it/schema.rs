//! The JSON Schema of request files: up to date, and judged with the files by other people's readers.

use std::io::Write;
use std::process::{Command, Stdio};

use media_model::{Problem, ProblemKind, RequestFile, RequestOption, Slot};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

#[allow(dead_code, reason = "its main is for the example alone")]
#[path = "../../examples/request_schema.rs"]
mod request_schema;

const SCHEMA: &str = include_str!("../../request.schema.json");

#[test]
fn it_is_up_to_date() {
    let now = request_schema::schema().unwrap();
    assert!(now == SCHEMA, "`cargo xtask schema --bless` makes request.schema.json anew:\n{now}");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), RequestOption::all().len() + 1);
    for option in RequestOption::all() {
        let property = &properties[option.name()];
        assert!(property["description"].as_str().unwrap().starts_with(option.about()));
    }
}

/// Values of the text options that the schema knows by patterns.
fn values(option: &str) -> (Vec<String>, Vec<String>) {
    let (good, bad): (&[&str], &[&str]) = match option {
        "label" => (&["Lab 7", "~", " "], &["", "Größe", "a\tb"]),
        "media-size" => (
            &["650MB", "4gb", "8GB", "1MB", "007mb", "None", "unlimited"],
            &["", "5GB", "0MB", "4", "GB", "4 GB", "4GiB", "44GB", "unlimited "],
        ),
        "image-size" => (
            &["8GB", "512mib", "1B", "01GiB", "7MB"],
            &["", "8", "0B", "8TB", "8 GB", "8iB", "-8GB", "8GBB"],
        ),
        "bcd-locale" => (
            &["en-US", "de", "zh-Hant-TW", "es-419"],
            &["", "e", "en_US", "en-", "-US", "1a-US", "abcdefghi"],
        ),
        "require-hwid" => (
            &[
                r"PCI\VEN_8086&DEV_15F3",
                r"pci\ven_8086&dev_15f3&SUBSYS_1\4&1",
                r"PCI\VEN_8086&CC_020000",
                r"PCI\CC_0200&x",
                "*PNP0A03",
                r"ACPI\",
                r"PCIX\-~!",
                r"a\PCI\b",
            ],
            &[
                "",
                "a b",
                r"a\b,c",
                r"ö\a",
                "*a\u{7f}",
                "VEN_8086",
                r"\VEN_8086",
                r"PCI\",
                r"PCI\VEN_8086",
                r"PCI\VEN_80866&DEV_15F3",
                r"PCI\CC_02000",
            ],
        ),
        "capture-destination" | "capture-account" => (&[r"\\server\s\i.wim", "ö"], &["", "a\nb"]),
        "image-creator" | "image-description" | "image-version" => (&["", "me ö"], &["a\u{85}b"]),
        "add" => (
            &["x=y", "a=b=c", "d=", "d=\\"],
            &["", "x", "a\nb=X/y", "=x", "x=a:b", "x=\"", "x=a\u{1}"],
        ),
        "cache-size" | "bandwidth-limit" => (&["20GiB", "10mb"], &["", "20", "0B", "8TB"]),
        "distribution-point" => (&["http://dp", r"\\dp", "/mnt/lib", "ö"], &["", "a\nb"]),
        "package" => (
            &["PS100012=Tools", "ps100012.3=", r"PS100012=\a\b=c"],
            &["", "PS100012", "PS10001=x", "PS100012.=x", "PS100012=a:b", "=x"],
        ),
        "user" => {
            (&[r"CONTOSO\reader", "reader@contoso.com", "ö"], &["", r"\x", r"x\", r"a\b\c", "a\nb"])
        }
        other => unreachable!("give good and bad values of the new option {other}"),
    };
    let mut good: Vec<String> = good.iter().map(ToString::to_string).collect();
    let mut bad: Vec<String> = bad.iter().map(ToString::to_string).collect();
    let longest = match option {
        "label" | "image-version" => 32,
        "require-hwid" => 199,
        "capture-destination" | "capture-account" | "image-creator" | "image-description" => 255,
        _ => return (good, bad),
    };
    let fill = if option == "require-hwid" { "*" } else { "x" };
    good.push(fill.repeat(longest));
    bad.push(fill.repeat(longest + 1));
    (good, bad)
}

/// Request files and whether their form is good.
fn documents() -> Vec<(String, bool)> {
    let mut documents = vec![
        ("version = 1\n".to_owned(), true),
        (String::new(), false),
        ("version = 2\n".to_owned(), false),
        ("version = '1'\n".to_owned(), false),
        ("version = 1\nlable = 'x'\n".to_owned(), false),
        ("version = 1\nsource-date-epoch = 1\n".to_owned(), false),
        ("version = 1\ncapture-password = 'x'\n".to_owned(), false),
        ("version = 1\n[media]\nlabel = 'x'\n".to_owned(), false),
    ];
    for at in 0..RequestOption::all().len() {
        let mut probe = media_model::CaptureMediaRequest::default();
        let (option, slot) = probe.options_mut().remove(at);
        let name = option.name();
        let texts = |texts: Vec<String>| -> Vec<String> {
            // JSON's strings are TOML's, but for this character.
            let quoted = |text: &String| json!(text).to_string().replace('\u{7f}', "\\u007f");
            texts.iter().map(quoted).collect()
        };
        let (good, bad) = match slot {
            Slot::Flag(_) => (vec!["true".to_owned(), "false".to_owned()], vec!["1".to_owned()]),
            Slot::Number(_) => {
                let good = ["1", "4294967295"].map(str::to_owned).to_vec();
                (good, ["0", "-1", "1.5", "4294967296", "'1'"].map(str::to_owned).to_vec())
            }
            Slot::Path(_) => {
                let bad = vec!["''".to_owned(), "7".to_owned(), "\"C:\\temp\"".to_owned()];
                (texts(vec!["a/b c.wim".to_owned()]), bad)
            }
            Slot::Paths(_) => {
                let good = ["'a.img'", "['a.img']", "['/dev/sdb', '/dev/sdc']"];
                let bad = ["''", "7", "['']", "[7]", "\"C:\\temp\""];
                (good.map(str::to_owned).to_vec(), bad.map(str::to_owned).to_vec())
            }
            _ if !option.words().is_empty() => {
                let good = option.words().iter().map(ToString::to_string).collect();
                (texts(good), ["'nothing'", "''", "true"].map(str::to_owned).to_vec())
            }
            Slot::List(_) => {
                let (good, bad) = values(name);
                let lists = |texts: Vec<String>| -> Vec<String> {
                    texts.into_iter().map(|text| format!("[{text}]")).collect()
                };
                let mut bad = lists(texts(bad));
                bad.extend(["'x=y'".to_owned(), "[1]".to_owned()]);
                (lists(texts(good)), bad)
            }
            _ => {
                let (good, bad) = values(name);
                let mut bad = texts(bad);
                bad.push("['x']".to_owned());
                (texts(good), bad)
            }
        };
        for (values, is_good) in [(good, true), (bad, false)] {
            documents.extend(
                values.iter().map(|value| (format!("version = 1\n{name} = {value}\n"), is_good)),
            );
        }
    }
    documents
}

fn is_of_the_form(problem: &Problem) -> bool {
    let whole = problem.option() == "request" || problem.option() == "boot-index";
    whole || problem.kind() == ProblemKind::Malformed
}

/// What `check` refuses by its form, the schema refuses, and the other way round.
#[test]
fn documents_are_judged_as_meant() {
    for (text, is_good) in documents() {
        let problems = RequestFile::read("f", text.as_bytes()).check().unwrap_err();
        let of_form: Vec<_> = problems.iter().filter(|problem| is_of_the_form(problem)).collect();
        assert_eq!(of_form.is_empty(), is_good, "{text}\n{of_form:#?}");
    }
}

const JUDGE: &str = r#"
import json, sys, tomllib
from jsonschema import Draft202012Validator
work = json.load(sys.stdin)
Draft202012Validator.check_schema(work["schema"])
judge = Draft202012Validator(work["schema"])
answers = []
for text in work["documents"]:
    value = tomllib.loads(text)
    answers.append({"good": judge.is_valid(value), "value": value})
json.dump(answers, sys.stdout)
"#;

#[test]
#[ignore = "needs python3 with jsonschema"]
fn other_readers_agree() {
    let mut documents = documents();
    let judged = documents.len();
    // Any texts, as we print them: another reader of TOML reads the same.
    let mut runner = TestRunner::deterministic();
    let mut expected = Vec::new();
    for _ in 0..500 {
        let request = crate::request_file::request().new_tree(&mut runner).unwrap().current();
        documents.push((request.to_toml().unwrap(), true));
        expected.push(serde_json::to_value(&request).unwrap());
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let texts: Vec<&String> = documents.iter().map(|(text, _)| text).collect();
    let work = json!({ "schema": schema, "documents": texts });
    let mut python = Command::new("python3")
        .args(["-c", JUDGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(work.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), documents.len());
    let (of_form, printed) = answers.split_at(judged);
    for ((text, is_good), answer) in documents.iter().zip(of_form) {
        assert_eq!(answer["good"], json!(is_good), "{text}");
    }
    for (answer, expected) in printed.iter().zip(expected) {
        assert_eq!(answer["value"], expected);
    }
}
