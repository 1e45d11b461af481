//! Publishing what the public is told in numbers of state-tasked monitoring.
//!
//! The hub computes nothing of it. It takes what `yagura log statistics` counted and the commission signed, holds it against the log that it
//! was counted from, and puts it, byte for byte, into a log of its own. What it can know to be wrong it does not publish; whether the
//! numbers are right shows whoever counts again.

use std::sync::Arc;

use oversight::authorisation::{Entry, Statement};
use oversight::{Action, AuditEvent, Realm};
use store::authorisations::log;
use store::statistics::{self, Published};
use store::trees::Tree;
use store::{Act, Reader, Store, StoreError, Tx};
use tlog::VerifyingKey;

use crate::administration::{By, Error};
use crate::config::HubConfig;
use crate::sharing::unfit;

/// What publishes statistics; cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher(Arc<Known>);

#[derive(Debug)]
struct Known {
    /// The keys that statements may be signed by.
    keys: Vec<VerifyingKey>,
    /// The origin of the log that they are counted from.
    log: String,
}

impl Publisher {
    pub(crate) fn new(config: &HubConfig, authorisations: &VerifyingKey) -> Self {
        let (keys, log) = (config.statistics_keys.clone(), authorisations.name().to_owned());
        Self(Arc::new(Known { keys, log }))
    }

    /// The keys that statements may be signed by, as text.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0.keys.iter().map(VerifyingKey::encode).collect()
    }

    /// Publishes a signed statement for whoever has the node in hand: it came from the commission on some medium.
    ///
    /// # Errors
    /// [`Error::Store`]: it is none, or may not be published; nothing was written.
    pub async fn publish(&self, store: &Store, by: By, note: String) -> Result<Published, Error> {
        let publisher = self.clone();
        let event = by.did(Action::StatisticsPublished);
        let publish = move |tx: &mut Tx<'_>| publisher.carry_out(tx, (&by.realm, event), &note);
        Ok(store.write(publish).await?)
    }

    /// Publishes a statement, in the transaction that writes the act down.
    ///
    /// # Errors
    /// What is wrong with it; the write is taken back.
    pub(crate) fn carry_out(
        &self,
        tx: &mut Tx<'_>,
        (realm, event): (&Realm, AuditEvent),
        note: &str,
    ) -> Result<Act<Published>, StoreError> {
        let statement = self.read(note)?;
        self.check_counted_from(tx, &statement)?;
        let corrects = check_period(tx, &statement)?;
        let leaf = statistics::append(tx, (&statement, note), corrects)?;
        let event = event
            .with("leaf", leaf.to_string())
            .with("from", statement.statistics.from.to_string())
            .with("until", statement.statistics.until.to_string())
            .with("key", statement.key.encode());
        let event = match corrects {
            Some(corrected) => event.with("corrects", corrected.to_string()),
            None => event,
        };
        let published = statistics::get(tx, leaf)?;
        let published = published.ok_or_else(|| StoreError::Corrupt(format!("statistics leaf {leaf}")))?;
        Ok(Act::audited(published, realm, event))
    }

    fn read(&self, note: &str) -> Result<Statement, StoreError> {
        if self.0.keys.is_empty() {
            let why = "this node is told of no key that statistics are signed by: `oversight.statistics_keys` in its configuration";
            return Err(unfit("statistics-no-key", why));
        }
        Statement::read(note, &self.0.keys).map_err(|error| unfit("statistics-note", error.to_string()))
    }

    /// It was counted from this log as it stood when the period was over: size and root are the log's, and nothing of the period
    /// came after.
    fn check_counted_from(&self, reader: &Reader<'_>, statement: &Statement) -> Result<(), StoreError> {
        let told = &statement.statistics;
        let wrong = |reason: &'static str, why: String| Err(unfit(reason, why));
        if told.log != self.0.log {
            let why = format!("it was counted from the log `{}`, and this one is `{}`", told.log, self.0.log);
            return wrong("statistics-other-log", why);
        }
        let (size, _) = Tree::Authorisations.head(reader)?;
        if told.size > size {
            let why = format!("it was counted from {} entries, and the log has {size}", told.size);
            return wrong("statistics-beyond-the-log", why);
        }
        let node = |level, index| Tree::Authorisations.node(reader, level, index).ok().flatten();
        let root =
            tlog::proof::root(told.size, node).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        if hex::encode(root) != told.root {
            let why = format!(
                "the first {} entries of the log make another root: it was counted from something else",
                told.size
            );
            return wrong("statistics-other-root", why);
        }
        // Entries bear their hour: until it is over, more of it may come.
        let now = reader.now();
        let hour_began = now.as_second().div_euclid(3600).saturating_mul(3600);
        if told.until.as_second() > hour_began {
            return wrong("statistics-too-early", format!("its period is not over before {}", told.until));
        }
        let next = log::get(reader, told.size)?.map(|next| Entry::read(&next.entry)).transpose();
        match next.map_err(|_| StoreError::Corrupt(format!("entry {}", told.size)))? {
            Some(next) if next.hour < told.until => {
                let why = format!(
                    "it was not counted to the end of its period: entry {} of the log is of it, too; count from a newer checkpoint",
                    told.size
                );
                wrong("statistics-unfinished", why)
            }
            _ => Ok(()),
        }
    }
}

/// Whose place a statement takes; nothing else that stands may be about a part of its period: of two numbers one could work out what each
/// withholds.
fn check_period(reader: &Reader<'_>, statement: &Statement) -> Result<Option<u64>, StoreError> {
    let corrected = match statement.corrects {
        None => None,
        Some(hash) => {
            let known = statistics::by_hash(reader, &hash)?.ok_or_else(|| {
                unfit("statistics-corrects-unknown", "it corrects a statement that was not published here")
            })?;
            if let Some(by) = known.corrected_by {
                let why = format!("what it corrects was corrected before, by entry {by}: correct that one");
                return Err(unfit("statistics-corrected-before", why));
            }
            Some(known.leaf)
        }
    };
    let period = (statement.statistics.from, statement.statistics.until);
    match statistics::standing_within(reader, period, corrected)? {
        None => Ok(corrected),
        Some(standing) => {
            let told = &standing.statement.statistics;
            let why = format!(
                "entry {} tells the numbers from {} until {}: a correction names it (`yagura log statistics --corrects FILE`), and \
                 another period must not share a part of it",
                standing.leaf, told.from, told.until
            );
            Err(unfit("statistics-overlap", why))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;
    use oversight::authorisation::{
        Opened, Question, Resolution, Resolved, STATEMENT_KIND, Statistics, Subject,
    };
    use store::charters::{self, Text};
    use store::{Clock, Options};
    use tempfile::TempDir;
    use tlog::{SigningKey, leaf_hash};

    use super::*;
    use crate::commission::read_frame;

    /// 2026-04-01T00:30:00Z.
    const BEGAN: i64 = 1_775_003_400;
    const HOUR: i64 = 3600;
    const ORIGIN: &str = "hub.example.jp/log/authorisations";

    /// A store with a clock that the test moves, and the commission's key.
    struct Office {
        store: Store,
        now: Arc<AtomicI64>,
        key: SigningKey,
        publisher: Publisher,
        _folder: TempDir,
    }

    impl Office {
        fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let now = Arc::new(AtomicI64::new(BEGAN));
            let moved = Arc::clone(&now);
            let clock = Clock::from_fn(move || Timestamp::from_second(moved.load(Ordering::SeqCst)).unwrap());
            let store = Store::open(folder.path(), Options { clock, ..Options::default() }).unwrap();
            let key = SigningKey::from_seed("commission.example/statistics", [5; 32]).unwrap();
            let known = Known { keys: vec![key.verifying_key()], log: ORIGIN.to_owned() };
            Self { store, now, key, publisher: Publisher(Arc::new(known)), _folder: folder }
        }

        fn pass(&self, seconds: i64) {
            self.now.fetch_add(seconds, Ordering::SeqCst);
        }

        /// Puts an entry of this hour into the log of authorisations.
        async fn enter(&self) {
            let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operators/frame.example.json");
            let text = Text::Frame(read_frame(example.as_ref()).unwrap());
            let of = oversight::OrganisationId::parse("commission").unwrap();
            let enact = move |tx: &mut Tx<'_>| {
                let resolution = Resolution {
                    subject: Subject::Frame,
                    digest: hex::encode(text.digest()),
                    by: String::new(),
                    asked: tx.now(),
                    reason: String::new(),
                };
                let resolved = Resolved { resolution, assertions: Vec::new() };
                charters::enact(tx, &Realm::Live, &text, &of, Some(&resolved)).map(Act::bookkeeping)
            };
            self.store.write(enact).await.unwrap();
        }

        /// Counts the hours from the beginning of the log on, as it stands.
        async fn count(&self, hours: std::ops::Range<i64>, corrects: Option<&str>) -> Statistics {
            let (head, entries) = self
                .store
                .read(|reader| {
                    Ok((Tree::Authorisations.head(reader)?, Tree::Authorisations.entries(reader, 0, 100)?))
                })
                .await
                .unwrap();
            let at = |hour: i64| Timestamp::from_second(BEGAN - 1800 + hour * HOUR).unwrap();
            let question = Question {
                log: ORIGIN.to_owned(),
                from: at(hours.start),
                until: at(hours.end),
                suppressed_below: 5,
                corrects: corrects.map(|note| leaf_hash(note.as_bytes())),
            };
            let opened = entries.into_iter().map(|entry| Opened { entry, record: None });
            Statistics::count(&question, (head.0, &head.1), opened).unwrap()
        }

        fn sign(&self, statistics: &Statistics) -> String {
            self.key.sign_statement(STATEMENT_KIND, std::str::from_utf8(&statistics.canonical()).unwrap())
        }

        async fn publish(&self, note: &str) -> Result<u64, String> {
            let done = self.publisher.publish(&self.store, By::node(Realm::Live), note.to_owned());
            done.await.map(|published| published.leaf).map_err(|error| error.to_string())
        }

        async fn refused(&self, statistics: &Statistics, why: &str) {
            let refused = self.publish(&self.sign(statistics)).await.unwrap_err();
            assert!(refused.contains(why), "`{refused}` does not say `{why}`");
        }
    }

    #[tokio::test]
    async fn what_was_counted_to_the_end_of_its_period_is_published() {
        let office = Office::open();
        office.enter().await;
        let early = office.count(0..1, None).await;
        office.refused(&early, "not over").await;
        office.pass(HOUR);
        // Nothing of the hour came after it was counted.
        office.enter().await;
        let note = office.sign(&early);
        assert_eq!(office.publish(&note).await, Ok(0));
        let entries = office.store.read(|reader| Tree::Statistics.entries(reader, 0, 9)).await.unwrap();
        assert_eq!(entries, [note.into_bytes()]);
        // Of the second hour something came after this.
        let short = office.count(1..2, None).await;
        office.enter().await;
        office.pass(HOUR);
        office.refused(&short, "entry 2 of the log is of it, too").await;
        let whole = office.count(1..2, None).await;
        assert_eq!(office.publish(&office.sign(&whole)).await, Ok(1));
    }

    #[tokio::test]
    async fn what_was_counted_from_something_else_is_not() {
        let office = Office::open();
        office.enter().await;
        office.enter().await;
        office.pass(HOUR);
        let told = office.count(0..1, None).await;
        let changed = |change: &dyn Fn(&mut Statistics)| {
            let mut told = told.clone();
            change(&mut told);
            told
        };
        let other = changed(&|told| "other.example/log/authorisations".clone_into(&mut told.log));
        office.refused(&other, "counted from the log `other.example").await;
        office.refused(&changed(&|told| told.size = 3), "counted from 3 entries, and the log has 2").await;
        office.refused(&changed(&|told| told.root = "00".repeat(32)), "another root").await;
        // A smaller tree of the same log is one, and it lacks what came after.
        let first =
            office.store.read(|reader| Tree::Authorisations.node(reader, 0, 0)).await.unwrap().unwrap();
        let smaller = changed(&|told| (told.size, told.root) = (1, hex::encode(first)));
        office.refused(&smaller, "entry 1 of the log is of it, too").await;
        let forged = office.sign(&told).replace("\"v\":1", "\"v\":2");
        assert!(office.publish(&forged).await.unwrap_err().contains("no valid signature"));
        let keyless = Publisher(Arc::new(Known { keys: Vec::new(), log: ORIGIN.to_owned() }));
        let refused =
            keyless.publish(&office.store, By::node(Realm::Live), office.sign(&told)).await.unwrap_err();
        assert!(refused.to_string().contains("oversight.statistics_keys"));
        let (size, _) = office.store.read(|reader| Tree::Statistics.head(reader)).await.unwrap();
        assert_eq!(size, 0);
    }

    #[tokio::test]
    async fn a_correction_names_what_it_corrects() {
        let office = Office::open();
        office.enter().await;
        office.pass(4 * HOUR);
        let first = office.sign(&office.count(0..2, None).await);
        assert_eq!(office.publish(&first).await, Ok(0));
        office.refused(&office.count(0..2, None).await, "a correction names it").await;
        office.refused(&office.count(1..4, None).await, "must not share a part of it").await;
        office.refused(&office.count(0..2, Some("unknown")).await, "not published here").await;
        let second = office.sign(&office.count(0..2, Some(&first)).await);
        assert_eq!(office.publish(&second).await, Ok(1));
        office.refused(&office.count(0..3, Some(&first)).await, "corrected before, by entry 1").await;
        // A correction may be of another period, where nothing else stands.
        let third = office.sign(&office.count(0..3, Some(&second)).await);
        assert_eq!(office.publish(&third).await, Ok(2));
        assert_eq!(office.publish(&office.sign(&office.count(3..4, None).await)).await, Ok(3));
        let verified = office.store.read(statistics::verify).await.unwrap();
        assert_eq!(verified.0, 4);
    }
}
