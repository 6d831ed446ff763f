//! Waiting in short turns, so that a run which is cancelled need not wait for a server.
//!
//! `ureq` has no such hook but its transports, which are outside its promise of compatibility as its
//! resolvers are: this is the only file that implements any.

use std::io;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, DefaultConnector, NextTimeout,
    RustlsConnector, TcpConnector, Transport,
};
use ureq::{Agent, Error};

use crate::access::options::Cancel;

/// How long a cancelled run waits at most.
pub(super) const TURN: Duration = Duration::from_millis(250);

/// An agent whose connections ask `cancel` while they wait.
pub(super) fn agent(config: &Config, cancel: &Cancel) -> Agent {
    if !cancel.is_possible() {
        let connector = DefaultConnector::default();
        return Agent::with_parts(config.clone(), connector, Names::default());
    }
    let connector =
        ().chain(ConnectProxyConnector::default())
            .chain(TcpConnector::default())
            .chain(Turns(cancel.clone()))
            .chain(RustlsConnector::default());
    Agent::with_parts(config.clone(), connector, Names::default())
}

/// Tells a name that has no address from a connection that broke; for `ureq` both are mere errors of
/// input and output.
#[derive(Debug, Default)]
struct Names(DefaultResolver);

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            Error::Io(error) => {
                let said = error.to_string();
                // The standard library's own words, which say the same again.
                let said =
                    said.strip_prefix("failed to lookup address information: ").unwrap_or(&said);
                let why = format!("its name cannot be looked up ({said})");
                Error::Io(io::Error::new(io::ErrorKind::HostUnreachable, why))
            }
            other => other,
        })
    }
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
    Error::Io(io::Error::other("cancelled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_address_cannot_be_reached() {
        // No part of a name may be that long, so nobody need be asked.
        let uri: Uri = format!("http://{}.invalid/", "x".repeat(64)).parse().unwrap();
        for after in [
            Duration::from_secs(20).into(),
            ureq::unversioned::transport::time::Duration::NotHappening,
        ] {
            let timeout = NextTimeout { after, ..NextTimeout::default() };
            let error = Names::default().resolve(&uri, &Config::default(), timeout).unwrap_err();
            let Error::Io(error) = error else { panic!("{error:?}") };
            assert_eq!(error.kind(), io::ErrorKind::HostUnreachable);
            let said = error.to_string();
            assert!(said.starts_with("its name cannot be looked up (") && !said.contains("failed"));
        }
    }
}
