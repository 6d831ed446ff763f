//! Read and write registry hives, and the boot configuration data (BCD) in them.
//!
//! ```text
//! hive:  | base block | bins of cells: keys, values, lists, data, descriptors ... |
//!
//! store: root - Description                          KeyName
//!             - Objects - {guid} - Description       Type: what kind of object
//!                                - Elements - 12000004   Element: text, device, number ...
//!                                           - 26000022   Element
//! ```
//!
//! [`Store`] is a boot configuration: read from any hive, made by hand, or made by [`BootStore`] as
//! media need it. [`Store::ram_disk_boot`] answers whether a store starts a boot image, and a store
//! prints in the manner of `bcdedit`. [`hive`] reads and writes the hives themselves.
//!
//! All numbers are little-endian. Nothing is opened, asked of the clock or drawn at random: equal
//! stores and times give equal bytes. Hives are bytes in memory, and not trusted: a file that
//! somebody made with care to do harm is refused with the place and the reason.
//!
//! ```
//! use bcd_store::hive::FileTime;
//! use bcd_store::{BootStore, Firmware, Locale, Store};
//!
//! let store = BootStore::new(Firmware::Uefi).with_locale(Locale::new("de-DE")?).build()?;
//! let bytes = store.to_bytes(FileTime::from_unix_seconds(1_700_000_000))?;
//!
//! let read = Store::read(&bytes)?;
//! assert_eq!(read, store);
//! let boot = read.ram_disk_boot()?;
//! assert!(boot.starts(r"\sources\boot.wim"));
//! assert_eq!(boot.loader, r"\windows\system32\boot\winload.efi");
//! println!("{read}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is not shown
//! No boot manager of Microsoft's has been asked. Hives are judged by hivex, reglookup and Python's
//! readers, and elements by the documented layouts; what media of Microsoft's have was taken from
//! published dumps.
#![warn(clippy::as_conversions, clippy::arithmetic_side_effects)]

mod boot_store;
mod cast;
mod describe;
mod device;
mod disk;
mod element;
mod element_names;
mod guid;
pub mod hive;
mod object;
mod ram_disk_boot;
mod store;

pub use boot_store::{BootStore, Firmware, Locale, LocaleError, MenuPolicy, Resolution};
pub use device::{Device, DeviceError, Volume};
pub use element::{Element, ElementError, ElementType, ElementValue, Format};
pub use guid::{Guid, GuidError};
pub use object::{ObjectId, ObjectKind, ObjectType};
pub use ram_disk_boot::{NoRamDiskBoot, RamDiskBoot};
pub use store::{Object, Store, StoreError};
