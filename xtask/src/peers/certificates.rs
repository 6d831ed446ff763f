//! Certificates of a run: an authority that nobody else trusts, one for the server and one for a
//! client, valid for two days.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::look;
use crate::context::{Cmd, Context};

/// The authority, for `--ca-file`.
const AUTHORITY: &str = "ca.pem";
/// Certificate and key of a client, for `--client-certificate`.
const CLIENT: &str = "client.pem";

/// Makes them in `folder`; `ids` is who may read the server's key.
pub(super) fn make(context: &Context, folder: &Path, ids: Option<(u32, u32)>) -> Result<()> {
    let [authority, authority_key] = [AUTHORITY, "ca.key"].map(|name| folder.join(name));
    let new = |certificate: &Path, key: &Path, name: &str| -> Cmd {
        let kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
        let openssl = context.command("openssl").args(kind).args(["-nodes", "-days", "2"]);
        let openssl = openssl.arg("-out").arg(certificate).arg("-keyout").arg(key);
        openssl.args(["-subj", &format!("/CN={name}")])
    };
    let add = |openssl: Cmd, extensions: &[&str]| {
        extensions.iter().fold(openssl, |openssl, text| openssl.args(["-addext", text]))
    };
    let is_authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
    add(new(&authority, &authority_key, "capmedia tests"), &is_authority).read()?;
    let signed = |certificate: &Path, key: &Path, name: &str, extensions: &[&str]| {
        let openssl = new(certificate, key, name).arg("-CA").arg(&authority);
        let openssl = openssl.arg("-CAkey").arg(&authority_key);
        add(add(openssl, &["basicConstraints=critical,CA:FALSE"]), extensions).read()
    };
    let [server, server_key] = ["nginx/server.pem", "nginx/server.key"].map(|n| folder.join(n));
    let names = ["subjectAltName=IP:127.0.0.1,DNS:localhost", "extendedKeyUsage=serverAuth"];
    signed(&server, &server_key, "localhost", &names)?;
    look::give(&server_key, ids, 0o600)?;
    let [client, client_key] = [CLIENT, "client.key"].map(|name| folder.join(name));
    signed(&client, &client_key, "client", &["extendedKeyUsage=clientAuth"])?;
    let both = fs::read_to_string(&client)? + &fs::read_to_string(&client_key)?;
    fs::write(&client, both)?;
    look::give(&client, None, 0o600)?;
    fs::remove_file(client_key)?;
    fs::remove_file(authority_key)?;
    Ok(())
}
