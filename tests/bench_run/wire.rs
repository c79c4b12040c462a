//! HTTP/1.1 as bare as can be: the load generator shares the processors with what it measures.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Room for the next bytes of an answer.
const ROOM: usize = 16 << 10;

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, until the next request.
#[derive(Debug)]
pub struct Answer<'b> {
    pub status: u16,
    pub body: &'b [u8],
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(ROOM) })
    }

    /// Sends a request and reads the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (head, status, length) = loop {
            self.read_more().await?;
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let (status, length) = read_head(&self.buffer[..end])?;
                break (end + 4, status, length);
            }
        };
        let whole = head + length;
        self.buffer.reserve(whole.saturating_sub(self.buffer.len()));
        while self.buffer.len() < whole {
            self.read_more().await?;
        }
        Ok(Answer { status, body: &self.buffer[head..whole] })
    }

    async fn read_more(&mut self) -> io::Result<()> {
        self.buffer.reserve(ROOM);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Status and length of the body; chunked answers, which no server here gives, are refused.
fn read_head(head: &[u8]) -> io::Result<(u16, usize)> {
    let read = || {
        let head = str::from_utf8(head).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let length = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value.trim())
        });
        Some((status, length?.parse().ok()?))
    };
    read().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status or length"))
}

/// One request on a connection of its own.
pub async fn ask(address: SocketAddr, request: &[u8]) -> io::Result<(u16, Vec<u8>)> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(request).await?;
    Ok((answer.status, answer.body.to_vec()))
}

/// The same, of which only success is expected.
pub async fn ask_well(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let (status, body) = ask(address, request).await.expect("an answer");
    assert!((200..300).contains(&status), "{status}: {}", String::from_utf8_lossy(&body));
    body
}
