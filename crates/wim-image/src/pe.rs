//! The machine a PE file was made for (PE/COFF specification, "MS-DOS Stub" and "COFF File Header").

use crate::architecture::Architecture;
use crate::cast::{to_u64, to_usize};

/// As many bytes from the start of a PE file as hold its machine number in every boot file known.
pub const HEAD: usize = 4096;

/// Where the DOS header says that the PE header begins.
const PE_OFFSET: usize = 0x3C;

/// Why bytes are not the head of a PE file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeError {
    /// Does not begin with `MZ`, or its PE header with `PE` and two zeros.
    #[error("not a PE file: no {missing} signature at {at}")]
    Signature {
        /// `MZ` or `PE`.
        missing: &'static str,
        /// Bytes from the start of the file.
        at: u64,
    },
    /// The PE header begins beyond the bytes given.
    #[error("the PE header ends at byte {end}, but only {given} bytes are there")]
    Beyond {
        /// End of the machine number, bytes from the start of the file.
        end: u64,
        /// Bytes given.
        given: u64,
    },
    /// A machine Windows was never made for.
    #[error("PE machine {machine:#06x} is no architecture Windows boots on")]
    Machine {
        /// The machine number.
        machine: u16,
    },
}

/// The architecture of the PE file that begins with `head`; [`HEAD`] bytes are enough.
///
/// # Errors
/// The bytes are not the head of a PE file, or the machine is not known.
pub fn machine(head: &[u8]) -> Result<Architecture, PeError> {
    if !head.starts_with(b"MZ") {
        return Err(PeError::Signature { missing: "MZ", at: 0 });
    }
    let beyond = |end| PeError::Beyond { end, given: to_u64(head.len()) };
    let offset = head.get(PE_OFFSET..).and_then(|rest| rest.first_chunk()).ok_or(beyond(0x40))?;
    let at = u64::from(u32::from_le_bytes(*offset));
    let header = head.get(to_usize(at)..).and_then(|rest| rest.first_chunk::<6>());
    match header {
        Some(&[b'P', b'E', 0, 0, low, high]) => {
            let machine = u16::from_le_bytes([low, high]);
            Architecture::from_pe_machine(machine).ok_or(PeError::Machine { machine })
        }
        Some(_) => Err(PeError::Signature { missing: "PE", at }),
        None => Err(beyond(at.saturating_add(6))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(at: u32, machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; at as usize + 6];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3C..0x40].copy_from_slice(&at.to_le_bytes());
        bytes[at as usize..at as usize + 2].copy_from_slice(b"PE");
        bytes[at as usize + 4..].copy_from_slice(&machine.to_le_bytes());
        bytes
    }

    #[test]
    fn machines() {
        for architecture in Architecture::ALL {
            assert_eq!(machine(&pe(0x80, architecture.pe_machine())), Ok(architecture));
        }
        assert_eq!(machine(&pe(0x80, 0xEBC)), Err(PeError::Machine { machine: 0xEBC }));
    }

    #[test]
    fn not_pe() {
        assert_eq!(machine(b""), Err(PeError::Signature { missing: "MZ", at: 0 }));
        assert_eq!(machine(b"MZ"), Err(PeError::Beyond { end: 0x40, given: 2 }));
        let mut bytes = pe(0x80, 0x8664);
        bytes.pop();
        assert_eq!(machine(&bytes), Err(PeError::Beyond { end: 0x86, given: 0x85 }));
        bytes[0x3C..0x40].fill(0xFF);
        assert!(matches!(machine(&bytes), Err(PeError::Beyond { .. })));
        bytes[0x3C..0x40].fill(0);
        assert_eq!(machine(&bytes), Err(PeError::Signature { missing: "PE", at: 0 }));
    }
}
