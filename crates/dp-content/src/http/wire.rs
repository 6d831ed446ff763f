//! Waiting in short turns, so that a run which is cancelled need not wait for a server.
//!
//! `ureq` has no such hook but its transports, which are outside its promise of compatibility: this
//! is the only file that implements one.

use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
    TcpConnector, Transport,
};
use ureq::{Agent, Error};

use crate::access_options::Cancel;

/// How long a cancelled run waits at most.
pub(super) const TURN: Duration = Duration::from_millis(250);

/// An agent whose connections ask `cancel` while they wait.
pub(super) fn agent(config: &Config, cancel: &Cancel) -> Agent {
    if !cancel.is_possible() {
        return Agent::new_with_config(config.clone());
    }
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(Turns(cancel.clone()))
            .chain(RustlsConnector::default());
    Agent::with_parts(config.clone(), connector, DefaultResolver::default())
}

/// Puts [`Waiting`] around sockets, below TLS.
#[derive(Debug)]
struct Turns(Cancel);

impl<In: Transport> Connector<In> for Turns {
    type Out = Waiting<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Waiting { inner, cancel: self.0.clone() }))
    }
}

#[derive(Debug)]
struct Waiting<In> {
    inner: In,
    cancel: Cancel,
}

impl<In: Transport> Transport for Waiting<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    /// A turn that times out has taken nothing from the socket, so the next goes on.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let started = Instant::now();
        loop {
            if self.cancel.is_cancelled() {
                return Err(cancelled());
            }
            let left = timeout.after.saturating_sub(started.elapsed());
            let turn = NextTimeout {
                after: left.min(TURN).into(),
                reason: timeout.reason,
                ..NextTimeout::default()
            };
            match self.inner.await_input(turn) {
                Err(Error::Timeout(_)) if left > TURN => {}
                result => return result,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// What a cancelled reading fails with; whoever makes an error of it asks the hook again.
pub(super) fn cancelled() -> Error {
    Error::Io(std::io::Error::other("cancelled"))
}
