//! The signatures of a content, `/SMS_DP_SMSSIG$/<content id>.tar`: they name its files where it
//! cannot be listed (reference 1.7).
//!
//! The tar is one as only a distribution point makes it: `\` in names, checksum, mode, owner and time
//! zero, so tar readers refuse it. Known from one picture of one header: what a name of more than 100
//! bytes looks like, and in which encoding other than ASCII, is not confirmed. A long name is read as
//! GNU's tar writes it, and an overlong one is refused. Signatures themselves are passed over.

use std::io::{self, Read};

use crate::path::{ContentPath, ContentPathError};

/// Bytes of a tar. That of the client's package, some hundred files, has 6 MB.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// Names of a tar.
pub(crate) const MAX_NAMES: usize = 100_000;

/// Bytes of a name.
const MAX_NAME: u64 = 4096;

/// Bytes of all names.
const MAX_ALL_NAMES: usize = 16 << 20;

const BLOCK: u64 = 512;

/// A tar that does not tell the names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SignatureError {
    #[error("the signatures cannot be read on")]
    Read(#[source] io::Error),
    #[error("the signatures end at byte {at}, where {missing} bytes more are due; try again")]
    Truncated { at: u64, missing: u64 },
    #[error("the signatures have no tar header at byte {at}; redistribute the content")]
    NoHeader { at: u64 },
    #[error(
        "the signatures have a header at byte {at} whose length is {found:?}; redistribute the content"
    )]
    Length { at: u64, found: String },
    #[error(
        "the signatures have more than {MAX_BYTES} bytes, or {MAX_NAMES} names, or {MAX_ALL_NAMES} \
         bytes of names; read the library from its share"
    )]
    TooLong,
    #[error("the signatures have a name at byte {at} {problem}; read the library from its share")]
    Name { at: u64, problem: &'static str },
    #[error("the signatures name a file as none can be, at byte {at}; redistribute the content")]
    Path {
        at: u64,
        #[source]
        source: ContentPathError,
    },
}

/// The paths of the files, in the order of the tar. Reads to the end of what it tells, not to that of
/// the reader.
///
/// # Errors
/// [`SignatureError`]
pub(crate) fn names(tar: impl Read) -> Result<Vec<ContentPath>, SignatureError> {
    let mut blocks = Blocks { tar, at: 0 };
    let mut names = Vec::new();
    let mut names_len = 0_usize;
    // From an entry that holds the name of the next one.
    let mut long: Option<Vec<u8>> = None;
    loop {
        let at = blocks.at;
        let Some(block) = blocks.header()? else { break };
        // Two blocks of zeros end a tar; of the first one is known enough.
        if block == [0; 512] {
            break;
        }
        let header = Header::read(&block, at)?;
        match header.kind {
            b'L' => {
                if header.len > MAX_NAME {
                    return Err(SignatureError::Name { at, problem: "of more than 4096 bytes" });
                }
                let mut name = blocks.data(header.len)?;
                while name.pop_if(|byte| *byte == 0).is_some() {}
                long = Some(name);
            }
            b'0' | 0 | b'5' => {
                let name = long.take().map_or_else(|| header.name(&block, at), Ok)?;
                blocks.skip(header.len)?;
                if header.kind == b'5' {
                    continue;
                }
                names_len = names_len.saturating_add(name.len());
                if names.len() == MAX_NAMES || names_len > MAX_ALL_NAMES {
                    return Err(SignatureError::TooLong);
                }
                let name = str::from_utf8(&name)
                    .map_err(|_| SignatureError::Name { at, problem: "that is not UTF-8" })?;
                if name.contains(char::is_control) {
                    let problem = "with a control character in it";
                    return Err(SignatureError::Name { at, problem });
                }
                let path = ContentPath::new(name);
                let path = path.map_err(|source| SignatureError::Path { at, source })?;
                if path.is_root() {
                    return Err(SignatureError::Name { at, problem: "of no characters" });
                }
                names.push(path);
            }
            _ => return Err(SignatureError::NoHeader { at }),
        }
    }
    match long {
        Some(_) => Err(SignatureError::Truncated { at: blocks.at, missing: BLOCK }),
        None => Ok(names),
    }
}

/// What matters of a header.
struct Header {
    kind: u8,
    len: u64,
    /// POSIX, 4.4.2: the front part of a long path. Where GNU's tar or a distribution point has
    /// made the header, other things stand there.
    has_prefix: bool,
}

impl Header {
    const NAME: std::ops::Range<usize> = 0..100;
    const BEHIND_NAME: std::ops::Range<usize> = 100..108;
    const LENGTH: std::ops::Range<usize> = 0x7C..0x88;
    const KIND: usize = 0x9C;
    const MAGIC: std::ops::Range<usize> = 0x101..0x107;
    const PREFIX: std::ops::Range<usize> = 345..500;

    fn read(block: &[u8; 512], at: u64) -> Result<Self, SignatureError> {
        let magic = field(block, Self::MAGIC);
        if !magic.starts_with(b"ustar") {
            return Err(SignatureError::NoHeader { at });
        }
        let digits = field(block, Self::LENGTH);
        let len = octal(digits).ok_or_else(|| {
            let digits = String::from_utf8_lossy(digits);
            SignatureError::Length { at, found: digits.trim_end_matches('\0').to_owned() }
        })?;
        let kind = block.get(Self::KIND).copied().unwrap_or_default();
        Ok(Self { kind, len, has_prefix: magic.ends_with(b"\0") })
    }

    fn name(&self, block: &[u8; 512], at: u64) -> Result<Vec<u8>, SignatureError> {
        let name = until_zero(field(block, Self::NAME));
        // Mode, which is digits or zeros: whoever writes so loosely may have let the name run on.
        let runs_on = field(block, Self::BEHIND_NAME)
            .iter()
            .any(|byte| !matches!(byte, 0 | b' ' | b'0'..=b'7'));
        if name.len() == Self::NAME.len() && runs_on {
            return Err(SignatureError::Name { at, problem: "of more than 100 bytes" });
        }
        let prefix = until_zero(field(block, Self::PREFIX));
        if self.has_prefix && !prefix.is_empty() {
            return Ok([prefix, b"/", name].concat());
        }
        Ok(name.to_owned())
    }
}

fn field(block: &[u8; 512], range: std::ops::Range<usize>) -> &[u8] {
    block.get(range).unwrap_or_default()
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, with spaces before and spaces or zeros behind; none are 0.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = until_zero(field).trim_ascii();
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 8)?);
        number.checked_mul(8)?.checked_add(digit)
    })
}

/// A tar, in blocks.
struct Blocks<R> {
    tar: R,
    at: u64,
}

impl<R: Read> Blocks<R> {
    /// `None` at the end, which may be where a header is due.
    fn header(&mut self) -> Result<Option<[u8; 512]>, SignatureError> {
        let mut block = [0; 512];
        let start = self.at;
        let mut rest = block.as_mut_slice();
        while !rest.is_empty() {
            let read = match self.tar.read(rest) {
                Ok(0) if self.at == start => return Ok(None),
                Ok(0) => {
                    let missing = u64::try_from(rest.len()).unwrap_or(BLOCK);
                    return Err(SignatureError::Truncated { at: self.at, missing });
                }
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SignatureError::Read(error)),
            };
            self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            rest = rest.get_mut(read..).unwrap_or_default();
        }
        Ok(Some(block))
    }

    /// `len` bytes, at most [`MAX_NAME`], and what fills the block.
    fn data(&mut self, len: u64) -> Result<Vec<u8>, SignatureError> {
        let mut data = Vec::new();
        self.pass(len, &mut data)?;
        self.pass(filler(len), &mut io::sink())?;
        Ok(data)
    }

    fn skip(&mut self, len: u64) -> Result<(), SignatureError> {
        let len = len.checked_add(filler(len)).ok_or(SignatureError::TooLong)?;
        self.pass(len, &mut io::sink())
    }

    fn pass(&mut self, len: u64, to: &mut dyn io::Write) -> Result<(), SignatureError> {
        if self.at.checked_add(len).is_none_or(|end| end > MAX_BYTES) {
            return Err(SignatureError::TooLong);
        }
        let mut tar = self.tar.by_ref().take(len);
        let passed = io::copy(&mut tar, to).map_err(SignatureError::Read)?;
        self.at = self.at.saturating_add(passed);
        match len.saturating_sub(passed) {
            0 => Ok(()),
            missing => Err(SignatureError::Truncated { at: self.at, missing }),
        }
    }
}

/// From the end of data to the next block.
fn filler(len: u64) -> u64 {
    len.wrapping_neg() % BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and data as a distribution point writes them: length by three octal digits, magic
    /// `ustar` and two spaces, all else zero.
    fn entry(name: &str, data: &[u8]) -> Vec<u8> {
        raw(name.as_bytes(), b'0', &format!("{:o}", data.len()), data)
    }

    fn raw(name: &[u8], kind: u8, len: &str, data: &[u8]) -> Vec<u8> {
        let mut entry = vec![0; 512];
        entry[..name.len()].copy_from_slice(name);
        entry[0x7C..][..len.len()].copy_from_slice(len.as_bytes());
        entry[0x9C] = kind;
        entry[0x101..0x108].copy_from_slice(b"ustar  ");
        entry.extend_from_slice(data);
        entry.resize(entry.len().next_multiple_of(512), 0);
        entry
    }

    /// Of 150 bytes, as in the picture.
    fn signature() -> Vec<u8> {
        let mut data = vec![0x18, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1];
        data.resize(150, 0xAA);
        data
    }

    fn read(tar: &[u8]) -> Result<Vec<String>, SignatureError> {
        let names = names(tar)?;
        Ok(names.into_iter().map(|path| path.to_string()).collect())
    }

    #[test]
    fn names_of_a_distribution_point() {
        let first = entry("configure-baseline.ps1", &signature());
        assert_eq!(first[0x7C..0x80], *b"226\0");
        assert_eq!(first.len(), 1024);
        let tar = [
            first,
            entry("i386\\client.msi", &[1; 512]),
            entry("x64\\a b#c%.txt", b""),
            vec![0; 1024],
            b"whatever comes then".to_vec(),
        ]
        .concat();
        let names = ["configure-baseline.ps1", "i386/client.msi", "x64/a b#c%.txt"];
        assert_eq!(read(&tar).unwrap(), names);
        // Without the blocks of zeros, or one of them.
        assert_eq!(read(&tar[..2560]).unwrap(), names);
        assert_eq!(read(&tar[..3072]).unwrap(), names);
        assert_eq!(read(b"").unwrap(), [""; 0]);
        // Not read beyond what is told, nor by more than blocks.
        let mut reader = OneByOne(&tar);
        assert_eq!(super::names(&mut reader).unwrap().len(), 3);
        assert_eq!(reader.0.len(), 512 + b"whatever comes then".len());
    }

    struct OneByOne<'a>(&'a [u8]);

    impl Read for OneByOne<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let len = buf.len().min(1);
            self.0.read(&mut buf[..len])
        }
    }

    #[test]
    fn headers_of_others() {
        let long = "n".repeat(150);
        let mut posix = entry("name", b"");
        posix[0x106] = 0;
        posix[345..350].copy_from_slice(b"a/b/c");
        let tar = [
            raw(b"././@LongLink", b'L', " 0000227 ", format!("{long}\0").as_bytes()),
            entry("nnn", b"1"),
            posix,
            raw(b"folder/", b'5', "", b""),
            raw("ä".repeat(50).as_bytes(), 0, "", b""),
        ]
        .concat();
        assert_eq!(read(&tar).unwrap(), [&*long, "a/b/c/name", &*"ä".repeat(50)]);
    }

    #[test]
    fn tars_that_end_early() {
        let tar = entry("a", &signature());
        for (len, at, missing) in [(1, 1, 511), (511, 511, 1), (512, 512, 512), (1023, 1023, 1)] {
            let found = read(&tar[..len]).unwrap_err();
            let SignatureError::Truncated { at: found_at, missing: found_missing } = found else {
                panic!("{found}");
            };
            assert_eq!((found_at, found_missing), (at, missing));
        }
        let long = raw(b"", b'L', "1", b"a");
        assert!(matches!(read(&long), Err(SignatureError::Truncated { at: 1024, .. })));
    }

    #[test]
    fn tars_that_are_refused() {
        for name in ["..", r"..\a", "a/../b", r"\a", "/a", "C:\\a", "a\\\\b", "a/"] {
            let found = read(&entry(name, b""));
            assert!(matches!(found, Err(SignatureError::Path { at: 0, .. })), "{name}: {found:?}");
        }
        for name in [&b"a\nb"[..], b"\xFF", b""] {
            // What is not all zeros is no end.
            let found = read(&raw(name, b'0', "", b""));
            assert!(matches!(found, Err(SignatureError::Name { at: 0, .. })), "{found:?}");
        }
        let mut runs_on = entry("a", b"");
        runs_on[..105].fill(b'n');
        assert!(matches!(read(&runs_on), Err(SignatureError::Name { .. })));
        let too_long = raw(b"", b'L', "10001", b"");
        assert!(matches!(read(&too_long), Err(SignatureError::Name { .. })));

        let second = [entry("a", b""), vec![b'x'; 512]].concat();
        assert!(matches!(read(&second), Err(SignatureError::NoHeader { at: 512 })));
        let unknown = raw(b"a", b'2', "", b"");
        assert!(matches!(read(&unknown), Err(SignatureError::NoHeader { at: 0 })));
        for len in ["8", "-1", "1 1", "0x1", "\u{7F}"] {
            let found = read(&raw(b"a", b'0', len, b""));
            assert!(matches!(found, Err(SignatureError::Length { at: 0, .. })), "{len}: {found:?}");
        }
        let huge = raw(b"a", b'0', "777777777777", b"");
        assert!(matches!(read(&huge), Err(SignatureError::TooLong)));
    }

    #[test]
    fn names_have_limits() {
        let one = entry("a", b"");
        let tar = Again { block: one.clone(), at: 0 };
        assert!(matches!(names(tar), Err(SignatureError::TooLong)));
        let path = ["n".repeat(127).as_str(); 32].join("/");
        let long = raw(b"", b'L', "07777", path.as_bytes());
        let tar = Again { block: [long, one].concat(), at: 0 };
        assert!(matches!(names(tar), Err(SignatureError::TooLong)));
    }

    /// The same bytes for ever.
    struct Again {
        block: Vec<u8>,
        at: usize,
    }

    impl Read for Again {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let mut rest = &self.block[self.at..];
            let read = rest.read(buf)?;
            self.at = (self.at + read) % self.block.len();
            Ok(read)
        }
    }
}
