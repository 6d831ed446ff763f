//! A TCP relay before a server: counts what passes, and cuts it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Ends with the test's process; its threads hold nothing else up.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    target: SocketAddr,
    live: Mutex<Vec<TcpStream>>,
    connections: AtomicU64,
    to_client: AtomicU64,
    session_setups: AtomicU64,
    /// Connections are cut when this many bytes in all have gone to the client.
    cut_at: AtomicU64,
    down: AtomicBool,
}

impl Relay {
    /// A relay to `target`, on a free port.
    pub(crate) fn start(target: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Self(Arc::new(Inner {
            address: listener.local_addr().unwrap(),
            target: target.parse().unwrap(),
            live: Mutex::default(),
            connections: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            session_setups: AtomicU64::new(0),
            cut_at: AtomicU64::new(u64::MAX),
            down: AtomicBool::new(false),
        }));
        let accepting = relay.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                accepting.accept(client.unwrap());
            }
        });
        relay
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.0.address.port()
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> u64 {
        self.0.connections.load(Ordering::SeqCst)
    }

    /// Bytes that have gone to the client.
    pub(crate) fn to_client(&self) -> u64 {
        self.0.to_client.load(Ordering::SeqCst)
    }

    /// `SESSION_SETUP` requests of SMB 2 so far; a login with NTLM has two.
    pub(crate) fn session_setups(&self) -> u64 {
        self.0.session_setups.load(Ordering::SeqCst)
    }

    /// Cuts what is connected once so many bytes more have gone to the client.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.0.cut_at.store(self.to_client() + bytes, Ordering::SeqCst);
    }

    /// Takes [`cut_after`](Self::cut_after) back.
    pub(crate) fn never_cut(&self) {
        self.0.cut_at.store(u64::MAX, Ordering::SeqCst);
    }

    /// As if the server were ended: cuts what is connected, and everything that comes, until it is
    /// [`up`](Self::up).
    pub(crate) fn down(&self) {
        self.0.down.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Ends [`down`](Self::down).
    pub(crate) fn up(&self) {
        self.0.down.store(false, Ordering::SeqCst);
    }

    fn cut(&self) {
        for stream in self.0.live.lock().unwrap().drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn accept(&self, client: TcpStream) {
        if self.0.down.load(Ordering::SeqCst) {
            return;
        }
        let server = TcpStream::connect(self.0.target).unwrap();
        self.0.connections.fetch_add(1, Ordering::SeqCst);
        let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
        self.0.live.lock().unwrap().extend(ends);
        let (to_server, to_client) = (self.clone(), self.clone());
        let (client_in, server_out) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || to_server.requests(client_in, server_out));
        thread::spawn(move || to_client.answers(server, client));
    }

    /// Frames of the client, whole: four bytes of length, then the message (MS-SMB2 2.1).
    fn requests(&self, mut client: TcpStream, mut server: TcpStream) {
        loop {
            let mut frame = vec![0; 4];
            if client.read_exact(&mut frame).is_err() {
                break;
            }
            let len = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
            frame.resize(4 + usize::try_from(len).unwrap(), 0);
            if client.read_exact(&mut frame[4..]).is_err() {
                break;
            }
            // The command, MS-SMB2 2.2.1.2.
            if frame.get(16..18) == Some(&[1, 0]) {
                self.0.session_setups.fetch_add(1, Ordering::SeqCst);
            }
            if server.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    }

    fn answers(&self, mut server: TcpStream, mut client: TcpStream) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(len @ 1..) = server.read(&mut buffer) {
            if client.write_all(&buffer[..len]).is_err() {
                break;
            }
            let len = u64::try_from(len).unwrap();
            let sent = self.0.to_client.fetch_add(len, Ordering::SeqCst) + len;
            if sent >= self.0.cut_at.load(Ordering::SeqCst) {
                self.0.cut_at.store(u64::MAX, Ordering::SeqCst);
                self.cut();
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }
}
