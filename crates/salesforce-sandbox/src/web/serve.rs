//! The wire: requests are read whole, answered by a thread that may block, and cut where a fault
//! says so.

use std::{
    convert::Infallible,
    io::{Read as _, Write as _},
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Answer, Call, call::Content};
use crate::{
    fault::{FaultKind, Strike},
    org::Org,
    refusal::Refusal,
};

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cut the connection")]
struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Serves until `stop`, then lets what is under way come to its end. Dropping it ends it as
/// `kill -9` would: what waits has no effect, what has begun is still done.
pub(crate) async fn serve(
    org: Arc<Org>,
    listener: TcpListener,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let dead = CancellationToken::new();
    jobs(&org, &dead);
    let _dropped = dead.clone().drop_guard();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let _ = stream.set_nodelay(true);
        let (org, dead, stop) = (Arc::clone(&org), dead.clone(), stop.clone());
        connections.spawn(async move {
            let service =
                service_fn(move |request| answered(Arc::clone(&org), dead.clone(), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .max_buf_size(64 << 10)
                .serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            tokio::select! {
                // A client that hangs up, or a connection that was cut, is nobody's error.
                _ = connection.as_mut() => {}
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        });
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn answered(
    org: Arc<Org>,
    dead: CancellationToken,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let zipped = |name: &str| {
        let value = headers.iter().find(|(own, _)| own == name);
        value.is_some_and(|(_, value)| value.contains("gzip"))
    };
    let body = if zipped("content-encoding") { unzipped(&bytes)? } else { bytes.to_vec() };
    let zip = zipped("accept-encoding");
    let length: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut call = Call::new(head.method.as_str(), &target, body);
    call.headers = headers;
    if target.len() > 16_384 {
        let refusal = Refusal::new(414, "URI_TOO_LONG", "URI too long");
        return Ok(response(&refusal.into(), zip));
    }
    if target.len() + length > 16_384 {
        let refusal = Refusal::new(431, "REQUEST_HEADER_FIELDS_TOO_LARGE", "headers too large");
        return Ok(response(&refusal.into(), zip));
    }
    let work = if call.is_page() {
        // What people look at is no call of the API: nobody counts it, and no fault strikes it.
        tokio::task::spawn_blocking(move || Ok(org.answer(&call)))
    } else {
        // The work goes on though its client hangs up.
        tokio::spawn(done(org, dead, call))
    };
    let answer = work.await.map_err(|_| Cut)??;
    Ok(response(&answer, zip))
}

/// What strikes the request, and the work in between.
async fn done(org: Arc<Org>, dead: CancellationToken, call: Call) -> Result<Answer, Cut> {
    let work = async {
        let inspects = call.path.first().is_some_and(|part| part == "sandbox");
        let _under_way = (!inspects).then(|| UnderWay::begin(&org));
        let number = if inspects { 0 } else { org.seen.came(&call) };
        let steps = if inspects { Vec::new() } else { org.steps(&call) };
        let mut strike = org.faults.strike(&steps);
        org.options.pauses.pause(strike.before).await;
        strike.hold(false).await;
        let answer = if let Some(answer) = before(&org, &call, &strike)? {
            answer
        } else {
            let bulk = call.path.get(3).is_some_and(|part| part == "jobs") && call.method != "GET";
            let at_work = Arc::clone(&org);
            let work = tokio::task::spawn_blocking(move || at_work.answer(&call));
            let answer = work.await.map_err(|_| Cut)?;
            if bulk {
                jobs(&org, &dead);
            }
            org.options.pauses.pause(strike.after).await;
            strike.hold(true).await;
            after(answer, &strike)?
        };
        if !inspects {
            org.seen.answered(number, answer.status);
        }
        Ok(answer)
    };
    dead.run_until_cancelled(work).await.unwrap_or(Err(Cut))
}

/// A request that is worked on, whether its client is still there or not.
struct UnderWay(Arc<Org>);

impl UnderWay {
    fn begin(org: &Arc<Org>) -> Self {
        org.under_way.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(org))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets somebody work on bulk jobs that wait.
fn jobs(org: &Arc<Org>, dead: &CancellationToken) {
    let (org, dead) = (Arc::clone(org), dead.clone());
    tokio::task::spawn_blocking(move || org.run_jobs(&dead));
}

/// What is answered without any work.
fn before(org: &Org, call: &Call, strike: &Strike) -> Result<Option<Answer>, Cut> {
    for kind in &strike.kinds {
        let answer = match kind {
            FaultKind::SessionExpired | FaultKind::SessionRefused => {
                let refused = *kind == FaultKind::SessionRefused;
                if let (false, Some(header)) = (refused, call.get("authorization")) {
                    org.sessions.close(header.split_once(' ').map_or("", |(_, token)| token));
                }
                let message = if refused {
                    "This session is not valid for use with the REST API"
                } else {
                    "Session expired or invalid"
                };
                Refusal::new(401, "INVALID_SESSION_ID", message).into()
            }
            FaultKind::RequestLimit => {
                let message = "TotalRequests Limit exceeded.";
                Answer::from(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", message))
                    .header("Sforce-Limit-Info", format!("api-usage={0}/{0}", org.usage().most))
            }
            FaultKind::Html { status, after: false } => page(*status),
            FaultKind::WrongJson { after: false } => wrong(),
            FaultKind::Cut { after: false } => return Err(Cut),
            _ => continue,
        };
        return Ok(Some(answer));
    }
    Ok(None)
}

/// What becomes of an answer on its way.
fn after(answer: Answer, strike: &Strike) -> Result<Answer, Cut> {
    for kind in &strike.kinds {
        match kind {
            FaultKind::Html { status, after: true } => return Ok(page(*status)),
            FaultKind::WrongJson { after: true } => return Ok(wrong()),
            FaultKind::Truncated => {
                let mut bytes = body(&answer);
                bytes.truncate(bytes.len() / 2);
                return Ok(Answer::other(answer.status, JSON, bytes));
            }
            FaultKind::Cut { after: true } => return Err(Cut),
            _ => {}
        }
    }
    Ok(answer)
}

fn page(status: u16) -> Answer {
    let text = "<html><head><title>Service Unavailable</title></head><body>The server is \
                temporarily unable to service your request.</body></html>";
    Answer::other(status, "text/html; charset=UTF-8", text)
}

fn wrong() -> Answer {
    Answer::json(200, serde_json::json!({"unexpected": true}))
}

const JSON: &str = "application/json;charset=UTF-8";

fn body(answer: &Answer) -> Vec<u8> {
    match &answer.content {
        Content::Empty => Vec::new(),
        Content::Json(json) => json.to_string().into_bytes(),
        Content::Other(_, bytes) => bytes.clone(),
    }
}

fn response(answer: &Answer, zip: bool) -> Response<Full<Bytes>> {
    let mut bytes = body(answer);
    let mut builder = Response::builder().status(answer.status);
    match &answer.content {
        Content::Empty => {}
        Content::Json(_) => builder = builder.header("Content-Type", JSON),
        Content::Other(kind, _) => builder = builder.header("Content-Type", kind),
    }
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    if zip && bytes.len() > 1_000 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        if let Ok(zipped) = encoder.write_all(&bytes).and_then(|()| encoder.finish()) {
            bytes = zipped;
            builder = builder.header("Content-Encoding", "gzip");
        }
    }
    builder.body(Full::new(Bytes::from(bytes))).unwrap_or_default()
}

fn unzipped(bytes: &[u8]) -> Result<Vec<u8>, Cut> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).map_err(|_| Cut)?;
    Ok(plain)
}
