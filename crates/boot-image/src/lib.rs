//! Finds boot files and facts in a Windows PE boot image.
//!
//! A boot image is a WIM that Configuration Manager keeps as a package. Everything that firmware and
//! the boot manager need to start it from media is taken out of it, or out of a folder the operator
//! names: [`BootImage::boot_files`]. Nothing is mounted and no tool of Windows is called; of a large
//! boot image only a few ranges are read.
//!
//! ```
//! use std::sync::Arc;
//! use boot_image::{Architecture, BootImage};
//! use extent_image::{BytesSource, Timestamp};
//! use wim_image::write::{ImageBuilder, WimBuilder};
//!
//! let image = ImageBuilder::new("Windows PE", Timestamp::FAT_EPOCH)
//!     .with_architecture(Architecture::Amd64)
//!     .with_bytes(r"Windows\Boot\PCAT\bootmgr", &b"boot manager"[..])?;
//! let wim = WimBuilder::new().with_image(image).with_boot_index(1).to_vec()?;
//!
//! let boot_image = BootImage::open(Arc::new(BytesSource::new("boot.wim", wim)))?;
//! assert_eq!(boot_image.architecture(None)?, Architecture::Amd64);
//! let files = boot_image.boot_files(Architecture::Amd64, None)?;
//! assert_eq!(files.found[0].media, "bootmgr");
//! // The UEFI boot manager and much more is nowhere; the error lists all of it.
//! assert!(files.require(&[]).unwrap_err().to_string().contains(r"EFI\Boot\bootx64.efi"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authenticode;
mod components;
mod device;
mod device_list;
mod disk;
mod driver_class;
mod driver_findings;
mod driver_hive;
mod driver_match;
mod drivers;
mod error;
mod ex_set;
mod folder;
mod hardware_id;
mod image;
mod inf;
mod inf_files;
mod inf_models;
mod inf_text;
mod lookup;
mod places;
mod runtime;
mod survey;
mod text;

pub use bcd_store::Guid;
pub use components::{Component, Components, Evidence};
pub use device::Device;
pub use device_list::{DEVICE_LIST_LEN, DeviceList, DeviceListError, DeviceListForm};
pub use driver_class::{DeviceRole, DriverClass};
pub use driver_findings::DriverFinding;
pub use driver_match::{DeviceAnswer, DriverDoubt, DriverFound, NoDriver};
pub use drivers::{DriverFile, DriverOrigin, DriverPackage, Drivers};
pub use error::BootImageError;
pub use ex_set::BootSet;
pub use hardware_id::{HardwareId, HardwareIdError};
pub use image::BootImage;
pub use inf::{DriverDate, DriverVersion, INF_LEN, Inf, InfError};
pub use inf_models::Models;
pub use lookup::{BootFileSearch, BootFiles, Found, Missing};
pub use places::{BootFile, Need};
pub use runtime::{Runtime, RuntimeState, Shell};
pub use survey::{BootManager, Survey};
pub use wim_image::Architecture;
