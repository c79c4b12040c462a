//! What the machine can do at best: the same server library, the same database, nothing else.

use std::{net::SocketAddr, path::Path};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use rusqlite::Connection;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

/// As many posts share a commit as in the bridge.
const MOST_PER_COMMIT: usize = 256;

type Waiting = (Bytes, oneshot::Sender<()>);

/// Serves until the process ends: `/commit` commits each body, `/fixed` answers with so many bytes.
pub fn serve(address: SocketAddr, database: &Path, body_bytes: usize) {
    let (bodies, queue) = mpsc::channel(1_024);
    let connection = prepared(database).expect("a database");
    std::thread::spawn(move || commit_all(&connection, queue).expect("commits succeed"));
    let fixed = Bytes::from(vec![b'1'; body_bytes]);
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let router = Router::new()
        .route("/fixed", get(async move || ([json], fixed).into_response()))
        .route("/commit", post(commit))
        .with_state(bodies);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        axum::serve(listener, router).await.expect("it serves until the process ends");
    });
}

async fn commit(State(bodies): State<mpsc::Sender<Waiting>>, body: Bytes) -> StatusCode {
    let (committed, wait) = oneshot::channel();
    if bodies.send((body, committed)).await.is_ok() && wait.await.is_ok() {
        StatusCode::ACCEPTED
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// A database that is as durable as the bridge's.
fn prepared(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let table = "CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT";
    connection.execute_batch(table)?;
    Ok(connection)
}

fn commit_all(connection: &Connection, mut queue: mpsc::Receiver<Waiting>) -> rusqlite::Result<()> {
    let mut waiting = Vec::new();
    while queue.blocking_recv_many(&mut waiting, MOST_PER_COMMIT) > 0 {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert = connection.prepare_cached("INSERT INTO bodies (body) VALUES (?)")?;
        for (body, _) in &waiting {
            insert.execute([&body[..]])?;
        }
        connection.execute_batch("COMMIT")?;
        for (_, committed) in waiting.drain(..) {
            // Whoever posted may have gone.
            let _ = committed.send(());
        }
    }
    Ok(())
}
