//! Lists what is wrong with disc images: `checkiso <image>...`

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use iso9660_image::check::Image;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let mut clean = true;
    for path in std::env::args_os().skip(1) {
        let mut image = Image::open(std::fs::File::open(&path)?)?;
        for fault in image.check()? {
            clean = false;
            writeln!(out, "{}: {fault}", path.display())?;
        }
    }
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
