//! One server, one account: a connection that is made when it is needed, a login that is tried once,
//! the shares connected so far.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use smb2::client::Connection;
use smb2::crypto::encryption::Cipher;
use smb2::transport::ConnectOptions;
use smb2::{Session as Login, Tree};
use tokio::sync::Mutex;

use super::refusal::{Step, Trouble};
use super::runtime::{NoResult, Runtime};
use crate::access::AccessKind;
use crate::access::options::AccessOptions;

/// A server, and what is known of it.
pub(super) struct Server {
    runtime: Runtime,
    address: String,
    options: AccessOptions,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    /// What came of the only login, where it did not work: it is given again, without another one.
    refused: Option<AccessKind>,
    /// A login has worked, so the password is right and may be sent again.
    works: bool,
    /// Shares that are not there; names in lower case.
    absent: HashSet<String>,
}

/// A connection that is logged in.
struct Link {
    connection: Connection,
    login: Login,
    /// By name in lower case.
    trees: HashMap<String, Arc<Tree>>,
}

/// A connected share, and the connection it is on.
#[derive(Clone)]
pub(super) struct Share {
    pub(super) connection: Connection,
    pub(super) tree: Arc<Tree>,
}

impl Share {
    /// Makes the next call connect anew, where `kind`, which this connection gave, says that it is
    /// of no more use. Whoever else reads over it finds it lost.
    pub(super) fn note(&self, kind: &AccessKind) {
        if breaks_link(kind) {
            self.connection.mark_dead();
        }
    }
}

impl Server {
    /// Connects to nothing yet. `address` is `host:port`.
    pub(super) fn new(address: String, options: &AccessOptions) -> io::Result<Self> {
        Ok(Self {
            runtime: Runtime::start()?,
            address,
            options: options.clone(),
            state: Mutex::new(State::default()),
        })
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn options(&self) -> &AccessOptions {
        &self.options
    }

    /// How long answers are waited for.
    fn read_timeout(&self) -> Duration {
        self.options.read_timeout()
    }

    /// Runs work to its end. Each step of it must be [`bounded`](Self::bounded).
    pub(super) fn run<T, W>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> W,
    ) -> Result<T, AccessKind>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, AccessKind>> + Send + 'static,
    {
        let result = self.runtime.start_work(work(Arc::clone(self)));
        let result = result.wait(self.options.cancel());
        result.unwrap_or_else(|gone| Err(self.no_result(gone)))
    }

    /// What it means that work gave nothing.
    pub(super) fn no_result(&self, why: NoResult) -> AccessKind {
        match why {
            NoResult::Late => self.kind(&Trouble::Silence(self.read_timeout()), Step::File),
            NoResult::Cancelled => AccessKind::Cancelled,
            NoResult::Gone => AccessKind::Lost("the SMB client ended early".to_owned()),
        }
    }

    /// What trouble means to whoever asked.
    pub(super) fn kind(&self, trouble: &Trouble, step: Step) -> AccessKind {
        trouble.kind(step, self.options.credentials().is_none(), self.read_timeout())
    }

    /// One question and its answer, in time.
    pub(super) async fn bounded<T>(
        &self,
        step: Step,
        answer: impl Future<Output = Result<T, smb2::Error>>,
    ) -> Result<T, AccessKind> {
        match tokio::time::timeout(self.read_timeout(), answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.kind(&error.into(), step)),
            Err(_) => Err(self.kind(&Trouble::Silence(self.read_timeout()), step)),
        }
    }

    /// A share, connected; the server too, where it is not.
    pub(super) async fn share(&self, name: &str) -> Result<Share, AccessKind> {
        let key = name.to_lowercase();
        let mut state = self.state.lock().await;
        let state = &mut *state;
        if let Some(kind) = &state.refused {
            return Err(kind.clone());
        }
        if state.absent.contains(&key) {
            return Err(AccessKind::NoShare);
        }
        let mut link = match state.link.take() {
            Some(link) if !link.connection.is_disconnected() => link,
            _ => self.connect(state).await?,
        };
        let share = self.connect_share(&mut link, name, &key).await;
        match &share {
            Ok(_) => {}
            Err(AccessKind::NoShare) => {
                state.absent.insert(key);
            }
            Err(kind) if breaks_link(kind) => return share,
            Err(_) => {}
        }
        state.link = Some(link);
        share
    }

    async fn connect(&self, state: &mut State) -> Result<Link, AccessKind> {
        let options = ConnectOptions::with_timeout(self.options.connect_timeout());
        let connection = Connection::connect_with(&self.address, options).await;
        let mut connection = connection.map_err(|error| self.kind(&error.into(), Step::Connect))?;
        // Boot images do not shrink; and what is not negotiated cannot be attacked.
        connection.set_compression_requested(false);
        connection.set_response_timeout(Some(self.read_timeout()));
        self.bounded(Step::Connect, connection.negotiate()).await?;
        let login = self.log_in(state, &mut connection).await?;
        Ok(Link { connection, login, trees: HashMap::new() })
    }

    /// Logs in. smb2 sends the password once; until it is known to be right it is not sent again,
    /// whatever the server says or leaves unsaid: it may have counted, and accounts get locked.
    async fn log_in(
        &self,
        state: &mut State,
        connection: &mut Connection,
    ) -> Result<Login, AccessKind> {
        let (user, password, domain) = match self.options.credentials() {
            Some(account) => (account.user(), account.password().reveal(), account.domain()),
            // Guest, where the server has that.
            None => ("", "", ""),
        };
        let setup = Login::setup(connection, user, password, domain);
        let kind = match self.bounded(Step::Login, setup).await {
            Ok(login) => {
                state.works = true;
                return Ok(login);
            }
            Err(kind) => kind,
        };
        let may_pass =
            breaks_link(&kind) || matches!(kind, AccessKind::Server { transient: true, .. });
        if may_pass && (state.works || self.options.credentials().is_none()) {
            return Err(kind);
        }
        let kind = if may_pass {
            AccessKind::Account(format!(
                "{kind}; it is not tried again, for it may have counted as a wrong password"
            ))
        } else {
            kind
        };
        state.refused = Some(kind.clone());
        Err(kind)
    }

    async fn connect_share(
        &self,
        link: &mut Link,
        name: &str,
        key: &str,
    ) -> Result<Share, AccessKind> {
        let tree = match link.trees.get(key) {
            Some(tree) => Arc::clone(tree),
            None => {
                let connecting = Tree::connect(&mut link.connection, name);
                let tree = Arc::new(self.bounded(Step::Share, connecting).await?);
                encrypt_if_wanted(link, &tree);
                link.trees.insert(key.to_owned(), Arc::clone(&tree));
                tree
            }
        };
        Ok(Share { connection: link.connection.clone(), tree })
    }
}

/// A share may demand encryption where the server as a whole does not (MS-SMB2 3.2.5.5).
fn encrypt_if_wanted(link: &mut Link, tree: &Tree) {
    if !tree.encrypt_data || link.connection.should_encrypt() {
        return;
    }
    if let (Some(to_server), Some(from_server)) =
        (&link.login.encryption_key, &link.login.decryption_key)
    {
        // Servers of SMB 3.0 name no cipher: there is but this one.
        let cipher = link.connection.params().and_then(|params| params.cipher);
        let cipher = cipher.unwrap_or(Cipher::Aes128Ccm);
        link.connection.activate_encryption(to_server.clone(), from_server.clone(), cipher);
    }
}

/// Whether a connection that gave this is of no more use.
fn breaks_link(kind: &AccessKind) -> bool {
    matches!(kind, AccessKind::Lost(_) | AccessKind::Stalled { .. })
}
