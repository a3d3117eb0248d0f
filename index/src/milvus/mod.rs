//! Vectors that a Milvus server searches: a collection a generation, the alias on the one that serves.
//!
//! | module | holds |
//! |---|---|
//! | `collections` | what is asked of the server |
//! | `expression` | filters in its words |
//! | `filling` | how a collection is filled, brought up to date and comes to serve |
//! | `marks` | whether a collection is as the store left it |
//! | `leftovers` | what is dropped, and what leaves the server's memory |
//! | `served` | [`served::Served`]: a collection as what is searched |
//!
//! The catalogue is the truth here too: a collection can be filled again from it. Of a track, the collection has what a
//! filter needs to know, beside its row ([`crate::hubs`]).

mod collections;
mod expression;
mod filling;
mod leftovers;
mod marks;
mod served;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use ::milvus::v2 as sdk;
use sdk::{ClientV2, ConnectConfig, ConsistencyLevel, RetryConfig, TelemetryConfig};
use tokio::runtime::Runtime;

use crate::backend::{Consistency, MilvusConfig};
use crate::error::{Error, Result};

/// A server that does not answer within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A single call; those that take longer are asked after again and again.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// One that could not be connected to is not asked for again before: whoever waited for that is told at once.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// A call that did not come through is made so often, over three seconds.
const CALL_TRIES: u32 = 6;

/// A server, connected to when it is asked for the first time.
pub(crate) struct Milvus {
    config: MilvusConfig,
    link: Mutex<Link>,
}

/// What came of connecting.
#[derive(Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    /// When it last failed, and why.
    refused: Option<(Instant, String)>,
}

/// The client works on threads of its own, so that whoever asks may be anywhere.
struct Connection {
    runtime: Option<Runtime>,
    client: ClientV2,
}

impl Milvus {
    /// One that is configured. Nothing is asked of it yet.
    pub fn new(config: MilvusConfig) -> Result<Self> {
        Ok(Self { config, link: Mutex::default() })
    }

    fn connection(&self) -> Result<Arc<Connection>> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &link.connection {
            return Ok(Arc::clone(connection));
        }
        if let Some((at, reason)) = &link.refused
            && at.elapsed() < RECONNECT_AFTER
        {
            return Err(self.failed("connecting", reason));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| self.failed("starting its client", &error))?;
        let config = self.connect_config();
        let client = match self.answer("connecting", wait(&runtime, async move { ClientV2::new(&config).await })) {
            Ok(client) => client,
            Err(error) => {
                runtime.shutdown_background();
                if let Error::Milvus { reason, .. } = &error {
                    link.refused = Some((Instant::now(), reason.clone()));
                }
                return Err(error);
            }
        };
        let new = Arc::new(Connection { runtime: Some(runtime), client });
        link.connection = Some(Arc::clone(&new));
        Ok(new)
    }

    fn connect_config(&self) -> ConnectConfig {
        let retry = RetryConfig::new()
            .max_attempts(CALL_TRIES)
            .initial_backoff(Duration::from_millis(100))
            .backoff_multiplier(2.0);
        let mut config = ConnectConfig::new()
            .uri(&self.config.address)
            .secure(self.config.address.starts_with("https://"))
            .database(&self.config.database)
            .connect_timeout(CONNECT_TIMEOUT)
            .rpc_timeout(CALL_TIMEOUT)
            .retry(retry)
            // Nobody is told what is listened to.
            .telemetry(TelemetryConfig::new().enabled(false));
        if let Some(token) = &self.config.token {
            config.set_token(&token.0);
        }
        if let Some(certificate) = &self.config.ca_certificate {
            config.set_ca_certificate(certificate.to_string_lossy());
        }
        if let Some(name) = &self.config.server_name {
            config.set_tls_server_name(name);
        }
        config
    }

    /// Asks the server and waits for the answer.
    fn ask<T, F>(&self, operation: &'static str, question: impl FnOnce(ClientV2) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = sdk::error::Result<T>> + Send + 'static,
    {
        let connection = self.connection()?;
        let answer = connection.runtime.as_ref().and_then(|runtime| wait(runtime, question(connection.client.clone())));
        self.answer(operation, answer)
    }

    /// `None`: the client has ended without one.
    fn answer<T>(&self, operation: &'static str, answer: Option<sdk::error::Result<T>>) -> Result<T> {
        match answer {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(self.failed(operation, &error)),
            None => Err(self.failed(operation, &"its client has ended")),
        }
    }

    /// What the server, or its client, says of a failure.
    fn failed(&self, operation: &'static str, error: &dyn std::fmt::Display) -> Error {
        let text = error.to_string();
        let reason = text.lines().next().unwrap_or_default().to_owned();
        Error::Milvus { address: self.config.address.clone(), operation, reason }
    }

    fn consistency(&self) -> ConsistencyLevel {
        match self.config.consistency {
            Consistency::Strong => ConsistencyLevel::Strong,
            Consistency::Bounded => ConsistencyLevel::Bounded,
            Consistency::Eventually => ConsistencyLevel::Eventually,
        }
    }
}

/// Waits on this thread for what is done on the runtime's, whether this one drives a runtime itself or not.
fn wait<T: Send + 'static>(runtime: &Runtime, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Nobody has gone away: this thread waits.
        let _ = sender.send(future.await);
    });
    receiver.recv().ok()
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A runtime may not be waited for by who drives another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Milvus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Milvus").field("config", &self.config).finish_non_exhaustive()
    }
}
