//! A proxy that leads to one server, whatever host it is asked for.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Listens until the process ends; gives its URL. `server` is the only one that it leads to.
pub(super) fn to(server: &str) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = server.clone();
            // A connection that breaks is the matter of its two ends.
            thread::spawn(move || serve(client, &server).ok());
        }
    });
    url
}

/// Answers `CONNECT`, and passes on what comes from either end.
fn serve(mut client: TcpStream, server: &str) -> io::Result<()> {
    let mut request = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 0 && line != "\r\n" {
        line.clear();
    }
    let mut server = TcpStream::connect(server)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut answers, mut back) = (server.try_clone()?, client.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut back);
        back.shutdown(Shutdown::Both)
    });
    let _ = io::copy(&mut request, &mut server);
    let _ = server.shutdown(Shutdown::Both);
    let _ = there.join();
    Ok(())
}
