//! Registry hives: a reader for versions 1.3 to 1.6, and a writer of version 1.3.
//!
//! ```
//! use bcd_store::hive::{FileTime, Hive, KeyTree, ValueType};
//!
//! let tree = KeyTree::new("Root")
//!     .with_subkey(KeyTree::new("Setup").with_value("Phase", ValueType::DWORD, [1, 0, 0, 0]));
//! let bytes = tree.to_hive(FileTime::from_unix_seconds(1_700_000_000))?;
//!
//! let hive = Hive::open(&bytes)?;
//! assert!(!hive.is_dirty());
//! let setup = hive.root()?.subkey("SETUP")?.expect("it was put there");
//! assert_eq!(setup.value("phase")?.and_then(|value| value.dword()), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The reader takes the whole file as bytes in memory and walks it when asked. It trusts nothing in
//! it: each cell must lie in one bin and hold what its referrer says, each key must name the key it
//! was reached from as the one above, and every count meets [`Limits`]. So a walk over all keys
//! ends, and reads no key twice. (Keys may share values, so a walk over all values of a hostile hive
//! can take longer than its length suggests; [`KeyTree::read`] refuses such hives.) Security descriptors, classes and symbolic links are not followed,
//! and log files are not applied: [`Hive::is_dirty`] tells when they would matter.

mod error;
mod key;
mod limits;
mod name;
mod read;
mod time;
mod tree;
mod value;
mod write;

pub use error::{HiveError, HiveWriteError};
pub use key::{Key, Subkeys, Values};
pub use limits::Limits;
pub use read::Hive;
pub use time::FileTime;
pub use tree::{KeyTree, ValueData};
pub use value::{Value, ValueType};

pub(crate) use tree::Room;
pub(crate) use value::{decode_text, decode_texts, encode_text, encode_texts};
