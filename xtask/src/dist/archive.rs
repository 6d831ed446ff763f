//! Archives whose bytes say nothing of when and by whom they were made.

use std::fs;

use anyhow::Result;

use super::Release;
use super::stage::Stage;

/// `NAME.tar.gz` of the folder NAME.
pub(super) fn tar_gz(release: &Release<'_>, stage: &Stage, name: &str) -> Result<String> {
    let file = format!("{name}.tar.gz");
    let fixed = ["--sort=name", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner"];
    let time = format!("--mtime=@{}", release.epoch);
    let packer = format!("--use-compress-program=gzip -{}n", release.level);
    let tar = release.command("tar").args(fixed).args([time, packer]);
    tar.arg("--create")
        .arg("--file")
        .arg(release.out.join(&file))
        .arg(name)
        .dir(stage.path())
        .run()?;
    Ok(file)
}

/// `NAME.zip` of the folder NAME.
pub(super) fn zip(release: &Release<'_>, stage: &Stage, name: &str) -> Result<String> {
    let file = format!("{name}.zip");
    let out = release.out.join(&file);
    // It would add to one that is there.
    if out.exists() {
        fs::remove_file(&out)?;
    }
    // -X: no users, and no times but those in DOS form, which are local ones: TZ is UTC here.
    let level = format!("-{}", release.level);
    let zip = release.command("zip").args(["-q", &level, "-X", "-D"]).arg(out);
    zip.args(stage.files()?).dir(stage.path()).run()?;
    Ok(file)
}
