//! Connections: how many, how slow they may be, and how they end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::config::ServeConfig;
use crate::metrics::Metrics;

/// Bytes that a request's head may have.
const HEAD_BYTES: usize = 32 << 10;

/// Where no more files can be opened, accepting again at once would fail at once.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers whoever connects, until `stop` comes; those under way then have the grace time to end.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    config: &ServeConfig,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) {
    let (graceful, room) = (GracefulShutdown::new(), Arc::new(Semaphore::new(config.max_connections)));
    let mut http = http1::Builder::new();
    // While it waits for a request, too: idle connections do not stay.
    http.timer(TokioTimer::new()).header_read_timeout(config.head_time).max_buf_size(HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("a connection could not be taken: {error}");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        // Closed at once: who waited for room would be waited for.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        set_up(&stream);
        let connection = http.serve_connection(TokioIo::new(stream), service(router.clone(), peer));
        let (connection, metrics) = (graceful.watch(connection), Arc::clone(&metrics));
        tokio::spawn(async move {
            metrics.connections.inc();
            // What goes wrong between two machines is no fault of either.
            let _ = connection.await;
            metrics.connections.dec();
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(config.grace_time, graceful.shutdown()).await;
}

/// Answers are small and are waited for.
fn set_up(stream: &TcpStream) {
    // A stream that is closed already shows that soon enough.
    let _ = stream.set_nodelay(true);
}

fn service(
    router: Router,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    })
}
