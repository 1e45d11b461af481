//! A stream of JetStream, read by all edges of one operator under one consumer: a message is given to one of them, and to another
//! if that one does not acknowledge it in time. It is acknowledged when what it gave is in the spool. A message that two edges
//! read gives both the same sightings, since their identifiers are made of its number in the stream and a key that the
//! group shares; the hub takes them once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, Message};
use async_nats::{Client, ConnectOptions};
use futures::{FutureExt, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};

use crate::config::{Nats, tls};
use crate::source::journal::Key;

/// How long a connection may take, and an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Messages that the edge holds at once …
const BATCH_MESSAGES: usize = 500;
/// … and their bytes.
const BATCH_BYTES: usize = 8 << 20;
/// How long the first of them is waited for.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How often the server says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Messages that all edges of the group together have not acknowledged yet.
const UNACKNOWLEDGED_MAX: i64 = 10_000;

/// A connection to the group's consumer.
pub(crate) struct Group {
    client: Client,
    messages: pull::Stream,
    /// The stream's name and birth: its numbers begin anew when it is made anew.
    stream: String,
}

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the stream `{stream}` cannot be read: {cause}")]
pub(crate) struct Away {
    stream: String,
    cause: String,
}

impl Group {
    /// Connects, and makes the consumer where it is not there yet.
    pub(crate) async fn join(config: &Nats) -> Result<Self, Away> {
        let away =
            |cause: &dyn std::fmt::Display| Away { stream: config.stream.clone(), cause: cause.to_string() };
        let options = options(config).await.map_err(|cause| away(&cause))?;
        let client = options.connect(config.servers.clone()).await.map_err(|e| away(&e))?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ANSWER_WAIT);
        let stream = context.get_stream(&config.stream).await.map_err(|e| away(&e))?;
        let born = stream.cached_info().created;
        let consumer = match stream.get_consumer::<pull::Config>(&config.consumer).await {
            Ok(consumer) => consumer,
            Err(_) => stream.create_consumer(consumer_config(config)).await.map_err(|e| away(&e))?,
        };
        let request =
            consumer.stream().max_messages_per_batch(BATCH_MESSAGES).max_bytes_per_batch(BATCH_BYTES);
        let messages = request.heartbeat(HEARTBEAT).messages().await.map_err(|e| away(&e))?;
        let stream = format!("{}\0{}", config.stream, born.unix_timestamp_nanos());
        Ok(Self { client, messages, stream })
    }

    /// What has come, or after a while nothing.
    pub(crate) async fn next(&mut self) -> Result<Vec<Message>, String> {
        let Ok(mut coming) = tokio::time::timeout(FIRST_WAIT, self.messages.next()).await else {
            return Ok(Vec::new());
        };
        let mut taken = Vec::new();
        loop {
            match coming {
                Some(Ok(message)) => taken.push(message),
                // What was taken before is worked on first; the same error comes again.
                _ if !taken.is_empty() => break,
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("it ended".to_owned()),
            }
            if taken.len() >= BATCH_MESSAGES {
                break;
            }
            match self.messages.next().now_or_never() {
                Some(next) => coming = next,
                None => break,
            }
        }
        Ok(taken)
    }

    /// Says that messages are done with. One whose word is lost comes again, and is known.
    pub(crate) async fn acknowledge(&self, messages: &[Message]) -> Result<(), String> {
        for message in messages {
            message.ack().await.map_err(|e| e.to_string())?;
        }
        self.client.flush().await.map_err(|e| e.to_string())
    }

    /// What a message is known by, at each edge of the group.
    pub(crate) fn key_of(&self, sequence: u64) -> Key {
        let digest = Sha256::new().chain_update(&self.stream).chain_update(sequence.to_be_bytes()).finalize();
        let digest: [u8; 32] = digest.into();
        *digest.first_chunk().unwrap_or(&[0; 16])
    }
}

fn consumer_config(config: &Nats) -> pull::Config {
    pull::Config {
        durable_name: Some(config.consumer.clone()),
        description: Some("Yagura edges".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: config.ack_wait,
        max_deliver: -1,
        max_ack_pending: UNACKNOWLEDGED_MAX,
        filter_subject: config.subject.clone().unwrap_or_default(),
        ..pull::Config::default()
    }
}

async fn options(config: &Nats) -> Result<ConnectOptions, String> {
    let mut options = ConnectOptions::new()
        .name(concat!("yagura-edge/", env!("CARGO_PKG_VERSION")))
        .connection_timeout(ANSWER_WAIT)
        .request_timeout(Some(ANSWER_WAIT))
        // Only what the operator named: what servers tell of each other was not checked for TLS.
        .ignore_discovered_servers();
    if let Some(file) = &config.credentials {
        let text = tokio::fs::read_to_string(file).await.map_err(|error| unusable(file, &error))?;
        options = options.credentials(&text).map_err(|error| unusable(file, &error))?;
    }
    if config.tls {
        options = options.require_tls(true).tls_client_config(client_config(config)?);
    }
    Ok(options)
}

fn client_config(config: &Nats) -> Result<ClientConfig, String> {
    let roots = match &config.roots {
        Some(file) => tls::roots(file).map_err(|error| error.to_string())?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(tls.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("`{}` cannot be used: {error}", file.display())
}
