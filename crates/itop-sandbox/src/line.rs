//! Connections that can be cut.
//!
//! A server that dies sends no answer; hyper always sends one. So the sandbox owns the wire: once
//! it is cut, nothing more can be written, and the client sees the connection close.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts connections that end when `dead` is cancelled.
pub(super) struct Exchange {
    pub(super) listener: TcpListener,
    pub(super) dead: CancellationToken,
}

/// The switch of one connection.
#[derive(Clone, Debug)]
pub(super) struct Line(Arc<AtomicBool>);

impl Line {
    /// Closes the connection without another byte.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// One connection.
pub(super) struct Wire {
    stream: TcpStream,
    line: Line,
    dead: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Wire {
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        self.line.0.load(Ordering::Acquire) || self.dead.as_mut().poll(cx).is_ready()
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the sandbox cut the connection")
}

impl Listener for Exchange {
    type Io = Wire;
    type Addr = Line;

    async fn accept(&mut self) -> (Wire, Line) {
        // TcpListener as a Listener waits and tries again when the process is out of sockets.
        let (stream, _): (TcpStream, SocketAddr) = Listener::accept(&mut self.listener).await;
        let line = Line(Arc::default());
        let dead = Box::pin(self.dead.clone().cancelled_owned());
        // A failure here costs speed alone.
        let _ = stream.set_nodelay(true);
        (Wire { stream, line: line.clone(), dead }, line)
    }

    fn local_addr(&self) -> io::Result<Line> {
        Ok(Line(Arc::default()))
    }
}

impl Connected<IncomingStream<'_, Exchange>> for Line {
    fn connect_info(stream: IncomingStream<'_, Exchange>) -> Self {
        stream.remote_addr().clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
