//! Words that tell a secret, and values that are none.

use super::text::ends_with;
use super::unconfirmed::{
    DOUBT_PART, DOUBT_SUFFIX, DOUBT_WORDS, NO_DOUBT_BEFORE, SECRET_PREFIX, SECRET_SUFFIX,
    SECRET_WORDS,
};

/// Whether a name says that what has it is a secret, whatever the case and the space around it.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
        || ends_with(&name, SECRET_SUFFIX)
        || name.get(..SECRET_PREFIX.len()).is_some_and(|n| n.eq_ignore_ascii_case(SECRET_PREFIX))
}

/// Whether a name or other text has a word in it that may tell a secret.
pub(super) fn mentions_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    SECRET_WORDS.iter().chain(DOUBT_WORDS).any(|word| lower.contains(word))
        || text.split(|c: char| !c.is_alphanumeric()).any(is_doubtful_word)
}

fn is_doubtful_word(word: &str) -> bool {
    // Same length, so places in one are places in the other.
    let lower = word.to_ascii_lowercase();
    ends_with(word, DOUBT_SUFFIX)
        || lower.match_indices(DOUBT_PART).any(|(at, part)| {
            let (before, rest) = word.split_at_checked(at).unwrap_or_default();
            let (part, after) = rest.split_at_checked(part.len()).unwrap_or_default();
            is_camel_part(before, part, after)
                && !NO_DOUBT_BEFORE.iter().any(|end| {
                    after.get(..end.len()).is_some_and(|after| after.eq_ignore_ascii_case(end))
                })
        })
}

/// Whether `part` is one by itself between the two: `Pass` in `AdminPass` and `OSDPass1`, not in
/// `bypass` and `PASSIVE`.
fn is_camel_part(before: &str, part: &str, after: &str) -> bool {
    let capital = part.starts_with(char::is_uppercase);
    let all_capitals = part.chars().all(char::is_uppercase);
    let begins = match before.chars().next_back() {
        Some(c) if c.is_alphabetic() => capital && (c.is_lowercase() || !all_capitals),
        _ => true,
    };
    let ends = match after.chars().next() {
        Some(c) if c.is_alphabetic() => !all_capitals && c.is_uppercase(),
        _ => true,
    };
    begins && ends
}

/// Answers that are nobody's password.
pub(super) const FLAGS: &[&str] = &["true", "false", "yes", "no"];

pub(super) fn is_flag(value: &str) -> bool {
    is_one_of(value.trim(), FLAGS)
}

pub(super) fn is_one_of(value: &str, known: &[&str]) -> bool {
    known.iter().any(|one| one.eq_ignore_ascii_case(value))
}

/// Numbers with spaces between, or nothing.
pub(super) fn is_numbers(value: &str) -> bool {
    value.split_ascii_whitespace().all(|word| word.parse::<i64>().is_ok())
}

/// No secret whatever has it.
pub(super) fn is_no_secret(value: &str) -> bool {
    value.trim().is_empty() || is_flag(value)
}

/// Worth no doubt, unless a name tells a secret: a password may be a number.
pub(super) fn is_plain(value: &str) -> bool {
    is_flag(value) || is_numbers(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "OSDCaptureAccountPassword",
            "OSDJoinPassword1",
            "APassword ",
            "DomainPwd",
            "OSDBitLockerPIN",
            "_SMSTSReserved2-000",
            "MyPassphrase",
            "ClientSecret",
            "apitoken",
            "passwort or Password",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["OSDComputerName", "assword", "Paßword", "Pinned", "_SMSTSReserved1-000", ""]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn words_that_may_tell_a_secret() {
        for text in [
            "AdminPass",
            "OSDPass1",
            "adminPassOld",
            "admin_pass",
            "run --pass x",
            "PASS",
            "OSDLocalAdminPW",
            "Credentials",
            "OSDProductKey",
            "a --apikey=x",
            "set Password",
        ] {
            assert!(mentions_secret(text), "{text}");
            assert!(text == "set Password" || !is_secret_name(text), "{text}");
        }
        for text in
            ["bypass", "PASSIVE", "passive", "Compass", "Start-Process a -PassThru", "pwsh", "ßpas"]
        {
            assert!(!mentions_secret(text), "{text}");
        }
    }
}
