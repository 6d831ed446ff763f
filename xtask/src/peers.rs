//! The servers that the oracles read content from: Samba, nginx and Apache with NTLM, on the
//! loopback, on free ports, with an account that only this run knows.
//!
//! `crates/dp-content/tests/it/peers.rs` is the tests' side, and describes the folder. As root the
//! servers run as [`ACCOUNT`], else as whoever runs the task: nothing in the system is changed, and no
//! user is added. A shell in a process group of its own holds them ([`KEEPER`]) and ends them when
//! this process ends, whatever ends it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, Result, bail};

use crate::context::{Context, search_path};
use crate::tools;

mod certificates;
mod look;

/// What tests find the servers by.
pub(crate) const VARIABLE: &str = "CAPMEDIA_PEERS";

/// The system's account that servers started by root run as; every Debian has it.
const ACCOUNT: &str = "www-data";
/// What the account is called in logins.
const DOMAIN: &str = "CONTOSO";
const USER: &str = "dpread";

/// Starts and ends the servers.
const KEEPER: &str = include_str!("peers/keep.sh");
/// Configurations, with names in `@` for what differs from run to run.
const TEMPLATES: [(&str, &str); 3] = [
    ("smb/smb.conf", include_str!("peers/smb.conf")),
    ("nginx/nginx.conf", include_str!("peers/nginx.conf")),
    ("apache/httpd.conf", include_str!("peers/httpd.conf")),
];
/// Folders in which servers write.
const STATE: [&str; 12] = [
    "smb",
    "smb/private",
    "smb/lock",
    "smb/state",
    "smb/cache",
    "smb/pid",
    "smb/ncalrpc",
    "smb/log",
    "nginx",
    "apache",
    "apache/lock",
    "apache/run",
];
/// Folders that servers read, and tests write.
const CONTENT: [&str; 4] = ["library", "library-d", "smspkg", "web"];

/// Running servers; they end with the value.
pub(crate) struct Peers {
    folder: PathBuf,
    keeper: Child,
}

/// One after the other on a free port.
#[derive(Clone, Copy)]
struct Ports {
    smb: u16,
    nginx: u16,
    https: u16,
    apache: u16,
}

/// `cargo xtask peers -- COMMAND`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

/// Runs a command while the servers run.
pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    tools::require_servers()?;
    let peers = Peers::start(context)?;
    let [program, args @ ..] = args.command.as_slice() else { bail!("no command") };
    let dir = env::current_dir()?;
    context.command(program).args(args).dir(&dir).env(VARIABLE, peers.folder()).run()
}

impl Peers {
    /// Starts them and waits until all answer.
    ///
    /// # Errors
    /// One does not come up; its log is in the error.
    pub(crate) fn start(context: &Context) -> Result<Self> {
        // A port that was free when it was looked for may be taken a moment later.
        let taken = |error: &anyhow::Error| error.to_string().contains("bind");
        Self::try_start(context).or_else(|error| {
            if !taken(&error) {
                return Err(error);
            }
            eprintln!("{error:#}\nonce more, on other ports");
            Self::try_start(context)
        })
    }

    /// The folder that [`VARIABLE`] names.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What measured programs find the servers and package PS100005 by; the password goes into a file
    /// in `folder`.
    pub(crate) fn places(&self, folder: &Path) -> Result<Vec<(&'static str, OsString)>> {
        let facts = fs::read_to_string(self.folder.join("peers.txt"))?;
        let fact = |wanted: &str| {
            let mut facts = facts.lines().filter_map(|line| line.split_once('='));
            let found = facts.find_map(|(key, value)| (key == wanted).then_some(value));
            found.with_context(|| format!("peers.txt has no {wanted}"))
        };
        let password = folder.join("password");
        fs::write(&password, fact("password")?)?;
        look::give(&password, None, 0o600)?;
        let nginx = format!("http://{}", fact("nginx")?);
        let url = format!("{nginx}/SMS_DP_SMSPKG$/PS100005.3/boot.PS100005.wim");
        Ok(vec![
            ("{url}", url.into()),
            ("{nginx}", nginx.into()),
            ("{apache}", format!("http://{}", fact("apache")?).into()),
            ("{smb}", format!("smb://{}", fact("smb")?).into()),
            ("{account}", format!(r"{}\{}", fact("domain")?, fact("user")?).into()),
            ("{library}", self.folder.join("library").into()),
            ("{password-file}", password.into()),
        ])
    }

    fn try_start(context: &Context) -> Result<Self> {
        let account = Account::find(context)?;
        let parent = parent(context, &account)?;
        // The keeper removes it.
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&parent)?.keep();
        let secret = hex(&look::random::<16>()?);
        let ports = Ports::find()?;
        let written = write(&folder, &account, ports, &secret)
            .and_then(|()| certificates::make(context, &folder, account.ids));
        let keeper = written.and_then(|()| keep(&folder, &account));
        if keeper.is_err() {
            let _ = fs::remove_dir_all(&folder);
        }
        let mut peers = Self { folder, keeper: keeper? };
        peers.wait(context, ports)?;
        Ok(peers)
    }

    /// Until all answer.
    fn wait(&mut self, context: &Context, ports: Ports) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let end = Instant::now() + PATIENCE;
        for (name, logs) in [
            ("smb", ["smb/out", "smb/log/log.smbd"]),
            ("nginx", ["nginx/out", "nginx/error.log"]),
            ("apache", ["apache/out", "apache/error.log"]),
        ] {
            loop {
                let answer = match name {
                    "smb" => look::smb(context, &self.folder, ports.smb),
                    "nginx" => look::http(&self.folder, ports.nginx),
                    _ => look::http(&self.folder, ports.apache),
                };
                let Err(error) = answer else { break };
                let ended = self.folder.join(name).join("ended").is_file();
                if ended || Instant::now() > end {
                    let log: Vec<String> = logs.iter().map(|log| tail(&self.folder, log)).collect();
                    bail!(
                        "{name}, one of the servers for tests, {} ({error:#}); its log:\n{}",
                        if ended { "did not start" } else { "does not answer" },
                        log.concat().trim_end(),
                    );
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Who the servers run as.
struct Account {
    name: String,
    /// User and group, where they are not ours.
    ids: Option<(u32, u32)>,
}

impl Account {
    fn find(context: &Context) -> Result<Self> {
        let id = |args: &[&str]| -> Result<String> {
            Ok(context.command("id").args(args).read()?.trim().to_owned())
        };
        if !tools::is_root(context) {
            return Ok(Self { name: id(&["-un"])?, ids: None });
        }
        let ids = (id(&["-u", ACCOUNT])?.parse()?, id(&["-g", ACCOUNT])?.parse()?);
        Ok(Self { name: ACCOUNT.to_owned(), ids: Some(ids) })
    }
}

/// The folder for the runs' folders: in the target folder where the account can reach it and its path
/// can stand in all configurations, else in the one for temporary files.
fn parent(context: &Context, account: &Account) -> Result<PathBuf> {
    let parent = context.target().join("peers");
    fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    let usable = parent.to_str().is_some_and(|path| path.chars().all(plain))
        && (account.ids.is_none() || parent.ancestors().all(look::is_open));
    Ok(if usable { parent } else { env::temp_dir() })
}

/// Everything that is in the folder when servers start.
fn write(folder: &Path, account: &Account, ports: Ports, secret: &str) -> Result<()> {
    look::give(folder, account.ids, 0o2750)?;
    for name in STATE {
        let path = folder.join(name);
        fs::create_dir_all(&path)?;
        look::give(&path, account.ids, 0o700)?;
    }
    for name in CONTENT {
        fs::create_dir(folder.join(name))?;
    }
    let text = folder.to_str().context("a path that is not Unicode")?;
    let values = [
        ("@FOLDER@", text),
        ("@ACCOUNT@", &account.name),
        ("@DOMAIN@", DOMAIN),
        ("@SMB_PORT@", &ports.smb.to_string()),
        ("@NGINX_PORT@", &ports.nginx.to_string()),
        ("@HTTPS_PORT@", &ports.https.to_string()),
        ("@APACHE_PORT@", &ports.apache.to_string()),
    ];
    for (name, template) in TEMPLATES {
        let filled = values
            .iter()
            .fold(template.to_owned(), |text, (name, value)| text.replace(name, value));
        fs::write(folder.join(name), filled)?;
    }
    for (name, text) in [
        ("smb/password", format!("{secret}\n{secret}\n")),
        ("smb/users.map", format!("{} = {USER}\n", account.name)),
        ("nginx/htpasswd", format!("{USER}:{{PLAIN}}{secret}\n")),
        ("apache/ntlm.users", format!("{DOMAIN}:{USER}:{secret}\n")),
    ] {
        let path = folder.join(name);
        fs::write(&path, text)?;
        look::give(&path, account.ids, 0o600)?;
    }
    // What shows that it is our server that answers.
    fs::write(folder.join("web").join(look::TOKEN), hex(&look::random::<8>()?))?;
    let login = format!("username = {USER}\npassword = {secret}\ndomain = {DOMAIN}\n");
    let facts = format!(
        "nginx=127.0.0.1:{}\nhttps=127.0.0.1:{}\napache=127.0.0.1:{}\nsmb=127.0.0.1:{}\n\
         domain={DOMAIN}\nuser={USER}\npassword={secret}\n",
        ports.nginx, ports.https, ports.apache, ports.smb
    );
    for (name, text) in [(look::LOGIN, login), ("peers.txt", facts)] {
        let path = folder.join(name);
        fs::write(&path, text)?;
        look::give(&path, None, 0o600)?;
    }
    Ok(())
}

/// Starts the shell that holds the servers.
fn keep(folder: &Path, account: &Account) -> Result<Child> {
    let mut shell = Command::new("sh");
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell.args(["-c", KEEPER, "keep.sh"]).arg(folder).arg(&account.name);
    shell.env("PATH", search_path()).stdin(Stdio::piped()).stdout(Stdio::null());
    shell.spawn().context("cannot start sh")
}

impl Ports {
    /// Ports that nobody listens on. Below those that systems give out by themselves, so that
    /// no test of ours gets one of them in between.
    fn find() -> Result<Self> {
        let mut found = Vec::new();
        for _ in 0..1000 {
            let [a, b] = look::random()?;
            let port = 10_000 + u16::from_be_bytes([a, b]) % 20_000;
            let free = std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
            if free && !found.contains(&port) {
                found.push(port);
            }
            if let [smb, nginx, https, apache] = *found {
                return Ok(Self { smb, nginx, https, apache });
            }
        }
        bail!("no free ports between 10000 and 30000")
    }
}

/// The end of a log.
fn tail(folder: &Path, log: &str) -> String {
    const LINES: usize = 20;
    let bytes = fs::read(folder.join(log)).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    last.iter().map(|line| format!("  {log}: {line}\n")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn configurations_are_filled_and_secrets_closed() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account { name: "somebody".to_owned(), ids: None };
        let ports = Ports::find().unwrap();
        write(folder.path(), &account, ports, "secret").unwrap();
        for (name, _) in TEMPLATES {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(!text.contains('@'), "{name}: {text}");
            assert!(!text.contains("secret"), "{name}");
        }
        for name in
            ["peers.txt", look::LOGIN, "smb/password", "nginx/htpasswd", "apache/ntlm.users"]
        {
            let path = folder.path().join(name);
            assert!(fs::read_to_string(&path).unwrap().contains("secret"), "{name}");
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{name}");
        }
        let mode = folder.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "others look in");
    }

    #[test]
    fn the_end_of_a_log_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = (0..30).map(|n| format!("line {n}\n")).collect();
        fs::write(folder.path().join("log"), lines).unwrap();
        let told = tail(folder.path(), "log");
        assert!(told.starts_with("  log: line 10\n") && told.ends_with("  log: line 29\n"));
        assert_eq!(tail(folder.path(), "none"), "");
    }

    #[test]
    fn numbers_are_hexadecimal() {
        assert_eq!(hex(&[0, 0x0A, 0xFF]), "000aff");
    }
}
