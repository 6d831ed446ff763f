//! The parts of a PE file that its digest covers, and its certificate table.

use std::io;
use std::ops::Range;

use extent_image::ReadAt;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, FromZeros as _, IntoBytes};

use crate::disk::{CoffHeader, DataDirectory, OptionalHeader, Section, WinCertificate};

use super::digest::{DigestAlgorithm, Hashing};
use super::error::{AuthenticodeError, SignatureFault};

/// Most bytes of a certificate table that are read, 1 MiB. Boot programs have about 10,000 for each
/// signature.
pub const LARGEST_TABLE: u64 = 1 << 20;

/// Most sections whose digest is computed; Windows itself loads no program with more.
const MOST_SECTIONS: u16 = 96;

/// Where the DOS header says that the PE header begins.
const PE_OFFSET: u64 = 0x3C;
/// The certificate table among the data directories.
const CERTIFICATE_TABLE: u32 = 4;
/// Bytes read at once for the digest.
const BUFFER: usize = 1 << 18;

/// The head of a PE file.
pub(super) struct Program<'a> {
    file: &'a dyn ReadAt,
    headers_size: u64,
    checksum_at: u64,
    sections_at: u64,
    sections: u16,
    /// Where the headers say where the certificate table is; `None` for a file without room for it.
    directory_at: Option<u64>,
    table: Range<u64>,
}

fn record<T: FromBytes + IntoBytes>(file: &dyn ReadAt, at: u64) -> io::Result<T> {
    let mut record = T::new_zeroed();
    file.read_exact_at(record.as_mut_bytes(), at)?;
    Ok(record)
}

impl<'a> Program<'a> {
    pub(super) fn open(file: &'a dyn ReadAt) -> Result<Self, AuthenticodeError> {
        let not_pe = |missing, at| Err(AuthenticodeError::NotPe { missing, at });
        if file.len() < 2 || record::<[u8; 2]>(file, 0)? != *b"MZ" {
            return not_pe("MZ", 0);
        }
        let coff_at = u64::from(record::<U32>(file, PE_OFFSET)?.get());
        let coff: CoffHeader = record(file, coff_at)?;
        if coff.signature != *b"PE\0\0" {
            return not_pe("PE", coff_at);
        }
        let at = coff_at + size_of::<CoffHeader>() as u64;
        let optional: OptionalHeader = record(file, at)?;
        // Bytes before the data directories, the last four of which count them.
        let before: u32 = match optional.magic.get() {
            OptionalHeader::PE32 => 96,
            OptionalHeader::PE32_PLUS => 112,
            _ => return not_pe("PE32", at),
        };
        let found = u32::from(coff.optional_size.get());
        let directories = record::<U32>(file, at + u64::from(before) - 4)?.get();
        let entry = size_of::<DataDirectory>() as u32;
        let has_table = directories > CERTIFICATE_TABLE;
        let needed = if has_table { before + (CERTIFICATE_TABLE + 1) * entry } else { before };
        if found < needed {
            return Err(AuthenticodeError::OptionalHeader { found, needed });
        }
        let directory_at = has_table.then(|| at + u64::from(needed - entry));
        let table = match directory_at {
            Some(at) => record::<DataDirectory>(file, at)?,
            None => DataDirectory::new_zeroed(),
        };
        let (table_at, len) = (u64::from(table.at.get()), u64::from(table.size.get()));
        if len > 0 && table_at + len > file.len() {
            return Err(AuthenticodeError::TableOutside { at: table_at, len, end: file.len() });
        }
        Ok(Self {
            file,
            headers_size: u64::from(optional.headers_size.get()),
            checksum_at: at + std::mem::offset_of!(OptionalHeader, checksum) as u64,
            sections_at: at + u64::from(found),
            sections: coff.sections.get(),
            directory_at,
            table: table_at..table_at + len,
        })
    }

    /// The certificate table, and where it begins.
    pub(super) fn certificate_table(&self) -> Result<(u64, Vec<u8>), AuthenticodeError> {
        let len = self.table.end - self.table.start;
        if len > LARGEST_TABLE {
            return Err(AuthenticodeError::TableTooLarge { len, allowed: LARGEST_TABLE });
        }
        // Not more than the file has, which was looked at when it was opened.
        let mut table = vec![0; usize::try_from(len).unwrap_or_default()];
        if !table.is_empty() {
            self.file.read_exact_at(&mut table, self.table.start)?;
        }
        Ok((self.table.start, table))
    }

    /// Digests of the file without what signing changes: the checksum, the place of the certificate
    /// table and the table itself ("Calculating the PE Image Hash" in Microsoft's document). One for
    /// each algorithm, `None` for those that are not known; or why there is none.
    pub(super) fn digests(
        &self,
        algorithms: &[DigestAlgorithm],
    ) -> io::Result<Result<Vec<Option<Vec<u8>>>, String>> {
        let covered = match self.covered()? {
            Ok(covered) => covered,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut hashings: Vec<_> = algorithms.iter().map(Hashing::new).collect();
        let mut buffer = vec![0; BUFFER];
        for range in covered {
            let mut at = range.start;
            while at < range.end {
                let count = usize::try_from(range.end - at).unwrap_or(BUFFER).min(BUFFER);
                let part = buffer.get_mut(..count).unwrap_or_default();
                self.file.read_exact_at(part, at)?;
                hashings.iter_mut().flatten().for_each(|hashing| hashing.update(part));
                at += count as u64;
            }
        }
        Ok(Ok(hashings.into_iter().map(|hashing| hashing.map(Hashing::finish)).collect()))
    }

    /// What the digest covers: the headers, each section in the order of the file, and what lies
    /// behind the sections; or why that cannot be told.
    fn covered(&self) -> io::Result<Result<Vec<Range<u64>>, String>> {
        let end = self.file.len();
        let mut covered = Vec::new();
        covered.push(0..self.checksum_at);
        let mut from = self.checksum_at + 4;
        if let Some(at) = self.directory_at {
            covered.push(from..at);
            from = at + size_of::<DataDirectory>() as u64;
        }
        if self.headers_size < from || self.headers_size > end {
            let text = format!("its headers cannot end at byte {}", self.headers_size);
            return Ok(Err(text));
        }
        covered.push(from..self.headers_size);
        if self.sections > MOST_SECTIONS {
            let text = format!("{} sections, more than {MOST_SECTIONS}", self.sections);
            return Ok(Err(text));
        }
        let mut sections = Vec::new();
        for index in 0..u64::from(self.sections) {
            let at = self.sections_at + index * size_of::<Section>() as u64;
            let section: Section = record(self.file, at)?;
            let (at, size) = (section.file_at.get().into(), u64::from(section.file_size.get()));
            if size > 0 {
                sections.push(at..at + size);
            }
        }
        sections.sort_by_key(|section| section.start);
        // The document goes on behind the sections at the sum of what it has seen so far.
        let mut sum = self.headers_size;
        let mut last = self.headers_size;
        for section in sections {
            if section.start < last || section.end > end {
                let text = format!(
                    "the section from byte {} to {} overlaps another or ends behind the file",
                    section.start, section.end
                );
                return Ok(Err(text));
            }
            last = section.end;
            sum += section.end - section.start;
            covered.push(section);
        }
        let rest = end.checked_sub(self.table.end - self.table.start);
        match rest {
            Some(rest) if sum <= rest => covered.push(sum..rest),
            _ => return Ok(Err("the certificate table overlaps the sections".to_owned())),
        }
        Ok(Ok(covered))
    }
}

/// Bytes of a GUID.
const GUID: usize = 16;
/// EFI_CERT_TYPE_PKCS7_GUID, which stands before a PKCS #7 SignedData in an entry with a GUID (UEFI
/// specification, "WIN_CERTIFICATE_UEFI_GUID").
const PKCS7: [u8; GUID] = [
    0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7,
];

/// The entries of a certificate table that hold a signature: where each begins in the file, and the
/// signature; and the fault at which the table ends, if it does. Entries of other kinds are passed
/// over as firmware does.
pub(super) fn entries(at: u64, table: &[u8]) -> (Vec<(u64, &[u8])>, Option<SignatureFault>) {
    let mut found = Vec::new();
    let mut rest = table;
    while !rest.is_empty() {
        let at = at + (table.len() - rest.len()) as u64;
        let left = rest.len() as u64;
        let Ok((head, _)) = WinCertificate::read_from_prefix(rest) else {
            // Less than the head of an entry: what rounding has left.
            if rest.iter().all(|byte| *byte == 0) {
                break;
            }
            return (found, Some(SignatureFault::Entry { at, len: left, left }));
        };
        let len = u64::from(head.len.get());
        let content = usize::try_from(len).ok().and_then(|len| rest.get(size_of_val(&head)..len));
        let Some(content) = content else {
            return (found, Some(SignatureFault::Entry { at, len, left }));
        };
        match head.kind.get() {
            WinCertificate::PKCS => found.push((at, content)),
            WinCertificate::EFI_GUID => {
                found.extend(content.strip_prefix(&PKCS7).map(|content| (at, content)));
            }
            _ => {}
        }
        let next = usize::try_from(len.next_multiple_of(8)).unwrap_or(usize::MAX);
        rest = rest.get(next..).unwrap_or_default();
    }
    (found, None)
}
