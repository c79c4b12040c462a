//! A database of PostgreSQL for each world, where tests are told to use one: `BRIDGE_TESTS_POSTGRES` is the
//! address of a server on which databases may be made, such as `postgres://bridge@127.0.0.1:5433`.

use std::{collections::BTreeSet, env};

use tokio_postgres::{Client, NoTls};

/// A database of one world, removed with it.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes an empty one; `None` where files are tested.
    pub async fn make() -> Option<Self> {
        let server = env::var("BRIDGE_TESTS_POSTGRES").ok()?;
        let name = format!("bridge_{:x}", rand::random::<u64>());
        let database = Self { server, name };
        let create =
            format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", database.name);
        connected(&database.server, "postgres").await.batch_execute(&create).await.unwrap();
        Some(database)
    }

    /// What the configuration has for it.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// The number that a query gives.
    pub async fn number(&self, sql: &str) -> i64 {
        connected(&self.server, &self.name).await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// The texts that a query gives.
    pub async fn texts(&self, sql: &str) -> BTreeSet<String> {
        let rows = connected(&self.server, &self.name).await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Removes it, with whoever still uses it.
    pub async fn remove(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        connected(&self.server, "postgres").await.batch_execute(&drop).await.unwrap();
    }
}

async fn connected(server: &str, database: &str) -> Client {
    let address = format!("{server}/{database}");
    // What connects is large, and would be a part of all that waits for it.
    let connecting = Box::pin(tokio_postgres::connect(&address, NoTls));
    let (client, connection) = connecting.await.unwrap();
    tokio::spawn(connection);
    client
}
