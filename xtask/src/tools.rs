//! The outside tools that tests compare us with, and how a machine gets them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::context::{Cmd, Context, is_program, search_path};

/// A tool and the Debian package that brings it.
struct Tool {
    name: &'static str,
    package: &'static str,
    place: Place,
}

/// How to see that a tool is there.
enum Place {
    /// A program of that name on the search path.
    Path,
    /// One of these files.
    File(&'static [&'static str]),
}

const fn program(name: &'static str, package: &'static str) -> Tool {
    Tool { name, package, place: Place::Path }
}

const WINE: Tool = Tool {
    name: "wine",
    package: "wine64",
    place: Place::File(&["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"]),
};

const TOOLS: &[Tool] = &[
    program("fsck.fat", "dosfstools"),
    program("mkfs.fat", "dosfstools"),
    program("mcopy", "mtools"),
    program("mdir", "mtools"),
    program("sfdisk", "fdisk"),
    program("sgdisk", "gdisk"),
    program("losetup", "mount"),
    program("partx", "util-linux"),
    program("mkfs.ext4", "e2fsprogs"),
    program("xorriso", "xorriso"),
    program("genisoimage", "genisoimage"),
    program("isoinfo", "genisoimage"),
    program("isovfy", "genisoimage"),
    program("7z", "p7zip-full"),
    program("bsdtar", "libarchive-tools"),
    program("udfinfo", "udftools"),
    program("wimlib-imagex", "wimtools"),
    program("qemu-system-x86_64", "qemu-system-x86"),
    Tool {
        name: "OVMF",
        package: "ovmf",
        place: Place::File(&["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd"]),
    },
    WINE,
    Tool {
        name: "OVMF of 32 bits",
        package: "ovmf-ia32",
        place: Place::File(&["/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd"]),
    },
    program("qemu-system-aarch64", "qemu-system-arm"),
    Tool {
        name: "AAVMF",
        package: "qemu-efi-aarch64",
        place: Place::File(&["/usr/share/AAVMF/AAVMF_CODE.fd"]),
    },
    program("hivexregedit", "libwin-hivex-perl"),
    program("reglookup", "reglookup"),
    program("openssl", "openssl"),
    program("osslsigncode", "osslsigncode"),
    Tool {
        name: "Debian's signed shim",
        package: "shim-signed",
        place: Place::File(&["/usr/lib/shim/shimx64.efi.signed"]),
    },
    Tool {
        name: "Debian's signed GRUB",
        package: "grub-efi-amd64-signed",
        place: Place::File(&["/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed"]),
    },
    Tool {
        name: "glibc for static programs",
        package: "libc6-dev",
        place: Place::File(&["/usr/lib/x86_64-linux-gnu/libc.a"]),
    },
    program("zsh", "zsh"),
    program("fish", "fish"),
    program("mandoc", "mandoc"),
    program("groff", "groff-base"),
    program("dpkg-deb", "dpkg"),
    program("dpkg-shlibdeps", "dpkg-dev"),
    program("lintian", "lintian"),
    program("zip", "zip"),
    Tool {
        name: "the licences of mingw-w64",
        package: "mingw-w64-common",
        place: Place::File(&["/usr/share/doc/mingw-w64-common/copyright"]),
    },
    program("as", "binutils"),
    program("ld", "binutils"),
    program("aarch64-linux-gnu-as", "binutils-aarch64-linux-gnu"),
    program("aarch64-linux-gnu-ld", "binutils-aarch64-linux-gnu"),
    program("python3", "python3"),
    program("rsvg-convert", "librsvg2-bin"),
];

/// What builds and runs programs for Windows.
const WINDOWS: &[Tool] = &[
    WINE,
    program("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
    // Ends a program that does not end.
    program("timeout", "coreutils"),
];

/// The servers that oracles read content from, and what asks them.
const SERVERS: &[Tool] = &[
    program("curl", "curl"),
    program("smbd", "samba"),
    program("smbclient", "smbclient"),
    program("nginx", "nginx"),
    Tool {
        name: "nginx's PROPFIND",
        package: "libnginx-mod-http-dav-ext",
        place: Place::File(&["/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"]),
    },
    program("apache2", "apache2"),
    Tool {
        name: "Apache's GSSAPI",
        package: "libapache2-mod-auth-gssapi",
        place: Place::File(&["/usr/lib/apache2/modules/mod_auth_gssapi.so"]),
    },
    Tool {
        name: "NTLM for GSSAPI",
        package: "gss-ntlmssp",
        place: Place::File(&["/etc/gss/mech.d/mech.ntlmssp.conf"]),
    },
];

/// Packages that bring services, and which: a machine is no server because tests ran on it.
const SERVICES: [(&str, &[&str]); 3] = [
    ("samba", &["smbd", "nmbd", "samba-ad-dc"]),
    ("nginx", &["nginx"]),
    ("apache2", &["apache2", "apache-htcacheclean"]),
];

/// Runs a command while no service may start.
const WITHOUT_SERVICES: &str = "xtask/src/tools/without_services.sh";

/// From PyPI, not programs: versions that tests have been seen to pass with.
const PYTHON_MODULES: [&str; 2] = ["pycdlib==1.22.0", "jsonschema==4.26.0"];

/// Debian packages that are unpacked, not installed: a kernel with its modules, and the programs of
/// the machine that starts it. The first only depends on the one that holds the kernel.
///
/// The kernel for cloud machines is half as large, but has no USB.
const LINUX: [&str; 2] = ["linux-image-amd64", "busybox-static"];

impl Tool {
    fn is_there(&self, path: &[PathBuf]) -> bool {
        match self.place {
            Place::Path => path.iter().any(|folder| is_program(&folder.join(self.name))),
            Place::File(files) => files.iter().any(|file| Path::new(file).is_file()),
        }
    }
}

/// Where Python modules that tests need are installed: their PYTHONPATH.
pub(crate) fn python_path(context: &Context) -> PathBuf {
    context.target().join("python")
}

/// Where the kernel that mounts our images is unpacked: the tests' CAPMEDIA_LINUX.
pub(crate) fn linux_root(context: &Context) -> PathBuf {
    context.target().join("linux")
}

/// The folder gets its name when all is in it. An older one may hold a kernel without USB.
fn has_linux(context: &Context) -> bool {
    let root = linux_root(context);
    let kernels = fs::read_dir(root.join("lib/modules")).into_iter().flatten();
    let mut folders = kernels.filter_map(Result::ok).map(|kernel| kernel.path());
    root.join("bin/busybox").is_file()
        && folders.any(|folder| folder.join("kernel/drivers/usb/storage").is_dir())
}

/// Unpacks a kernel of Debian's into the target folder, where nothing starts it but QEMU.
fn unpack_linux(context: &Context) -> Result<()> {
    if !context.has_program("apt-get") || !context.has_program("dpkg") {
        bail!("a Linux kernel for QEMU is unpacked from {LINUX:?}, which needs apt-get and dpkg");
    }
    let root = linux_root(context);
    let parts = root.with_extension("part");
    let _ = fs::remove_dir_all(&parts);
    fs::create_dir_all(&parts)?;
    let [kernel, busybox] = LINUX;
    let depends = context.command("apt-cache").args(["depends", kernel]).read()?;
    let mut lines = depends.lines().map(str::trim);
    let found = lines.find_map(|line| line.strip_prefix("Depends: linux-image-"));
    let found = found.with_context(|| format!("`apt-cache depends {kernel}` names no kernel"))?;
    let kernel = format!("linux-image-{found}");
    let unsandboxed = ["-q", "-o", "APT::Sandbox::User=root"];
    let download = context.command("apt-get").args(["download"]).args(unsandboxed);
    download.args([kernel.as_str(), busybox]).dir(&parts).run()?;
    for file in fs::read_dir(&parts)? {
        let file = file?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            context.command("dpkg").arg("-x").arg(&file).arg(&parts).run()?;
            fs::remove_file(file)?;
        }
    }
    let _ = fs::remove_dir_all(&root);
    fs::rename(&parts, &root)?;
    Ok(())
}

/// Fails with the list of all missing tools and what would bring them.
pub(crate) fn require(context: &Context) -> Result<()> {
    let missing = missing(&all(), &search_folders());
    let modules = has_python_modules(context);
    let linux = has_linux(context);
    if missing.is_empty() && modules && linux {
        return Ok(());
    }
    let mut text = list(&missing);
    if !modules {
        let names = PYTHON_MODULES.join(", ");
        let _ = write!(text, "\n  {names} (Python modules; `cargo xtask test` brings them)");
    }
    if !linux {
        let _ = write!(text, "\n  a Linux kernel for QEMU (`cargo xtask test` unpacks Debian's)");
    }
    if !missing.is_empty() {
        let _ = write!(text, "\n\nOn Debian: {}", apt_line(&packages(&missing)));
    }
    bail!(text)
}

/// Installs what is missing when that can be done, and names it when not.
pub(crate) fn install(context: &Context) -> Result<()> {
    let folders = search_folders();
    let mut wanted = packages(&missing(&all(), &folders));
    if !has_python_modules(context)
        && !context.command("python3").args(["-m", "pip", "--version"]).succeeds()
    {
        wanted.push("python3-pip");
    }
    let linux = has_linux(context);
    install_packages(context, &wanted)?;
    if wanted.is_empty() && !linux && can_install(context) {
        apt_get(context).arg("update").run()?;
    }
    if !has_python_modules(context) {
        context
            .command("python3")
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--root-user-action=ignore", "--upgrade", "--target"])
            .arg(python_path(context))
            .args(PYTHON_MODULES)
            .run()?;
    }
    if !linux {
        unpack_linux(context)?;
    }
    require(context)
}

/// The same for what `cargo xtask windows` needs, which is less.
pub(crate) fn install_for_windows(context: &Context) -> Result<()> {
    let tools: Vec<&Tool> = WINDOWS.iter().collect();
    install_packages(context, &packages(&missing(&tools, &search_folders())))?;
    let missing = missing(&tools, &search_folders());
    if !missing.is_empty() {
        bail!("{}\n\nOn Debian: {}", list(&missing), apt_line(&packages(&missing)));
    }
    Ok(())
}

/// Installs packages, or tells how that is done where this may not.
fn install_packages(context: &Context, wanted: &[&str]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    if !can_install(context) {
        bail!(
            "tools for the tests are missing. As root, on Debian or Ubuntu:\n\n    {}\n",
            apt_line(wanted)
        );
    }
    apt_get(context).arg("update").run()?;
    apt_get(context).args(["install", "-y", "--no-install-recommends"]).args(wanted).run()?;
    forget_services(context, wanted);
    Ok(())
}

fn can_install(context: &Context) -> bool {
    context.has_program("apt-get") && is_root(context)
}

fn apt_get(context: &Context) -> Cmd {
    // DPkg::Lock::Timeout: another installation may just be running.
    let quiet = ["-qq", "-o", "DPkg::Lock::Timeout=120"];
    let shell = context.command("sh").arg(WITHOUT_SERVICES).arg("apt-get");
    shell.env("DEBIAN_FRONTEND", "noninteractive").args(quiet)
}

/// Keeps what was just installed from starting with the machine.
fn forget_services(context: &Context, installed: &[&str]) {
    for (package, services) in SERVICES {
        if installed.contains(&package) && context.has_program("systemctl") {
            // Some of them are masked already, and a container has no systemd to ask.
            let _ = context.command("systemctl").arg("disable").args(services).read();
        }
    }
}

/// Fails with what is missing of the servers that content is read from.
pub(crate) fn require_servers() -> Result<()> {
    let servers: Vec<&Tool> = SERVERS.iter().collect();
    let missing = missing(&servers, &search_folders());
    if !missing.is_empty() {
        bail!("{}\n\nOn Debian: {}", list(&missing), apt_line(&packages(&missing)));
    }
    Ok(())
}

fn all() -> Vec<&'static Tool> {
    TOOLS.iter().chain(SERVERS).collect()
}

fn missing<'a>(tools: &[&'a Tool], folders: &[PathBuf]) -> Vec<&'a Tool> {
    tools.iter().copied().filter(|tool| !tool.is_there(folders)).collect()
}

fn list(missing: &[&Tool]) -> String {
    let mut text = String::from("tools are missing:");
    for tool in missing {
        let _ = write!(text, "\n  {} (Debian package {})", tool.name, tool.package);
    }
    text
}

fn packages(tools: &[&Tool]) -> Vec<&'static str> {
    let mut packages: Vec<_> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn apt_line(packages: &[&str]) -> String {
    format!("apt-get update && apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn search_folders() -> Vec<PathBuf> {
    env::split_paths(&search_path()).collect()
}

fn has_python_modules(context: &Context) -> bool {
    context
        .command("python3")
        .env("PYTHONPATH", python_path(context))
        .args(["-c", "import jsonschema, pycdlib"])
        .succeeds()
}

/// True when this process may do everything.
pub(crate) fn is_root(context: &Context) -> bool {
    context.command("id").arg("-u").read().is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_seen_and_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let tools = [
            program("one", "first"),
            program("two", "first"),
            Tool { name: "three", package: "second", place: Place::File(&["no/such/file"]) },
        ];
        let tools: Vec<&Tool> = tools.iter().collect();
        let folders = [folder.path().to_path_buf()];
        assert_eq!(packages(&missing(&tools, &folders)), ["first", "second"]);
        // A folder and a file that cannot be run are no programs.
        std::fs::create_dir(folder.path().join("one")).unwrap();
        std::fs::write(folder.path().join("two"), "").unwrap();
        let names: Vec<_> = missing(&tools, &folders).iter().map(|tool| tool.name).collect();
        assert_eq!(
            names,
            if cfg!(unix) { vec!["one", "two", "three"] } else { vec!["one", "three"] }
        );
        assert!(apt_line(&["a", "b"]).ends_with(" a b"));
    }
}
