//! What computers start: the boot image, its drivers, boot managers and boot configurations, who signed
//! them, and what firmware finds of them on media.

pub(crate) mod certificate;
pub(crate) mod code;
pub(crate) mod configuration;
pub(crate) mod driver_check;
pub(crate) mod driver_groups;
pub(crate) mod firmware;
mod floppy;
pub(crate) mod image_drivers;
pub(crate) mod image_report;
pub(crate) mod image_survey;
pub(crate) mod image_test;
pub(crate) mod image_tester;
pub(crate) mod index;
pub(crate) mod loaders;
pub(crate) mod machines;
pub(crate) mod manager;
pub(crate) mod starts;
