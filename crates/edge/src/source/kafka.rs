//! Topics of Kafka, read by all edges of one operator as one consumer group: a partition belongs to one of them, and goes to another
//! when that one is gone. Offsets are committed when what they gave is in the spool. What two edges read all the same, the second
//! after the first was killed, gives both the same sightings, since their identifiers are made of topic, partition, offset and a
//! key that the group shares; the hub takes them once.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use krafka::auth::{AuthConfig, TlsConfig};
use krafka::consumer::{
    AutoOffsetReset, Consumer, ConsumerRecord, IsolationLevel, PartitionAssignmentStrategy,
};
use krafka::{CloseOptions, KrafkaError};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::config::{Kafka, KafkaTls, Mechanism, Sasl, Start, is_near};
use crate::source::journal::Key;

/// How long a connection may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Messages that are worked on at once …
const BATCH_MESSAGES: i32 = 1000;
/// … and bytes that brokers are asked for at once, packed; a larger batch of messages comes alone.
const FETCH_BYTES: i32 = 8 << 20;
/// How long the first message is waited for.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How often a held group is looked after.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// Partitions whose lag is shown one by one: those that are furthest behind.
pub(crate) const PARTITIONS_SHOWN_MAX: usize = 200;

/// A member of the group.
pub(crate) struct Group {
    consumer: Consumer,
    /// Topics' own identifiers: offsets begin anew when a topic is made anew.
    topics: HashMap<String, [u8; 16]>,
}

/// What came.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Vec<ConsumerRecord>,
    /// Offsets that were passed over, since what a broker holds there cannot be unpacked.
    pub(crate) damaged: u64,
}

/// How far behind its end a partition is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PartitionLag {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) behind: u64,
}

/// Why topics cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Away {
    /// What is tried again with the same membership.
    #[error("the topics cannot be read just now: {0}")]
    Passing(KrafkaError),
    /// What needs a new one.
    #[error("the topics cannot be read: {0}")]
    Ended(String),
}

impl From<KrafkaError> for Away {
    fn from(error: KrafkaError) -> Self {
        if error.is_retriable() { Self::Passing(error) } else { Self::Ended(error.to_string()) }
    }
}

impl Group {
    /// Connects and subscribes; partitions come with [`Self::next`].
    pub(crate) async fn join(config: &Kafka) -> Result<Self, Away> {
        let kafka = krafka::Kafka::builder(config.servers.join(","))
            .client_id(concat!("yagura-edge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(ANSWER_WAIT)
            .security(security(config).await?)
            .connect()
            .await?;
        let strategy = PartitionAssignmentStrategy::CooperativeSticky;
        let mut builder = kafka
            .consumer(config.group.clone())
            .enable_auto_commit(false)
            .auto_offset_reset(match config.start {
                Start::Earliest => AutoOffsetReset::Earliest,
                Start::Latest => AutoOffsetReset::Latest,
            })
            // What a producer took back is no record.
            .isolation_level(IsolationLevel::ReadCommitted)
            .partition_assignment_strategy(strategy)
            .session_timeout(config.session)
            .heartbeat_interval(config.session / 6)
            .max_poll_records(BATCH_MESSAGES)
            .max_buffered_records(BATCH_MESSAGES)
            .fetch_max_bytes(FETCH_BYTES)
            .idle_poll_backoff(IDLE_WAIT)
            .metrics_push(false);
        if let Some(member) = &config.member {
            builder = builder.group_instance_id(member.clone());
        }
        let consumer = builder.build().await?;
        let mut group = Self { consumer, topics: HashMap::new() };
        if let Err(why) = group.subscribe(config).await {
            group.leave().await;
            return Err(why);
        }
        Ok(group)
    }

    async fn subscribe(&mut self, config: &Kafka) -> Result<(), Away> {
        self.consumer.subscribe(&config.topics).await?;
        let known = self.consumer.fetch_metadata(None).await?;
        let far = known.brokers.iter().map(krafka::BrokerInfo::host).find(|host| !is_near(host));
        match (far, &config.tls) {
            (Some(host), None) => Err(Away::Ended(format!(
                "the cluster names a broker on another machine, `{host}`, to which records would come in the open; set `tls = true`"
            ))),
            _ => Ok(()),
        }
    }

    /// What has come, or after a while nothing.
    pub(crate) async fn next(&mut self) -> Result<Batch, Away> {
        let batch = match self.consumer.poll(FIRST_WAIT).await {
            Ok(records) => Batch { records, damaged: 0 },
            Err(error) if self.pass_over(&error).await => Batch { records: Vec::new(), damaged: 1 },
            Err(error) => return Err(error.into()),
        };
        if !batch.records.is_empty() {
            // What the client knows by itself; no broker is asked.
            let known = self.consumer.fetch_metadata(None).await?;
            self.topics = known.topics.into_iter().map(|topic| (topic.name, topic.topic_id)).collect();
        }
        Ok(batch)
    }

    /// Goes one offset on in a partition whose messages cannot be unpacked there. The client tells which one it is in words alone.
    async fn pass_over(&self, error: &KrafkaError) -> bool {
        let told = error.to_string();
        for (topic, partitions) in self.consumer.assignment().await {
            for partition in partitions {
                let Some(offset) = self.consumer.position(&topic, partition).await else { continue };
                if tells(&told, &topic, partition, offset) {
                    return self.consumer.seek(&topic, partition, offset + 1).await.is_ok();
                }
            }
        }
        false
    }

    /// Holds all partitions, or lets them go on: they stay this member's meanwhile.
    pub(crate) async fn hold(&self, is_held: bool) {
        if !is_held && self.consumer.paused_partitions().await.is_empty() {
            return;
        }
        for (topic, partitions) in self.consumer.assignment().await {
            if is_held {
                self.consumer.pause(&topic, &partitions).await;
            } else {
                self.consumer.resume(&topic, &partitions).await;
            }
        }
    }

    /// Commits everything that [`Self::next`] gave. Partitions may be moving just then: that ends no membership, and is tried again.
    pub(crate) async fn commit(&self) -> Result<(), Away> {
        self.consumer.commit().await.map_err(Away::Passing)
    }

    /// Gives the partitions back, unless the configuration names the member: then they wait for it.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.consumer.close_with(CloseOptions::new().timeout(ANSWER_WAIT)).await {
            tracing::debug!(%error, "the group was not left in order");
        }
    }

    /// How far behind this member's partitions are, all together and the furthest ones each.
    pub(crate) async fn behind(&self) -> (u64, Vec<PartitionLag>) {
        let known = self.consumer.lag().await.into_iter().filter_map(|(place, lag)| {
            Some(PartitionLag { topic: place.topic, partition: place.partition, behind: lag.lag? })
        });
        let mut partitions: Vec<PartitionLag> = known.collect();
        let all = partitions.iter().map(|partition| partition.behind).sum();
        partitions.sort_by(|a, b| {
            b.behind.cmp(&a.behind).then_with(|| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)))
        });
        partitions.truncate(PARTITIONS_SHOWN_MAX);
        (all, partitions)
    }

    /// What a message's partition is known by, at each edge of the group and for as long as its topic is the same.
    pub(crate) fn place_of(&self, record: &ConsumerRecord) -> Key {
        let born = self.topics.get(&*record.topic).copied().unwrap_or_default();
        let place = Sha256::new()
            .chain_update(born)
            .chain_update(record.topic.as_bytes())
            .chain_update(record.partition.to_be_bytes());
        cut(place)
    }
}

/// What a message is known by, at each edge of the group.
pub(crate) fn key_of(place: Key, offset: i64) -> Key {
    cut(Sha256::new().chain_update(place).chain_update(offset.to_be_bytes()))
}

fn cut(digest: Sha256) -> Key {
    let digest: [u8; 32] = digest.finalize().into();
    *digest.first_chunk().unwrap_or(&[0; 16])
}

/// Whether an error is about what stands at one place.
fn tells(error: &str, topic: &str, partition: i32, offset: i64) -> bool {
    let place = format!(" at {topic}-{partition} offset {offset}");
    error.split(&place).skip(1).any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
}

async fn security(config: &Kafka) -> Result<AuthConfig, Away> {
    let signed_in = match &config.sasl {
        None => AuthConfig::plaintext(),
        Some(sasl) => sign_in(sasl).await?,
    };
    Ok(match &config.tls {
        None => signed_in,
        Some(tls) => signed_in.with_tls(client_tls(tls)?),
    })
}

async fn sign_in(sasl: &Sasl) -> Result<AuthConfig, Away> {
    let password = tokio::fs::read_to_string(&sasl.password).await;
    let password = password.map_err(|error| unusable(&sasl.password, &error))?;
    let (user, password) = (sasl.user.as_str(), password.trim_end_matches(['\r', '\n']));
    Ok(match sasl.mechanism {
        Mechanism::Plain => AuthConfig::sasl_plain(user, password),
        Mechanism::ScramSha256 => AuthConfig::sasl_scram_sha256(user, password),
        Mechanism::ScramSha512 => AuthConfig::sasl_scram_sha512(user, password),
    })
}

fn client_tls(tls: &KafkaTls) -> Result<TlsConfig, Away> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| unusable(path, &"its name is not UTF-8"))
    };
    let config = match &tls.roots {
        Some(file) => TlsConfig::new().with_ca_cert(text(file)?),
        None => TlsConfig::new().with_native_roots(),
    };
    Ok(match &tls.identity {
        Some((certificate, key)) => config.with_client_cert(text(certificate)?, text(key)?),
        None => config,
    })
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> Away {
    Away::Ended(format!("`{}` cannot be used: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::{key_of, tells};

    #[test]
    fn a_damaged_place_is_told_from_its_neighbours() {
        let told = "undecodable record batch at logs-eve-1 offset 17; the partition cannot advance past it";
        assert!(tells(told, "logs-eve", 1, 17));
        for (topic, partition, offset) in
            [("logs-eve", 1, 1), ("logs-eve", 11, 17), ("eve", 1, 17), ("logs-eve", 1, 170)]
        {
            assert!(!tells(told, topic, partition, offset), "{topic} {partition} {offset}");
        }
    }

    #[test]
    fn messages_are_known_by_their_place() {
        let keys = [key_of([1; 16], 0), key_of([1; 16], 1), key_of([2; 16], 0)];
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
        assert_eq!(keys[0], key_of([1; 16], 0));
    }
}
