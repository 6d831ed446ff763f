//! The password of the account that reads distribution points is shown nowhere: not by the command,
//! not in its log, and not by anything that can be printed for debugging.

use std::collections::HashSet;
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use capmedia::dp_content::{AccessOptions, ContentOptions, Credentials, Password};
use capmedia::{ContentAccess, MediaPlan, list_content, sample};
use media_model::CaptureMediaRequest;

use crate::command::{Bench, ended};
use crate::fake_dp::{Answer, FakeDp, Fault, Options, Request, Rule};
use crate::library_fixture::LibraryFixture;

const ACCOUNT: &str = r"LAB\reader";
const PASSWORD: &str = "Corr3ct-H0rse-Battery";

/// What else would give it away, all in the case that `holds` looks for.
const FORMS: [&str; 6] = [
    PASSWORD,
    // Base64, behind 0, 1 and 2 bytes of other text (Basic has the user before it), and of UTF-16.
    "Q29ycjNjdC1IMHJzZS1CYXR0ZXJ5",
    "NvcnIzY3QtSDByc2UtQmF0dGVye",
    "JyM2N0LUgwcnNlLUJhdHRlcn",
    "QwBvAHIAcgAzAGMAdAAtAEgAMAByAHMAZQAtAEIAYQB0AHQAZQByAHkA",
    // MD4 of UTF-16: the NT hash, which is as good as the password.
    "ddac7f1740b6d44bbe0b0ec0f9ea0005",
];

fn holds(bytes: &[u8]) -> bool {
    let found = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let hash: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&FORMS[5][2 * at..2 * at + 2], 16).unwrap()).collect();
    let as_list = format!("{hash:?}");
    let wide: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    FORMS.iter().any(|form| found(form.as_bytes()) || found(form.to_uppercase().as_bytes()))
        || found(&wide)
        || found(&hash)
        || found(as_list.trim_matches(['[', ']']).as_bytes())
}

#[track_caller]
fn says_nothing(what: &str, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    assert!(!holds(text), "{what}: {}", String::from_utf8_lossy(text));
}

/// How the distribution point takes a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    /// Everybody may read.
    NotAsked,
    /// NTLM, and the password is right.
    Right,
    /// NTLM, and it is wrong.
    Wrong,
    /// Only the password as it is would do, which we do not send.
    Basic,
}

/// A challenge without target information, as base64.
const CHALLENGE: &str = "TlRMTVNTUAACAAAAAAAAADgAAAABggAAASNFZ4mrze8AAAAAAAAAAAAAAAAAAAAA";

fn refusal(offers: &[&str]) -> Answer {
    let headers = offers.iter().map(|offer| ("WWW-Authenticate".to_owned(), (*offer).to_owned()));
    Answer { status: 401, headers: headers.collect(), body: b"401".to_vec() }
}

/// As far as a client sees it; passwords are not looked at.
fn ntlm(lets_in: bool) -> Fault {
    let logged_in = Mutex::new(HashSet::new());
    Fault::Answer(Arc::new(move |request: &Request| {
        let mut logged_in = logged_in.lock().unwrap();
        let said = request.header("Authorization").unwrap_or_default();
        let token = said.strip_prefix("NTLM").map(str::trim).unwrap_or_default();
        // The first message of a client, and the last.
        if token.starts_with("TlRMTVNTUAABAAAA") {
            return Some(refusal(&[&format!("NTLM {CHALLENGE}")]));
        }
        if token.starts_with("TlRMTVNTUAADAAAA") && lets_in {
            logged_in.insert(request.connection);
        }
        (!logged_in.contains(&request.connection)).then(|| refusal(&["NTLM"]))
    }))
}

struct Site {
    bench: Bench,
    dp: FakeDp,
}

impl Site {
    fn new(login: Login) -> Self {
        let bench = Bench::new();
        let wim = sample::boot_image().unwrap();
        let library = LibraryFixture::new(bench.path("dp/SCCMContentLib")).package(
            "PS100005",
            3,
            &[("boot.PS100005.wim", &wim)],
        );
        let dp = FakeDp::new(Options::new(library.root()));
        match login {
            Login::NotAsked => {}
            Login::Right => dp.on(Rule::all(), ntlm(true)),
            Login::Wrong => dp.on(Rule::all(), ntlm(false)),
            Login::Basic => {
                let offer = ("WWW-Authenticate".to_owned(), "Basic realm=\"dp\"".to_owned());
                dp.on(Rule::all(), Fault::StatusWith(401, vec![offer]));
            }
        }
        bench.put("password", format!("{PASSWORD}\n"));
        Self { bench, dp }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = self.bench.command(words.split_whitespace());
        command.args(["--distribution-point", &self.dp.url(), "--user", ACCOUNT]);
        command.args(["--log", "log"]).env_remove("CAPMEDIA_PASSWORD");
        command
    }

    /// The request of the library's user.
    fn request(&self) -> CaptureMediaRequest {
        let request = CaptureMediaRequest::new("PS100005", "cd-dvd", self.bench.path("out/c.iso"));
        request
            .with_distribution_point(self.dp.url())
            .with_user(ACCOUNT)
            .with_password_file(self.bench.path("password"))
    }
}

#[test]
fn the_password_of_a_distribution_point_is_told_to_nobody() {
    for login in [Login::NotAsked, Login::Right, Login::Wrong, Login::Basic] {
        let site = Site::new(login);
        let may_read = matches!(login, Login::NotAsked | Login::Right);
        for words in [
            "content list",
            "content list --json",
            "content check PS100005",
            "content check PS100005 PS100009 --json",
            "content fetch PS100005 --to fetched",
            "content fetch PS100009 --to other --json",
            "create --boot-image PS100005 --media-type cd-dvd --path out/c.iso --force",
            "create --boot-image PS100005 --media-type cd-dvd --path out/c.iso --force --json",
            "create --boot-image PS100009 --media-type cd-dvd --path out/d.iso --json",
            "create --boot-image PS100005 --media-type no --path out/d.iso --json",
        ] {
            for from_file in [true, false] {
                let mut command = site.command(words);
                if from_file {
                    command.args(["--password-file", "password"]);
                } else {
                    command.env("CAPMEDIA_PASSWORD", PASSWORD);
                }
                let what = format!("{words} ({login:?}, from file: {from_file})");
                let ended = ended(&mut command);
                let good = may_read && !words.contains("PS100009") && !words.contains("no ");
                assert_eq!(ended.code == Some(0), good, "{what}: {}", ended.stderr);
                says_nothing(&what, &ended.stdout);
                says_nothing(&what, &ended.stderr);
            }
        }
        let log = fs::read(site.bench.path("log")).unwrap();
        assert!(log.len() > 1000);
        says_nothing("the log", log);
        for name in site.bench.out() {
            says_nothing(&name, fs::read(site.bench.path("out").join(&name)).unwrap());
        }
        // Nor is it sent as it is, whatever the server offers.
        for said in site.dp.authorizations() {
            says_nothing("a header", said);
        }
        let logged_in = site.dp.authorizations().iter().any(|said| said.contains("NTLM"));
        assert_eq!(logged_in, matches!(login, Login::Right | Login::Wrong), "{login:?}");
    }
}

#[test]
fn nothing_shows_it_when_printed_for_debugging() {
    for login in [Login::Right, Login::Wrong, Login::Basic] {
        let site = Site::new(login);
        let credentials = Credentials::new(ACCOUNT, Password::new(PASSWORD));
        says_nothing("Credentials", format!("{credentials:?} {credentials:#?}"));
        let options = AccessOptions::new().with_credentials(credentials.clone());
        says_nothing("AccessOptions", format!("{options:?}"));
        let options = ContentOptions::new().with_access(options);
        says_nothing("ContentOptions", format!("{options:?}"));
        let access = ContentAccess::new().with_credentials(credentials);
        says_nothing("ContentAccess", format!("{access:?}"));
        let request = site.request();
        says_nothing("CaptureMediaRequest", format!("{request:?} {}", request.to_toml().unwrap()));
        let request = request.check().unwrap();
        says_nothing("CheckedRequest", format!("{request:?}"));
        let content = access.open(request.content().unwrap()).unwrap();
        says_nothing("Content", format!("{content:?}"));
        match MediaPlan::with_content(&request, &content) {
            Ok(plan) => {
                assert_eq!(login, Login::Right);
                says_nothing("MediaPlan", format!("{plan:?}"));
                says_nothing("Summary", format!("{:?}", plan.summary()));
                says_nothing("Summary", serde_json::to_vec(plan.summary()).unwrap());
            }
            Err(error) => {
                assert_ne!(login, Login::Right, "{error}");
                says_nothing("Error", format!("{error} {error:?}"));
            }
        }
        says_nothing("ContentListing", format!("{:?}", list_content(&content, &[], true)));
        says_nothing("events", format!("{:?}", content.events()));
    }
    for text in [format!("http://reader:{PASSWORD}@dp"), format!("http:/reader:{PASSWORD}@dp")] {
        let request = CaptureMediaRequest::new("PS100005", "cd-dvd", "c.iso");
        let problems = request.with_distribution_point(text).check().unwrap_err();
        says_nothing("Problem", format!("{problems:?} {}", problems[0]));
    }
}

#[test]
fn an_address_with_a_password_is_not_repeated() {
    let bench = Bench::new();
    let (start, end) = PASSWORD.split_at(8);
    for address in [
        format!("http://reader:{PASSWORD}@dp"),
        format!("http://reader:{start}/{end}@dp"),
        format!("smb://reader:{start}/{end}@dp"),
        format!("http:/reader:{PASSWORD}@dp"),
        format!("http://reader:{PASSWORD}"),
    ] {
        bench.put(
            "request.toml",
            format!(
                "request-version = 1\nboot-image = 'PS100005'\nmedia-type = 'usb'\n\
                 path = 'c.img'\ndistribution-point = ['{address}']\n"
            ),
        );
        let create =
            ["create", "--boot-image", "PS100005", "--media-type", "usb", "--path", "c.img"];
        let by_option = ["--distribution-point", &*address];
        for words in [
            [&create[..], &by_option].concat(),
            [&create[..], &by_option, &["--json"]].concat(),
            [&["content", "list"][..], &by_option, &["--json"]].concat(),
            vec!["create", "--request", "request.toml"],
            vec!["create", "--request", "request.toml", "--json"],
        ] {
            let ended = ended(&mut bench.command(&words));
            assert_eq!(ended.code, Some(2), "{words:?}: {}", ended.stderr);
            let told = format!("{}{}", ended.stderr, String::from_utf8_lossy(&ended.stdout));
            for part in [start, end] {
                assert!(!told.contains(part), "{words:?}: {told}");
            }
        }
    }
}
