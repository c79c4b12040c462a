//! Where the database is, and how it is reached.

use std::{future::poll_fn, net::IpAddr, path::Path, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    config::StoreSection,
    outgoing::{Credentials, TlsFiles},
    secret::Secret,
    store::StoreError,
};

/// After this long without an answer a server is taken for gone.
const GONE: Duration = Duration::from_secs(10);

/// A database of a server.
#[derive(Clone)]
pub(in crate::store) struct Server {
    config: Config,
    /// `None` where nobody else can listen: on this machine.
    tls: Option<Arc<ClientConfig>>,
}

impl Server {
    /// The database that a configuration names.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], with a sentence for whoever has written it.
    pub(in crate::store) fn of_section(section: &StoreSection) -> Result<Self, StoreError> {
        let StoreSection { url, password, ca_file, .. } = section;
        let url = url.as_deref().unwrap_or_default();
        Self::of(url, password.as_ref(), ca_file.as_deref())
            .map_err(|reason| StoreError::Unusable { database: url.to_owned(), reason })
    }

    fn of(url: &str, password: Option<&Secret>, ca_file: Option<&Path>) -> Result<Self, String> {
        let mut config = parse(url)?;
        if let Some(password) = password {
            config.password(password.expose());
        }
        let tls = if config.get_hosts().iter().all(is_here) {
            config.ssl_mode(SslMode::Disable);
            None
        } else {
            // What a connection falls back to by itself is plain text.
            config.ssl_mode(SslMode::Require);
            let files = TlsFiles { ca_file: ca_file.map(Path::to_owned), client: None };
            let credentials = Credentials::read("store", &files);
            let tls = credentials.and_then(|credentials| credentials.of_connections());
            Some(Arc::new(tls.map_err(|error| error.to_string())?))
        };
        config
            .application_name("servicenav-itop-bridge")
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(GONE / 2)
            .keepalives_interval(GONE / 5)
            .keepalives_retries(2)
            .tcp_user_timeout(GONE);
        Ok(Self { config, tls })
    }

    /// What it is called where people read it.
    pub(in crate::store) fn name(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let database = self.config.get_dbname().unwrap_or("postgres");
        format!("{database} at {}", hosts.collect::<Vec<_>>().join(", "))
    }

    /// Connects, and has the connection driven by the runtime that waits for it. `told` is what was last said with
    /// NOTIFY on a channel that it listens to, if that is a number.
    pub(super) async fn connect(
        &self,
        told: watch::Sender<Option<i64>>,
    ) -> Result<Client, tokio_postgres::Error> {
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(drive(connection, told));
                Ok(client)
            }
            Some(tls) => {
                let tls = MakeRustlsConnect::new(ClientConfig::clone(tls));
                let (client, connection) = self.config.connect(tls).await?;
                tokio::spawn(drive(connection, told));
                Ok(client)
            }
        }
    }
}

/// Drives a connection to its end.
async fn drive<S, T>(mut connection: Connection<S, T>, told: watch::Sender<Option<i64>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            told.send_replace(notification.payload().parse().ok());
        }
    }
}

/// An address, unless it says what is not for it to say.
pub(in crate::store) fn parse(url: &str) -> Result<Config, String> {
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !is_url {
        return Err("store.url must begin with postgres://".to_owned());
    }
    for word in ["sslmode", "sslrootcert", "sslcert", "sslkey"] {
        if url.contains(&format!("{word}=")) {
            return Err(format!(
                "store.url must not say {word}: beyond this machine the connection is always encrypted and \
                 the server's certificate checked; name its authority in store.ca_file"
            ));
        }
    }
    // The words of the parser are few, and could repeat what it was given.
    let config: Config =
        url.parse().map_err(|_| "store.url is no address of a PostgreSQL database".to_owned())?;
    if config.get_password().is_some() {
        return Err(
            "store.url must not have a password; put it into store.password_file".to_owned()
        );
    }
    if config.get_hosts().is_empty() {
        return Err("store.url names no server".to_owned());
    }
    if config.get_dbname().is_none() {
        return Err("store.url names no database: postgres://user@server/database".to_owned());
    }
    Ok(config)
}

/// Whether what is sent there does not leave this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(url: &str) -> String {
        parse(url).err().unwrap_or_default()
    }

    #[test]
    fn an_address_says_where_and_who_and_nothing_else() {
        assert_eq!(fault("postgres://bridge@db.example/bridge"), "");
        assert_eq!(fault("postgresql://bridge@db1,db2/bridge"), "");
        assert!(fault("mysql://db/bridge").contains("must begin with postgres://"));
        assert!(fault("host=db user=bridge").contains("must begin with postgres://"));
        assert!(fault("postgres://bridge:s3cret@db/bridge").contains("store.password_file"));
        assert!(!fault("postgres://bridge:s3cret@db/bridge").contains("s3cret"));
        assert!(fault("postgres://db/bridge?sslmode=disable").contains("always encrypted"));
        assert!(fault("postgres://bridge@db").contains("names no database"));
        assert!(fault("postgres:///bridge").contains("names no server"));
        assert!(fault("postgres://db:port/bridge").contains("is no address"));
    }

    #[test]
    fn beyond_this_machine_nothing_is_sent_in_plain_text() {
        let of = |url: &str| Server::of(url, None, None).unwrap();
        for here in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
            assert!(of(&format!("postgres://bridge@{here}/bridge")).tls.is_none(), "{here}");
        }
        for elsewhere in ["db.example", "10.1.2.3", "localhost,db.example"] {
            let server = of(&format!("postgres://bridge@{elsewhere}/bridge"));
            assert!(server.tls.is_some(), "{elsewhere}");
            assert_eq!(server.config.get_ssl_mode(), SslMode::Require);
        }
    }
}
