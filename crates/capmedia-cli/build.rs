//! Puts the manifest into `capmedia.exe`: what it asks of Windows and says of itself.
#![allow(clippy::print_stdout, reason = "that is how a build script talks to cargo")]

use std::env;
use std::error::Error;

use embed_manifest::manifest::{ActiveCodePage, ExecutionLevel, Setting, SupportedOS};
use embed_manifest::{embed_manifest, empty_manifest};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_CFG_WINDOWS").is_some() {
        let manifest = empty_manifest()
            .name("capmedia")
            // Where the system allows it at all, its own calls take paths of more than 260 characters.
            .long_path_aware(Setting::Enabled)
            .active_code_page(ActiveCodePage::Utf8)
            // Writing drives takes an administrator; nothing else does.
            .requested_execution_level(ExecutionLevel::AsInvoker)
            .supported_os(SupportedOS::Windows10..=SupportedOS::Windows10);
        embed_manifest(manifest)?;
    }
    Ok(())
}
