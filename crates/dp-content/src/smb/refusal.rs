//! What a server's refusals mean to an administrator.
//!
//! NTSTATUS values are of MS-ERREF 2.3.1. Which of them a Windows server gives at which step is
//! tried on Samba 4.17 for wrong passwords, shares and files; the rest is by their description.

use std::time::Duration;

use smb2::transport::ConnectAttempt;
use smb2::types::status::NtStatus;
use smb2::{Error, ErrorKind};

use crate::access::AccessKind;

/// What was being done: the same status means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Reaching the server and agreeing on a dialect.
    Connect,
    /// Logging in.
    Login,
    /// Connecting a share.
    Share,
    /// Listing a folder.
    Folder,
    /// Opening or reading a file.
    File,
}

/// What came instead of an answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What smb2 says.
    Smb(Error),
    /// Nothing, for this long.
    Silence(Duration),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Smb(error)
    }
}

impl Trouble {
    /// What it means. `anonymous`: no account was given. `limit` is how long answers are waited for.
    pub(super) fn kind(&self, step: Step, anonymous: bool, limit: Duration) -> AccessKind {
        match self {
            Self::Silence(time) => stalled(*time),
            Self::Smb(error) => of_error(error, step, anonymous, limit),
        }
    }
}

fn stalled(time: Duration) -> AccessKind {
    // A part of a second is shown as one, not as none.
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    AccessKind::Stalled { seconds }
}

fn of_error(error: &Error, step: Step, anonymous: bool, limit: Duration) -> AccessKind {
    match error {
        Error::Protocol { status, .. } => of_status(*status, step, anonymous),
        Error::GuestSessionRefused { .. } => AccessKind::WrongPassword,
        Error::ConnectFailed { attempts, .. } => AccessKind::Unreachable(of_attempts(attempts)),
        Error::Io(error) if step == Step::Connect => AccessKind::Unreachable(error.to_string()),
        Error::Timeout
        | Error::CreditStarvation { .. }
        | Error::SendTimeout { .. }
        | Error::ServerUnresponsive { .. } => stalled(limit),
        Error::SignatureInvalid { .. } => AccessKind::Malformed(
            "the signature of an answer is missing or wrong: it was changed on the way, or the \
             server signs wrongly"
                .to_owned(),
        ),
        Error::FileTooLargeForSingleRead { size, .. } => {
            AccessKind::Malformed(format!("has {size} bytes, more than such a file may have"))
        }
        Error::DfsReferralRequired { .. }
        | Error::DfsTargetNotAllowed { .. }
        | Error::DfsNoReachableTarget { .. }
        | Error::DfsTargetUnreachable { .. }
        | Error::DfsTooManyReferrals { .. } => refused(NtStatus::PATH_NOT_COVERED),
        Error::ShareRedirected { .. } => AccessKind::Server {
            status: code(NtStatus::BAD_NETWORK_NAME),
            hint: "another node of its cluster has the share; name that node".to_owned(),
            transient: false,
        },
        // What came in the course of a login was none; the password was not the matter.
        Error::Auth { message } => AccessKind::Malformed(message.clone()),
        _ if error.kind() == ErrorKind::InvalidData => AccessKind::Malformed(error.to_string()),
        _ => AccessKind::Lost(error.to_string()),
    }
}

fn of_attempts(attempts: &[ConnectAttempt]) -> String {
    let each: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    each.join("; ")
}

fn of_status(status: NtStatus, step: Step, anonymous: bool) -> AccessKind {
    if step == Step::Login
        && let Some(kind) = of_login(status, anonymous)
    {
        return kind;
    }
    match status {
        NtStatus::ACCESS_DENIED if anonymous => AccessKind::NeedsCredentials,
        NtStatus::ACCESS_DENIED => AccessKind::Denied(missing_right(step).to_owned()),
        NtStatus::BAD_NETWORK_NAME if step == Step::Share => AccessKind::NoShare,
        NtStatus::OBJECT_NAME_NOT_FOUND
        | NtStatus::OBJECT_PATH_NOT_FOUND
        | NtStatus::OBJECT_NAME_INVALID
        | NtStatus::NO_SUCH_FILE
        | NtStatus::NOT_FOUND
        | NtStatus::DELETE_PENDING => AccessKind::NotFound,
        NtStatus::NOT_A_DIRECTORY if step == Step::Folder => AccessKind::NotFound,
        NtStatus::FILE_IS_A_DIRECTORY | NtStatus::INVALID_DEVICE_REQUEST if step == Step::File => {
            AccessKind::Malformed("is a folder".to_owned())
        }
        NtStatus::NETWORK_NAME_DELETED
        | NtStatus::USER_SESSION_DELETED
        | NtStatus::NETWORK_SESSION_EXPIRED
        | NtStatus::FILE_CLOSED => AccessKind::Lost(format!("the server ended it ({status})")),
        _ => refused(status),
    }
}

fn missing_right(step: Step) -> &'static str {
    match step {
        // smb2 0.39 does not say in NEGOTIATE that it can encrypt, but for the ciphers of SMB 3.1.1
        // (MS-SMB2 2.2.3): Samba, and servers of SMB 3.0, then refuse what is to be encrypted.
        Step::Connect | Step::Login => {
            "the server refuses the login; it may demand encryption, which is not spoken here: name \
             its web server (http://server)"
        }
        Step::Share => {
            "the account has no Read at the share, or the share demands encryption; give another \
             account, or name the web server (http://server)"
        }
        Step::Folder | Step::File => {
            "the account has no Read at the file or folder; see the package's access accounts"
        }
    }
}

/// Answers to a login. `None` for what says nothing of the account.
fn of_login(status: NtStatus, anonymous: bool) -> Option<AccessKind> {
    // Not in smb2's table.
    const NO_SUCH_USER: NtStatus = NtStatus(0xC000_0064);
    const WRONG_PASSWORD: NtStatus = NtStatus(0xC000_006A);
    const LOGON_NOT_GRANTED: NtStatus = NtStatus(0xC000_0155);
    const LOGON_TYPE_NOT_GRANTED: NtStatus = NtStatus(0xC000_015B);
    const NTLM_BLOCKED: NtStatus = NtStatus(0xC000_0418);
    const AUTHENTICATION_FIREWALL_FAILED: NtStatus = NtStatus(0xC000_0413);

    let why = match status {
        NtStatus::LOGON_FAILURE | NO_SUCH_USER | WRONG_PASSWORD => {
            return Some(if anonymous {
                AccessKind::NeedsCredentials
            } else {
                AccessKind::WrongPassword
            });
        }
        NtStatus::ACCOUNT_LOCKED_OUT => "the account is locked",
        NtStatus::ACCOUNT_DISABLED => "the account is disabled",
        NtStatus::ACCOUNT_EXPIRED => "the account has expired",
        NtStatus::PASSWORD_EXPIRED => "the account's password has expired",
        NtStatus::PASSWORD_MUST_CHANGE => "the account's password must be changed first",
        NtStatus::ACCOUNT_RESTRICTION => "a restriction of the account forbids it",
        NtStatus::INVALID_LOGON_HOURS => "not at this time of day",
        NtStatus::INVALID_WORKSTATION => "not from this computer",
        LOGON_TYPE_NOT_GRANTED | LOGON_NOT_GRANTED => {
            "the account lacks the right \"Access this computer from the network\" there"
        }
        AUTHENTICATION_FIREWALL_FAILED => {
            "selective authentication keeps the account from that computer"
        }
        NTLM_BLOCKED | NtStatus::NOT_SUPPORTED => {
            "the server takes no NTLM logins, and no others are known here"
        }
        _ => return None,
    };
    Some(if anonymous { AccessKind::NeedsCredentials } else { AccessKind::Account(why.to_owned()) })
}

/// A refusal that concerns neither the account nor the name.
fn refused(status: NtStatus) -> AccessKind {
    const NO_LOGON_SERVERS: NtStatus = NtStatus(0xC000_005E);
    const TRUSTED_RELATIONSHIP_FAILURE: NtStatus = NtStatus(0xC000_018D);
    const TRUSTED_DOMAIN_FAILURE: NtStatus = NtStatus(0xC000_018C);

    let (hint, transient) = match status {
        NtStatus::SHARING_VIOLATION | NtStatus::FILE_LOCK_CONFLICT => {
            ("another program holds the file open".to_owned(), true)
        }
        NtStatus::INSUFFICIENT_RESOURCES | NtStatus::INSUFF_SERVER_RESOURCES => {
            ("it is short of memory".to_owned(), true)
        }
        NtStatus::REQUEST_NOT_ACCEPTED => ("it has too many sessions".to_owned(), true),
        NO_LOGON_SERVERS => ("it finds no domain controller".to_owned(), true),
        TRUSTED_RELATIONSHIP_FAILURE | TRUSTED_DOMAIN_FAILURE => {
            ("it does not trust the account's domain".to_owned(), false)
        }
        NtStatus::PATH_NOT_COVERED => {
            ("it lies behind DFS, which is not followed; name the server itself".to_owned(), false)
        }
        // smb2 knows the name, or writes the number again.
        _ => (
            Some(status.to_string()).filter(|name| name.starts_with("STATUS_")).unwrap_or_default(),
            false,
        ),
    };
    AccessKind::Server { status: code(status), hint, transient }
}

fn code(status: NtStatus) -> String {
    format!("0x{:08X}", status.0)
}

#[cfg(test)]
mod tests {
    use std::io;

    use smb2::types::{Command, MessageId};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn status(step: Step, status: u32) -> AccessKind {
        protocol(step, status, false)
    }

    fn protocol(step: Step, status: u32, anonymous: bool) -> AccessKind {
        let command = match step {
            Step::Connect => Command::Negotiate,
            Step::Login => Command::SessionSetup,
            Step::Share => Command::TreeConnect,
            Step::Folder => Command::QueryDirectory,
            Step::File => Command::Create,
        };
        let error = Error::Protocol { status: NtStatus(status), command };
        Trouble::from(error).kind(step, anonymous, LIMIT)
    }

    fn is_transient(kind: AccessKind) -> bool {
        crate::access::AccessError::new("", kind).is_transient()
    }

    #[test]
    fn logins() {
        for wrong in [0xC000_006D, 0xC000_0064, 0xC000_006A] {
            assert_eq!(status(Step::Login, wrong), AccessKind::WrongPassword);
            assert_eq!(protocol(Step::Login, wrong, true), AccessKind::NeedsCredentials);
        }
        for (number, word) in [
            (0xC000_0234, "locked"),
            (0xC000_0072, "disabled"),
            (0xC000_0193, "expired"),
            (0xC000_0071, "password has expired"),
            (0xC000_0224, "must be changed"),
            (0xC000_006E, "restriction"),
            (0xC000_006F, "time of day"),
            (0xC000_0070, "this computer"),
            (0xC000_015B, "from the network"),
            (0xC000_0418, "NTLM"),
            (0xC000_00BB, "NTLM"),
        ] {
            let kind = status(Step::Login, number);
            assert!(matches!(&kind, AccessKind::Account(why) if why.contains(word)), "{kind}");
            assert!(!is_transient(kind));
            // A disabled guest account means that there is no way in without an account.
            assert_eq!(protocol(Step::Login, number, true), AccessKind::NeedsCredentials);
        }
        let guest = Error::GuestSessionRefused { username: "dpread".to_owned(), anonymous: false };
        let guest = Trouble::from(guest).kind(Step::Login, false, LIMIT);
        assert_eq!(guest, AccessKind::WrongPassword);
        // What is no fault of the account's is not taken for one.
        for busy in [0xC000_00D0, 0xC000_005E, 0xC000_009A] {
            let kind = status(Step::Login, busy);
            assert!(matches!(kind, AccessKind::Server { transient: true, .. }), "{kind}");
        }
    }

    #[test]
    fn access_denied_says_where() {
        let denied = 0xC000_0022;
        let at = |step| status(step, denied).to_string();
        assert!(at(Step::Login).contains("the login"));
        assert!(at(Step::Share).contains("at the share"));
        assert!(at(Step::Folder).contains("access accounts"));
        assert!(at(Step::File).contains("access accounts"));
        assert_eq!(protocol(Step::Share, denied, true), AccessKind::NeedsCredentials);
    }

    #[test]
    fn every_refusal_has_a_way_out() {
        for (step, number, way_out) in [
            (Step::Login, 0xC000_006D, "correct --user or the password"),
            (Step::Login, 0xC000_0234, "give another account with --user"),
            (Step::Login, 0xC000_0022, "name its web server"),
            (Step::Share, 0xC000_00CC, "see whether the server is a distribution point"),
            (Step::Share, 0xC000_0022, "or name the web server"),
            (Step::File, 0xC000_0022, "see the package's access accounts"),
            (Step::File, 0xC000_0034, "redistribute it"),
            (Step::File, 0xC000_009A, "run again later"),
            (Step::File, 0xC000_0185, "see the server's logs"),
            (Step::File, 0xC000_0203, "run again"),
        ] {
            let error = crate::access::AccessError::new(r"\\dp\share", status(step, number));
            let text = crate::ContentError::from(error).to_string();
            assert!(text.starts_with(r"\\dp\share: ") && text.contains(way_out), "{text}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(status(Step::Share, 0xC000_00CC), AccessKind::NoShare);
        for none in [0xC000_0034, 0xC000_003A, 0xC000_000F, 0xC000_0033] {
            assert_eq!(status(Step::File, none), AccessKind::NotFound);
            assert_eq!(status(Step::Folder, none), AccessKind::NotFound);
        }
        assert_eq!(status(Step::Folder, 0xC000_0103), AccessKind::NotFound);
        assert!(matches!(status(Step::File, 0xC000_00BA), AccessKind::Malformed(_)));
    }

    #[test]
    fn what_may_pass_is_transient() {
        for soon in [0xC000_0043, 0xC000_0054, 0xC000_0205, 0xC000_0203, 0xC000_00C9, 0xC000_035C] {
            assert!(is_transient(status(Step::File, soon)), "{soon:X}");
        }
        let unknown = status(Step::File, 0xC000_0185);
        assert_eq!(unknown.to_string(), "the server answers 0xC0000185");
        assert!(!is_transient(unknown));
        let known = status(Step::File, 0xC000_00E5).to_string();
        assert_eq!(known, "the server answers 0xC00000E5 (STATUS_INTERNAL_ERROR)");
        let dfs = status(Step::File, 0xC000_0257);
        assert!(dfs.to_string().contains("DFS"), "{dfs}");
    }

    #[test]
    fn connections() {
        let kind = |error: Error, step| Trouble::from(error).kind(step, false, LIMIT);
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(matches!(kind(Error::Io(reset()), Step::Connect), AccessKind::Unreachable(_)));
        assert!(matches!(kind(Error::Io(reset()), Step::File), AccessKind::Lost(_)));
        assert!(matches!(kind(Error::Disconnected, Step::File), AccessKind::Lost(_)));
        let silence = Duration::from_millis(10_500);
        let unresponsive = Error::ServerUnresponsive { silent_for: silence };
        assert_eq!(kind(unresponsive, Step::File), AccessKind::Stalled { seconds: 30 });
        let silent = Trouble::Silence(silence).kind(Step::File, false, LIMIT);
        assert_eq!(silent, AccessKind::Stalled { seconds: 11 });

        let auth = Error::Auth { message: "no challenge".to_owned() };
        assert_eq!(kind(auth, Step::Login).to_string(), "no challenge");

        let attempts = [
            ("192.0.2.1:445", Some(io::ErrorKind::ConnectionRefused)),
            ("[2001:db8::1]:445", None),
        ];
        let attempts = attempts
            .map(|(addr, error_kind)| ConnectAttempt { addr: addr.parse().unwrap(), error_kind });
        let failed =
            Error::ConnectFailed { host: "dp:445".to_owned(), attempts: attempts.to_vec() };
        assert_eq!(
            kind(failed, Step::Connect).to_string(),
            "cannot be reached: 192.0.2.1:445: connection refused; [2001:db8::1]:445: no answer \
             within the budget"
        );

        let forged = Error::SignatureInvalid {
            command: Command::Read,
            message_id: MessageId(7),
            reason: smb2::error::SignatureFailure::Mismatch,
        };
        let forged = kind(forged, Step::File);
        assert!(matches!(forged, AccessKind::Malformed(_)) && !is_transient(forged));
    }
}
