//! Logging in over HTTP, and that the password stays with us.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use dp_content::{AccessKind, AccessOptions, Credentials, Password, Transport as _};

use crate::fake_dp::{Answer, Fault, Request, Rule};
use crate::http::{FILE, path, serve, transport};

const PASSWORD: &str = "Tr0ub4dor&3";

/// A challenge without target information, as base64.
const CHALLENGE: &str = "TlRMTVNTUAACAAAAAAAAADgAAAABggAAASNFZ4mrze8AAAAAAAAAAAAAAAAAAAAA";
/// What the first and the last message of a client begin with: `NTLMSSP`, 0, and 1 or 3.
const FIRST: &str = "TlRMTVNTUAABAAAA";
pub(crate) const LAST: &str = "TlRMTVNTUAADAAAA";

pub(crate) fn options() -> AccessOptions {
    let credentials = Credentials::new(r"CONTOSO\dpread", Password::new(PASSWORD));
    AccessOptions::new().with_credentials(credentials)
}

pub(crate) fn refusal(headers: &[(&str, &str)]) -> Answer {
    Answer {
        status: 401,
        headers: headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        body: b"401".to_vec(),
    }
}

/// Speaks NTLM as far as a client sees it; does not look at passwords but lets all in, or none.
pub(crate) fn ntlm(scheme: &'static str, lets_in: bool) -> Fault {
    let logged_in = Mutex::new(HashSet::new());
    Fault::Answer(Arc::new(move |request: &Request| {
        let mut logged_in = logged_in.lock().unwrap();
        let said = request.header("Authorization").unwrap_or_default();
        let token = said.strip_prefix(scheme).map(str::trim).unwrap_or_default();
        if token.starts_with(FIRST) {
            let challenge = format!("{scheme} {CHALLENGE}");
            return Some(refusal(&[("WWW-Authenticate", &challenge)]));
        }
        if token.starts_with(LAST) && lets_in {
            logged_in.insert(request.connection);
        }
        if logged_in.contains(&request.connection) {
            return None;
        }
        Some(refusal(&[("WWW-Authenticate", scheme), ("WWW-Authenticate", "Basic realm=\"x\"")]))
    }))
}

/// Logins that were tried: the last messages.
pub(crate) fn tried(authorizations: &[String]) -> usize {
    authorizations.iter().filter(|value| value.contains(LAST)).count()
}

#[test]
fn one_login_for_each_connection() {
    for scheme in ["NTLM", "Negotiate"] {
        let served = serve();
        served.dp.on(Rule::all(), ntlm(scheme, true));
        let http = transport(&served.dp, &options());
        let len = u64::try_from(served.bytes.len()).unwrap();
        for range in [0..len, 5..10, 10..len] {
            let mut reader = http.open(&path(FILE), range.clone(), len).unwrap();
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            assert_eq!(u64::try_from(bytes.len()).unwrap(), range.end - range.start);
        }
        assert_eq!(http.list(&path("PS100001.2")).unwrap().len(), 2);
        assert_eq!(served.dp.connections(), 1);
        assert_eq!(tried(&served.dp.authorizations()), 1);
    }
}

#[test]
fn no_account() {
    let served = serve();
    served.dp.on(Rule::all(), ntlm("NTLM", true));
    let http = transport(&served.dp, &AccessOptions::new());
    let error = http.read(&path(FILE), 1 << 20).unwrap_err();
    assert_eq!(*error.kind(), AccessKind::NeedsCredentials);
    assert!(!error.is_transient());
    assert_eq!(served.dp.authorizations().len(), 0);
}

#[test]
fn a_wrong_password_is_sent_once_and_shown_never() {
    let served = serve();
    served.dp.on(Rule::all(), ntlm("NTLM", false));
    let options = options();
    let http = transport(&served.dp, &options);
    let errors: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| http.open(&path(FILE), 0..9, 100_000).err().unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let later = http.list(&path("PS100001.2")).unwrap_err();
    for error in errors.iter().chain([&later]) {
        assert_eq!(*error.kind(), AccessKind::WrongPassword);
        assert!(!error.is_transient());
    }
    let authorizations = served.dp.authorizations();
    assert_eq!(tried(&authorizations), 1);

    // The start of its NT hash, as hexadecimal and as `Debug` shows bytes.
    let hashes = ["24d9c9959508", "24D9C9959508", "36, 217, 201, 149, 149, 8"];
    let shown = format!("{errors:?}{}{later:?}{http:?}{options:?}", errors[0]);
    let chain = format!("{:?}", std::io::Error::from(later));
    for text in [shown.as_str(), &chain, &http.describe()] {
        assert!(!text.contains(PASSWORD), "{text}");
        assert!(!text.contains("Tr0ub4dor"), "{text}");
        assert!(!hashes.iter().any(|hash| text.contains(hash)), "{text}");
        // Nothing of the login either: its messages, from which a password can be guessed.
        assert!(!text.contains("TlRMTVNT") && !text.contains("NTLMSSP"), "{text}");
        assert!(authorizations.iter().all(|value| !text.contains(value.as_str())));
    }
    // Not even to the server.
    let sent = format!("{:?}", served.dp.seen());
    assert!(!sent.contains("Tr0ub4dor"));
}

#[test]
fn a_login_that_is_refused_later() {
    let served = serve();
    served.dp.on(Rule::all().nth(0..4), ntlm("NTLM", true));
    served.dp.on(Rule::all().nth(4..), ntlm("NTLM", false));
    let http = transport(&served.dp, &options());
    assert!(http.read(&path(FILE), 1 << 20).is_ok());
    assert!(http.read(&path(FILE), 1 << 20).is_ok());
    for _ in 0..3 {
        let error = http.read(&path(FILE), 1 << 20).unwrap_err();
        assert!(matches!(error.kind(), AccessKind::Account(_)), "{error}");
        assert!(!error.is_transient());
    }
    // The one that worked, the one refused, and one to see whether it is the account.
    assert_eq!(tried(&served.dp.authorizations()), 3);
}

#[test]
fn logins_that_cannot_be() {
    for (headers, last) in [
        (vec![("WWW-Authenticate", "Basic realm=\"dp\"")], 0),
        (vec![], 0),
        // The challenge does not come.
        (vec![("WWW-Authenticate", "NTLM")], 0),
        (vec![("WWW-Authenticate", "NTLM !")], 0),
        (vec![("WWW-Authenticate", "NTLM dGVzdA==")], 0),
        // It comes, and the connection ends.
        (
            vec![
                (
                    "WWW-Authenticate",
                    concat!(
                        "NTLM ",
                        "TlRMTVNTUAACAAAAAAAAADgAAAABggAAASNFZ4mrze8AAAAAAAAAAAAAAAAAAAAA"
                    ),
                ),
                ("Connection", "close"),
            ],
            0,
        ),
    ] {
        let served = serve();
        let answer = refusal(&headers);
        served.dp.on(Rule::all(), Fault::Answer(Arc::new(move |_| Some(answer.clone()))));
        let http = transport(&served.dp, &options());
        let error = http.read(&path(FILE), 1 << 20).unwrap_err();
        assert!(
            matches!(error.kind(), AccessKind::Denied(_) | AccessKind::Malformed(_)),
            "{headers:?}: {error}"
        );
        assert_eq!(tried(&served.dp.authorizations()), last, "{headers:?}");
    }
}

#[test]
fn a_connection_that_breaks_in_the_login_may_have_cost_a_try() {
    let served = serve();
    served.dp.on(Rule::all(), ntlm("NTLM", true));
    served.dp.on(Rule::all().nth(2..3), Fault::Close);
    let http = transport(&served.dp, &options());
    for _ in 0..2 {
        let error = http.read(&path(FILE), 1 << 20).unwrap_err();
        assert!(matches!(error.kind(), AccessKind::Account(_)), "{error}");
    }
    assert_eq!(tried(&served.dp.authorizations()), 1);
}

/// Package access accounts: IIS answers 401 to who may log in and may not read this.
#[test]
fn one_thing_that_the_account_may_not_read() {
    let served = serve();
    served.dp.on(Rule::path("PS100001.2"), ntlm("NTLM", false));
    served.dp.on(Rule::path("PS100001.2.INI"), ntlm("NTLM", false));
    served.dp.on(Rule::all(), ntlm("NTLM", true));
    let http = transport(&served.dp, &options());
    assert!(http.read(&path(FILE), 1 << 20).is_ok());
    for _ in 0..2 {
        let refused = http.read(&path("DataLib/PS100001.2.INI"), 1 << 20).unwrap_err();
        assert!(matches!(refused.kind(), AccessKind::Denied(_)), "{refused}");
        assert!(refused.to_string().contains("access accounts"), "{refused}");
        let refused = http.list(&path("PS100001.2")).unwrap_err();
        assert!(matches!(refused.kind(), AccessKind::Denied(_)), "{refused}");
    }
    assert!(http.read(&path(FILE), 1 << 20).is_ok());
}

#[test]
fn an_answer_that_tells_nothing_of_the_password_may_have_cost_a_try() {
    for status in [500, 503, 429] {
        let served = serve();
        served.dp.on(Rule::all().nth(2..), Fault::Status(status));
        served.dp.on(Rule::all(), ntlm("NTLM", true));
        let http = transport(&served.dp, &options());
        for _ in 0..3 {
            let error = http.read(&path(FILE), 1 << 20).unwrap_err();
            assert!(matches!(error.kind(), AccessKind::Account(_)), "{error}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            served.dp.heal();
            served.dp.on(Rule::all(), ntlm("NTLM", true));
        }
        assert_eq!(tried(&served.dp.authorizations()), 1);
    }
}
