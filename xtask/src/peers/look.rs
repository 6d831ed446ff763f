//! Whether servers answer, and what the operating system is asked for.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::context::Context;

/// The file in the document root that no other run's servers have.
pub(super) const TOKEN: &str = "run.txt";
/// Who to log in as, for smbclient.
pub(super) const LOGIN: &str = "login.txt";

const PATIENCE: Duration = Duration::from_secs(5);

/// A web server gives this run's token.
pub(super) fn http(folder: &Path, port: u16) -> Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{TOKEN} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let token = fs::read_to_string(folder.join("web").join(TOKEN))?;
    let first = answer.lines().next().unwrap_or_default();
    ensure!(answer.ends_with(&token), "{address} is another server, or cannot read: {first}");
    Ok(())
}

/// Samba lets the account in.
pub(super) fn smb(context: &Context, folder: &Path, port: u16) -> Result<()> {
    let options = ["--command=ls", "--port", &port.to_string()];
    let client = context.command("smbclient").arg("//127.0.0.1/SCCMContentLib$").args(options);
    let files = [("--configfile", "smb/smb.conf"), ("--authentication-file", LOGIN)];
    let files = files.map(|(option, name)| format!("{option}={}", folder.join(name).display()));
    client.args(files).read()?;
    Ok(())
}

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes)
}

/// Sets a file's mode, and its owner where there is one.
#[cfg(unix)]
pub(super) fn give(path: &Path, ids: Option<(u32, u32)>, mode: u32) -> Result<()> {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    if let Some((user, group)) = ids {
        chown(path, Some(user), Some(group))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Whether everybody can pass a folder.
#[cfg(unix)]
pub(super) fn is_open(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    folder.metadata().is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0)
}

#[cfg(not(unix))]
pub(super) fn give(_path: &Path, _ids: Option<(u32, u32)>, _mode: u32) -> Result<()> {
    anyhow::bail!("the servers for tests are started on Unix only")
}

#[cfg(not(unix))]
pub(super) fn is_open(_folder: &Path) -> bool {
    false
}
