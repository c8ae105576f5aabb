//! HTTP/1.1 on the thread's event loop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;

use crate::predict::{Refusal, predict};
use crate::store::Store;

const BODY_LIMIT: usize = 4 << 20;
const BACKLOG: u32 = 1024;

type Answer = (StatusCode, Vec<u8>);

/// Serve for ever; threads share the port.
pub async fn serve(port: u16, store: Store) -> std::io::Result<()> {
    let store = Rc::new(store);
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let listener = socket.listen(BACKLOG)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let store = store.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| respond(&store, request));
            // A client that is gone is no concern of the others.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(
    store: &Store,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::POST, "/predict") => answer(store, request.into_body()).await,
        (&Method::GET, "/health" | "/health/ready") => {
            (StatusCode::OK, b"{\"status\":\"ok\"}".to_vec())
        }
        _ => empty(StatusCode::NOT_FOUND),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn answer(store: &Store, body: Incoming) -> Answer {
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    match predict(store, &body.to_bytes()).await {
        Ok(ranking) => (StatusCode::OK, ranking),
        Err(Refusal::Malformed) => empty(StatusCode::BAD_REQUEST),
        Err(Refusal::Invalid) => empty(StatusCode::UNPROCESSABLE_ENTITY),
        Err(Refusal::Unavailable) => empty(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn empty(status: StatusCode) -> Answer {
    (status, b"{}".to_vec())
}
