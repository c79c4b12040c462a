//! A proxy before an iTop that disturbs its writes, for the live test and the torture run.

use std::{sync::Arc, time::Duration};

use servicenav_itop_bridge::clock::Clock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is disturbed.
    Forward,
    /// The connection is cut before iTop hears of it.
    CutBefore,
    /// iTop does it, and its answer is lost.
    CutAfter,
    /// iTop hears of it only after this time.
    Late(Duration),
    /// iTop does it, and the answer is an error page of the proxy.
    BadGatewayAfter,
}

/// Starts a proxy to the iTop at `upstream`, which asks `fate` about each create; gives the
/// address of iTop's web root behind it. It ends with the runtime.
pub async fn start(upstream: &str, fate: impl Fn() -> Fate + Send + Sync + 'static) -> String {
    start_for("core/create", upstream, fate).await
}

/// The same for another operation than the create.
pub async fn start_for(
    operation: &str,
    upstream: &str,
    fate: impl Fn() -> Fate + Send + Sync + 'static,
) -> String {
    // As a form has it.
    let operation: Arc<str> = operation.replace('/', "%2F").into();
    let upstream: reqwest::Url = upstream.parse().expect("iTop's address is a URL");
    let host = upstream.host_str().expect("iTop's address names a host").to_owned();
    let port = upstream.port_or_known_default().expect("iTop's address is http");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let address = listener.local_addr().expect("a listener has an address");
    let fate = Arc::new(fate);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (fate, target) = (fate.clone(), format!("{host}:{port}"));
            let operation = operation.clone();
            // A connection that breaks is what this proxy is for.
            tokio::spawn(async move { forward(client, &target, &operation, &*fate).await.ok() });
        }
    });
    format!("http://{address}{}", upstream.path())
}

/// One request and its answer; the connection is not used again.
async fn forward(
    mut client: TcpStream,
    target: &str,
    operation: &str,
    fate: &(impl Fn() -> Fate + Sync),
) -> std::io::Result<()> {
    let request = read_request(&mut client).await?;
    let is_meant = String::from_utf8_lossy(&request).contains(operation);
    let fate = if is_meant { fate() } else { Fate::Forward };
    match fate {
        Fate::CutBefore => return Ok(()),
        Fate::Late(wait) => Clock::system().sleep(wait).await,
        Fate::Forward | Fate::CutAfter | Fate::BadGatewayAfter => {}
    }
    let mut server = TcpStream::connect(target).await?;
    server.write_all(&request).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    match fate {
        Fate::CutAfter => Ok(()),
        Fate::BadGatewayAfter => {
            let page = "<h1>502 Bad Gateway</h1>";
            let head = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close";
            let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
            client.write_all(answer.as_bytes()).await
        }
        Fate::Forward | Fate::CutBefore | Fate::Late(_) => client.write_all(&answer).await,
    }
}

/// A whole request, with the header that asks the server to close after its answer.
async fn read_request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let read = client.read(&mut chunk).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            let closing = b"\r\nConnection: close";
            bytes.splice(end..end, closing.iter().copied());
            return Ok(bytes);
        }
    }
}
