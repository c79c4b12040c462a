//! A receiver of hooks, whose answers a test changes while messages come.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde_json::Value;
use servicenav_itop_bridge::{
    clock::Clock,
    config::{Hook, Period},
    domain::hook_event::HookEvent,
    secret::Secret,
};
use tokio::task::JoinHandle;

/// How it answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this status, content type and body.
    With(u16, &'static str, String),
    /// To another place.
    Redirect,
    /// With a body that never ends.
    Endless(u16),
    /// Not for so long.
    After(Duration),
}

impl Reply {
    pub fn ok() -> Self {
        Self::With(200, "text/plain", "ok".to_owned())
    }

    pub fn status(status: u16) -> Self {
        Self::With(status, "text/plain", "no".to_owned())
    }
}

/// A message that came.
#[derive(Clone, Debug)]
pub struct Post {
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
    /// Where it was posted.
    pub path: String,
    /// Whether it was answered with success at once.
    pub taken: bool,
}

impl Post {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The last part of where it was posted.
    pub fn name(&self) -> String {
        self.path.rsplit('/').next().unwrap_or_default().to_owned()
    }

    pub fn event(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    pub fn control(&self) -> &str {
        self.body["data"]["control"]["id"].as_str().unwrap_or_default()
    }
}

type Answering = Box<dyn Fn(&Post) -> Reply + Send + Sync>;

struct Shared {
    answering: Mutex<Arc<Answering>>,
    posts: Mutex<Vec<Post>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

pub struct Receiver {
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// One that takes all.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answering: Answering = Box::new(|_| Reply::ok());
        let shared = Arc::new(Shared {
            answering: Mutex::new(Arc::new(answering)),
            posts: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let theirs = shared.clone();
        let routes =
            Router::new().fallback(async move |request: Request| take(&theirs, request).await);
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url: format!("http://{address}/services/T0/s3cr3t-path"), shared, serving }
    }

    pub fn answers(&self, answering: impl Fn(&Post) -> Reply + Send + Sync + 'static) {
        *self.shared.answering.lock().unwrap() = Arc::new(Box::new(answering));
    }

    /// All that came, in its order.
    pub fn posts(&self) -> Vec<Post> {
        self.locked().clone()
    }

    /// What it took, in its order, of this event.
    pub fn taken(&self, event: &str) -> Vec<Post> {
        let posts = self.posts().into_iter();
        posts.filter(|post| post.taken && post.event() == event).collect()
    }

    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Post>> {
        self.shared.posts.lock().unwrap()
    }

    /// A hook that is told these events here.
    pub fn hook(&self, name: &str, events: &[HookEvent]) -> Hook {
        Hook {
            name: name.to_owned(),
            url: Some(Secret::new(self.url.clone())),
            events: events.to_vec(),
            timeout: Period::seconds(2),
            ..Hook::default()
        }
    }
}

async fn take(shared: &Shared, request: Request) -> Response {
    let at_once = shared.at_once.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most_at_once.fetch_max(at_once, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    let path = parts.uri.path().to_owned();
    let mut post = Post { headers: parts.headers, text, body, path, taken: false };
    let answering = shared.answering.lock().unwrap().clone();
    let reply = answering(&post);
    post.taken = matches!(reply, Reply::With(200..=299, "text/plain", _));
    shared.posts.lock().unwrap().push(post);
    let response = Response::builder();
    let response = match reply {
        Reply::With(status, kind, body) => {
            response.status(status).header(header::CONTENT_TYPE, kind).body(Body::from(body))
        }
        Reply::Redirect => response
            .status(StatusCode::FOUND)
            .header(header::LOCATION, "http://127.0.0.1:9/elsewhere")
            .body(Body::empty()),
        Reply::Endless(status) => {
            let drops =
                futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("drip ".repeat(99)));
            response.status(status).body(Body::from_stream(drops))
        }
        Reply::After(wait) => {
            Clock::system().sleep(wait).await;
            response.status(200).body(Body::from("late"))
        }
    };
    shared.at_once.fetch_sub(1, Ordering::SeqCst);
    response.unwrap()
}
