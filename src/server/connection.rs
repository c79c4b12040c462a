//! One connection, from its first byte to its last.

use std::{
    convert::Infallible,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{Request, Response},
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower_service::Service as _;

use super::connections::{Activity, Order, Phase, Place};
use crate::web::{Logged, Peer};

/// What is kept of a connection's bytes, in each direction; a header must fit into it.
const BUFFER: usize = 64 * 1024;

/// Serves the requests of one connection until either side ends it.
pub(super) async fn serve(
    stream: TcpStream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    routes: Logged,
    place: Place,
) {
    let activity = place.activity();
    let Some(tls) = tls else {
        return answer(Wire { stream, activity: activity.clone() }, peer, routes, activity).await;
    };
    activity.enter(Phase::Greeting);
    let greeted = tokio::select! {
        biased;
        greeted = greet(stream, &tls, activity) => greeted,
        // Whoever has said nothing yet has asked for nothing.
        _ = activity.ordered() => None,
    };
    if let Some(greeted) = greeted {
        activity.enter(Phase::Waiting);
        answer(greeted, peer, routes, activity).await;
    }
}

/// What begins a connection by TLS.
const HANDSHAKE: u8 = 22;

/// What is said to whoever speaks HTTP without TLS.
const NOT_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\
    content-length: 58\r\n\r\nThis bridge speaks TLS here: call it by https://, please.\n";

/// Agrees with the peer on TLS; `None` where that is not what it wants.
async fn greet(
    stream: TcpStream,
    tls: &TlsAcceptor,
    activity: &Arc<Activity>,
) -> Option<TlsStream<Wire>> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    let mut wire = Wire { stream, activity: activity.clone() };
    if first[0] != HANDSHAKE {
        if first[0].is_ascii_uppercase() {
            // What lies there unread would have the system take the answer back.
            let _ = wire.stream.try_read(&mut vec![0; BUFFER]);
            let _ = wire.write_all(NOT_TLS).await;
            let _ = wire.shutdown().await;
        }
        return None;
    }
    match tls.accept(wire).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "a peer and the bridge did not agree on TLS");
            None
        }
    }
}

/// Answers the requests that come on a wire.
async fn answer(
    wire: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    routes: Logged,
    activity: &Arc<Activity>,
) {
    let service = Tracked { routes, peer, activity: activity.clone() };
    let mut connection = pin!(
        http1::Builder::new()
            // Whoever has sent all it wants to say may say so: it is answered all the same.
            .half_close(true)
            // `Connections::watch` keeps the time, without a timer for each request.
            .header_read_timeout(None)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(wire), service)
    );
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            order = activity.ordered() => match order {
                Order::GoOn => {}
                Order::Finish => connection.as_mut().graceful_shutdown(),
                Order::Close => return,
            },
        }
    }
}

/// A socket that notes when its peer takes something, and when it does not.
struct Wire {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl Wire {
    fn noted(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(_)) => self.activity.got_somewhere(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.activity.is_stuck(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.noted(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The routes, noting what each request is at.
struct Tracked {
    routes: Logged,
    peer: Peer,
    activity: Arc<Activity>,
}

impl Service<Request<Incoming>> for Tracked {
    type Response = Response<Part<Body>>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let activity = &self.activity;
        let mut request = if request.body().is_end_stream() {
            activity.enter(Phase::Working);
            request.map(|_| Body::empty())
        } else {
            activity.enter(Phase::Reading);
            request.map(|body| Body::new(Part::new(body, activity, Phase::Working)))
        };
        request.extensions_mut().insert(self.peer);
        Answering { answer: self.routes.clone().call(request), activity: activity.clone() }
    }
}

/// An answer that is being made.
struct Answering {
    answer: <Logged as tower_service::Service<Request<Body>>>::Future,
    activity: Arc<Activity>,
}

impl Future for Answering {
    type Output = Result<Response<Part<Body>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.answer.as_mut().poll(cx))?;
        self.activity.enter(Phase::Answering);
        Poll::Ready(Ok(response.map(|body| Part::new(body, &self.activity, Phase::Waiting))))
    }
}

/// A body; when it has come, or nobody wants more of it, the next phase begins.
struct Part<B> {
    body: B,
    activity: Arc<Activity>,
    next: Phase,
}

impl<B> Part<B> {
    fn new(body: B, activity: &Arc<Activity>, next: Phase) -> Self {
        Self { body, activity: activity.clone(), next }
    }
}

impl<B> Drop for Part<B> {
    fn drop(&mut self) {
        self.activity.enter(self.next);
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Part<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
