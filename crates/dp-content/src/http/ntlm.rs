//! NTLM version 2 as a client, for HTTP: no signing or sealing, so no session keys are exchanged.
//! [MS-NLMP], sections 2.2.1 (messages), 3.1.5.1.2 (client), 3.3.2 (NTLM v2).
//!
//! Written here because the crates that do it cost more than it: `ntlmclient` 0.2 stays on the
//! generation of hash crates before the one that `smb2` and we use (sixteen crates would be there
//! twice), brings a clock crate, ignores the server's time and sends no MIC; `sspi` brings 138
//! crates. What it does not do: channel bindings, so a server that *requires* Extended Protection
//! over HTTPS refuses it (IIS has it off unless told otherwise).

use extent_image::fold_case;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::{Digest as _, Md4};
use md5::Md5;

use crate::access::credentials::Credentials;

use super::auth::Authenticate;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

// 2.2.2.5 NEGOTIATE.
const UNICODE: u32 = 0x1;
const REQUEST_TARGET: u32 = 0x4;
const NTLM: u32 = 0x200;
const ALWAYS_SIGN: u32 = 0x8000;
const EXTENDED_SESSION_SECURITY: u32 = 0x8_0000;
const TARGET_INFO: u32 = 0x80_0000;
const VERSION: u32 = 0x200_0000;
const FLAGS: u32 = UNICODE
    | REQUEST_TARGET
    | NTLM
    | ALWAYS_SIGN
    | EXTENDED_SESSION_SECURITY
    | TARGET_INFO
    | VERSION;

/// 2.2.2.10: Windows 10.0, build 0, NTLM revision 15. gss-ntlmssp refuses a first message without
/// the field.
const VERSION_FIELD: [u8; 8] = [10, 0, 0, 0, 0, 0, 0, 15];

// 2.2.2.1 AV_PAIR.
const AV_EOL: u16 = 0;
const AV_FLAGS: u16 = 6;
const AV_TIMESTAMP: u16 = 7;
const AV_FLAGS_MIC: u32 = 2;

/// A server's list of names is some hundred bytes; a challenge of more than this is refused.
const LARGEST_CHALLENGE: usize = 16 << 10;

/// Bytes before the payload of the third message, with version and MIC.
const THIRD_HEADER: usize = 88;
const MIC_AT: usize = 72;

/// One login.
pub(super) struct Ntlm {
    user: String,
    domain: String,
    /// NTOWFv2 of the account: as good as the password, and never shown.
    key: [u8; 16],
    random: [u8; 8],
    first: Vec<u8>,
}

impl Ntlm {
    /// `random` is the client's challenge: fresh for every login.
    pub(super) fn new(credentials: &Credentials, random: [u8; 8]) -> Self {
        let (user, domain) = (credentials.user(), credentials.domain());
        let hash = Md4::digest(utf16(credentials.password().reveal()));
        // As Windows has it, one letter for one: `straße` does not become `STRASSE`.
        let upper: String = user.chars().map(fold_case).collect();
        let name = utf16(&format!("{upper}{domain}"));
        Self {
            user: user.to_owned(),
            domain: domain.to_owned(),
            key: hmac(&hash, &[&name]),
            random,
            first: first_message(),
        }
    }
}

impl Authenticate for Ntlm {
    fn start(&mut self) -> Vec<u8> {
        self.first.clone()
    }

    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, &'static str> {
        let second = Challenge::parse(challenge)?;
        let timed = second.time.is_some();
        // The server's time counts where it tells it. Where it does not, the first moment of 1601:
        // such servers do not look at it, and nothing here reads a clock.
        let time = second.time.unwrap_or_default();
        let mut info = second.info;
        if timed {
            info.extend_from_slice(&pair(AV_FLAGS, &AV_FLAGS_MIC.to_le_bytes()));
        }
        info.extend_from_slice(&pair(AV_EOL, &[]));

        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend_from_slice(&time);
        blob.extend_from_slice(&self.random);
        blob.extend_from_slice(&[0; 4]);
        blob.extend_from_slice(&info);
        blob.extend_from_slice(&[0; 4]);
        let proof = hmac(&self.key, &[&second.nonce, &blob]);
        let nt = [proof.as_slice(), &blob].concat();
        // With the server's time the LM answer is left empty (3.1.5.1.2).
        let lm = if timed {
            vec![0; 24]
        } else {
            [hmac(&self.key, &[&second.nonce, &self.random]).as_slice(), &self.random].concat()
        };

        let mut third = third_message(
            [&lm, &nt, &utf16(&self.domain), &utf16(&self.user), &[], &[]],
            second.flags & FLAGS,
        )?;
        if timed {
            let session = hmac(&self.key, &[&proof]);
            let mic = hmac(&session, &[&self.first, challenge, &third]);
            if let Some(place) = third.get_mut(MIC_AT..MIC_AT + 16) {
                place.copy_from_slice(&mic);
            }
        }
        Ok(third)
    }
}

/// 2.2.1.1, without names: 40 bytes.
fn first_message() -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    out.extend_from_slice(&1_u32.to_le_bytes());
    out.extend_from_slice(&FLAGS.to_le_bytes());
    for _ in 0..2 {
        out.extend_from_slice(&[0, 0, 0, 0, 40, 0, 0, 0]);
    }
    out.extend_from_slice(&VERSION_FIELD);
    out
}

/// 2.2.1.3: LM answer, NT answer, domain, user, workstation, session key; the MIC is zero.
fn third_message(fields: [&[u8]; 6], flags: u32) -> Result<Vec<u8>, &'static str> {
    let mut out = SIGNATURE.to_vec();
    out.extend_from_slice(&3_u32.to_le_bytes());
    let mut at = THIRD_HEADER;
    for field in fields {
        let len = u16::try_from(field.len()).map_err(|_| "a name is too long for NTLM")?;
        let place = u32::try_from(at).map_err(|_| "a name is too long for NTLM")?;
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&place.to_le_bytes());
        at += field.len();
    }
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&VERSION_FIELD);
    out.extend_from_slice(&[0; 16]);
    out.extend(fields.concat());
    Ok(out)
}

/// What counts of 2.2.1.2.
struct Challenge {
    flags: u32,
    nonce: [u8; 8],
    /// The pairs of the target information, without flags and end.
    info: Vec<u8>,
    time: Option<[u8; 8]>,
}

impl Challenge {
    fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "the NTLM challenge ends early";
        if bytes.len() > LARGEST_CHALLENGE {
            return Err("the NTLM challenge is too long");
        }
        if !bytes.starts_with(SIGNATURE) || array(bytes, 8) != Some(2_u32.to_le_bytes()) {
            return Err("the server's challenge is not NTLM");
        }
        let flags = u32::from_le_bytes(array(bytes, 20).ok_or(SHORT)?);
        if flags & UNICODE == 0 {
            return Err("the server's NTLM does not do Unicode");
        }
        let nonce = array(bytes, 24).ok_or(SHORT)?;
        let mut challenge = Self { flags, nonce, info: Vec::new(), time: None };
        if flags & TARGET_INFO != 0 {
            let len = usize::from(u16::from_le_bytes(array(bytes, 40).ok_or(SHORT)?));
            let at = u32::from_le_bytes(array(bytes, 44).ok_or(SHORT)?);
            let at = usize::try_from(at).map_err(|_| SHORT)?;
            let info = bytes.get(at..).and_then(|rest| rest.get(..len)).ok_or(SHORT)?;
            challenge.read_info(info).ok_or(SHORT)?;
        }
        Ok(challenge)
    }

    fn read_info(&mut self, mut rest: &[u8]) -> Option<()> {
        while !rest.is_empty() {
            let id = u16::from_le_bytes(array(rest, 0)?);
            let len = usize::from(u16::from_le_bytes(array(rest, 2)?));
            let value = rest.get(4..)?.get(..len)?;
            match id {
                AV_EOL => return Some(()),
                // Ours is put in its place.
                AV_FLAGS => {}
                _ => self.info.extend_from_slice(rest.get(..4 + len)?),
            }
            if id == AV_TIMESTAMP {
                self.time = Some(array(value, 0)?);
            }
            rest = rest.get(4 + len..)?;
        }
        Some(())
    }
}

fn pair(id: u16, value: &[u8]) -> Vec<u8> {
    // Only called with values of 0 and 4 bytes.
    let len = u16::try_from(value.len()).unwrap_or_default();
    [&id.to_le_bytes(), len.to_le_bytes().as_slice(), value].concat()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    // Every length of key is allowed, so this cannot fail (RFC 2104, section 2).
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else { return [0; 16] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::credentials::Password;

    /// [MS-NLMP] 4.2.1: User, Domain, Password, client challenge aa.., server challenge 01..ef.
    fn example() -> Ntlm {
        let credentials = Credentials::new("Domain\\User", Password::new("Password"));
        Ntlm::new(&credentials, [0xaa; 8])
    }

    /// The challenge of 4.2.4.3, whose target information has no time.
    fn challenge(info: &[u8]) -> Vec<u8> {
        let name = utf16("Server");
        let mut out = SIGNATURE.to_vec();
        out.extend_from_slice(&2_u32.to_le_bytes());
        out.extend_from_slice(&[12, 0, 12, 0, 56, 0, 0, 0]);
        out.extend_from_slice(&0xe28a_8233_u32.to_le_bytes());
        out.extend_from_slice(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
        out.extend_from_slice(&[0; 8]);
        let len = u16::try_from(info.len()).unwrap().to_le_bytes();
        out.extend_from_slice(&[len[0], len[1], len[0], len[1], 68, 0, 0, 0]);
        out.extend_from_slice(&[6, 0, 0x70, 0x17, 0, 0, 0, 0x0f]);
        out.extend_from_slice(&name);
        out.extend_from_slice(info);
        out
    }

    fn names() -> Vec<u8> {
        [pair(2, &utf16("Domain")), pair(1, &utf16("Server"))].concat()
    }

    fn field(message: &[u8], at: usize) -> &[u8] {
        let len = usize::from(u16::from_le_bytes(array(message, at).unwrap()));
        let place = usize::try_from(u32::from_le_bytes(array(message, at + 4).unwrap())).unwrap();
        &message[place..place + len]
    }

    #[test]
    fn keys_and_answers_are_those_of_the_specification() {
        let mut login = example();
        // 4.2.4.1.1 NTOWFv2.
        assert_eq!(
            login.key,
            [
                0x0c, 0x86, 0x8a, 0x40, 0x3b, 0xfd, 0x7a, 0x93, 0xa3, 0x00, 0x1e, 0xf2, 0x2e, 0xf0,
                0x2e, 0x3f
            ]
        );
        let second = challenge(&[names(), pair(AV_EOL, &[])].concat());
        let third = login.answer(&second).unwrap();
        // 4.2.4.2.1 LMv2 response.
        assert_eq!(
            field(&third, 12),
            [
                0x86, 0xc3, 0x50, 0x97, 0xac, 0x9c, 0xec, 0x10, 0x25, 0x54, 0x76, 0x4a, 0x57, 0xcc,
                0xcc, 0x19, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa
            ]
        );
        // 4.2.4.2.2 NTLMv2 response: the first 16 bytes.
        assert_eq!(
            field(&third, 20)[..16],
            [
                0x68, 0xcd, 0x0a, 0xb8, 0x51, 0xe5, 0x1c, 0x96, 0xaa, 0xbc, 0x92, 0x7b, 0xeb, 0xef,
                0x6a, 0x1c
            ]
        );
        assert_eq!(field(&third, 28), utf16("Domain"));
        assert_eq!(field(&third, 36), utf16("User"));
        assert_eq!(third[MIC_AT..MIC_AT + 16], [0; 16]);
    }

    #[test]
    fn names_are_upper_case_letter_by_letter() {
        let key = |user: &str| {
            let credentials =
                Credentials::new(user, crate::access::credentials::Password::new("x"));
            Ntlm::new(&credentials, [0; 8]).key
        };
        assert_eq!(key("straße"), key("STRAßE"));
        assert_ne!(key("straße"), key("STRASSE"));
        assert_eq!(key("müller"), key("MÜLLER"));
    }

    #[test]
    fn the_servers_time_is_used_and_guarded() {
        let time = [1, 2, 3, 4, 5, 6, 7, 8];
        let info = [names(), pair(AV_TIMESTAMP, &time), pair(AV_EOL, &[])].concat();
        let second = challenge(&info);
        let mut login = example();
        let first = login.start();
        assert_eq!(first.len(), 40);
        let third = login.answer(&second).unwrap();
        assert_eq!(field(&third, 12), [0; 24]);
        let nt = field(&third, 20);
        assert_eq!(nt[24..32], time);
        assert!(nt.windows(8).any(|part| part == [6, 0, 4, 0, 2, 0, 0, 0]));
        let session = hmac(&login.key, &[&nt[..16]]);
        let mut bare = third.clone();
        bare[MIC_AT..MIC_AT + 16].fill(0);
        assert_eq!(third[MIC_AT..MIC_AT + 16], hmac(&session, &[&first, &second, &bare]));
        // The same login again is the same bytes.
        let mut again = example();
        again.start();
        assert_eq!(again.answer(&second).unwrap(), third);
    }

    #[test]
    fn bad_challenges_are_refused() {
        let good = challenge(&names());
        assert!(example().answer(&good).is_ok());
        for len in 0..good.len() {
            assert!(example().answer(&good[..len]).is_err(), "{len}");
        }
        let mut far = good.clone();
        far[44..48].fill(0xff);
        assert!(example().answer(&far).is_err());
        let mut lies = challenge(&[pair(1, &[0; 4]), vec![7, 0, 0xff, 0xff]].concat());
        assert!(example().answer(&lies).is_err());
        lies.resize(LARGEST_CHALLENGE + 1, 0);
        assert!(example().answer(&lies).is_err());
        assert!(example().answer(b"NTLMSSP\0\x01\0\0\0").is_err());
    }
}
