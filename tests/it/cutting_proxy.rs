//! A proxy before an iTop that can lose the answer of a create after it was made.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Forwards to an address until it is dropped.
pub struct CuttingProxy {
    pub url: String,
    cuts: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl CuttingProxy {
    /// `upstream` is `host:port`.
    pub async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cuts = Arc::new(AtomicU32::new(0));
        let armed = cuts.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, armed) = (upstream.clone(), armed.clone());
                tokio::spawn(async move {
                    // A connection that breaks is what this proxy is for.
                    let _ = forward(client, &upstream, &armed).await;
                });
            }
        });
        Self { url, cuts, task }
    }

    /// Loses the answers of the next `times` creates.
    pub fn cut_creates(&self, times: u32) {
        self.cuts.store(times, Ordering::SeqCst);
    }

    /// How many answers are still to be lost.
    pub fn left(&self) -> u32 {
        self.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request and its answer; the connection is not used again.
async fn forward(mut client: TcpStream, upstream: &str, cuts: &AtomicU32) -> std::io::Result<()> {
    let request = read_request(&mut client).await?;
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(&request).await?;
    let is_create = String::from_utf8_lossy(&request).contains("core%2Fcreate");
    let cut = is_create
        && cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    if cut { Ok(()) } else { client.write_all(&answer).await }
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
