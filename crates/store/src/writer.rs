//! The one thread that writes, and how it groups.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use tlog::Frontier;
use tokio::sync::{mpsc, oneshot, watch};

use crate::connection::Connection;
use crate::postgresql::listener::announce_newer;
use crate::sqlite::Folding;
use crate::trees::Tree;
use crate::{Act, Clock, Reader, StoreError, Tx, audit, objects, tellings};

/// Writes that may wait; further callers wait to be let in.
const QUEUE_MAX: usize = 1024;
/// Writes that share one commit at most, so that the first one does not wait for ever.
const GROUP_MAX: usize = 256;

/// What the writer remembers of the database between writes. Dropped whenever something is rolled back, and read
/// anew when it is next needed.
#[derive(Default)]
pub(crate) struct WriterState {
    pub(crate) log: Option<objects::LogState>,
    pub(crate) trees: BTreeMap<Tree, Frontier>,
    /// Whether something of the present group is told beside the log. Not dropped: what tells may stand though another job failed.
    pub(crate) tells: bool,
}

/// A handle to the writer thread, which ends with the last of them.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
    committed: watch::Receiver<i64>,
    written: watch::Receiver<i64>,
    told: watch::Receiver<i64>,
    announce: Weak<watch::Sender<i64>>,
    tell: Weak<watch::Sender<i64>>,
}

type Value = Box<dyn Any + Send>;
type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<Act<Value>, StoreError> + Send>;

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Value, StoreError>>,
}

impl Writer {
    /// Starts the thread. `lock` is held as long as it runs.
    pub(crate) fn start(
        connection: Connection,
        clock: Clock,
        lock: Option<File>,
        folding: Option<Folding>,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let reader = Reader::new(&connection, &clock);
        let (announce, committed) = watch::channel(objects::last_sequence(&reader)?);
        let (tell, told) = watch::channel(tellings::newest(&reader)?);
        let (own, written) = watch::channel(*committed.borrow());
        let (announce, tell) = (Arc::new(announce), Arc::new(tell));
        let weak = (Arc::downgrade(&announce), Arc::downgrade(&tell));
        let thread = Thread {
            connection,
            folding,
            _lock: lock,
            clock,
            state: RefCell::default(),
            broken: Cell::new(false),
            own,
            tell,
            announce,
        };
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || thread.run(jobs))?;
        Ok(Self { queue, committed, written, told, announce: weak.0, tell: weak.1 })
    }

    /// Where a newer sequence is told, as long as the writer runs.
    pub(crate) fn announce(&self) -> Weak<watch::Sender<i64>> {
        self.announce.clone()
    }

    /// Where a newer telling is told, as long as the writer runs.
    pub(crate) fn tell(&self) -> Weak<watch::Sender<i64>> {
        self.tell.clone()
    }

    pub(crate) fn told(&self) -> watch::Receiver<i64> {
        self.told.clone()
    }

    pub(crate) fn committed(&self) -> watch::Receiver<i64> {
        self.committed.clone()
    }

    pub(crate) fn written(&self) -> watch::Receiver<i64> {
        self.written.clone()
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<Act<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(|tx| f(tx).map(|act| act.map(|value| Box::new(value) as Value)));
        self.queue.send(Job { work, reply }).await.map_err(|_| StoreError::Closed)?;
        let value = answer.await.map_err(|_| StoreError::Closed)??;
        value.downcast::<T>().map(|value| *value).map_err(|_| StoreError::Closed)
    }
}

struct Thread {
    connection: Connection,
    folding: Option<Folding>,
    _lock: Option<File>,
    clock: Clock,
    state: RefCell<WriterState>,
    /// A transaction stands open that can neither be committed nor taken back.
    broken: Cell<bool>,
    /// The newest sequence that this process gave out.
    own: watch::Sender<i64>,
    /// The newest number of what is told beside the log, whoever told it.
    tell: Arc<watch::Sender<i64>>,
    /// The last field, so that whoever sees it closed finds connection and lock gone.
    announce: Arc<watch::Sender<i64>>,
}

impl Thread {
    fn run(self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP_MAX
                && let Ok(next) = jobs.try_recv()
            {
                group.push(next);
            }
            self.commit_group(group);
            if self.broken.get() {
                return;
            }
        }
    }

    /// One transaction for the group: every job in its savepoint, one commit, then the replies.
    fn commit_group(&self, group: Vec<Job>) {
        match self.connection.begin_writing() {
            Ok(true) => {}
            // Another process wrote: what is remembered of the log's end is no longer so.
            Ok(false) => self.forget(),
            Err(error) => {
                self.forget();
                return refuse_all(group.into_iter().map(|job| job.reply), &error);
            }
        }
        let mut done = Vec::with_capacity(group.len());
        let alone = group.len() == 1;
        let mut waiting = group.into_iter();
        while let Some(job) = waiting.next() {
            let error = match self.run_job(job.work, alone) {
                Ok(value) => {
                    done.push((job.reply, value));
                    continue;
                }
                Err(error) => error,
            };
            if self.connection.is_autocommit() || self.broken.get() {
                // A full or failing disk can end the whole transaction, and with it what came before.
                refuse_all(done.into_iter().map(|(reply, _)| reply), &error);
                refuse_all(waiting.map(|job| job.reply), &error);
                return drop(job.reply.send(Err(error)));
            }
            // The caller may have stopped waiting.
            drop(job.reply.send(Err(error)));
        }
        let newest = self.newest();
        let news = newest.is_none_or(|newest| newest > *self.announce.borrow());
        let tells = std::mem::take(&mut self.state.borrow_mut().tells);
        let reader = Reader::new(&self.connection, &self.clock);
        let told = if tells { tellings::newest(&reader).ok() } else { None };
        if let Err(error) = self.connection.commit_writing(news || told.is_some()) {
            self.forget();
            // After a failed commit the transaction may stand open.
            self.undo(true);
            return refuse_all(done.into_iter().map(|(reply, _)| reply), &error);
        }
        if let Some(newest) = newest {
            announce_newer(&self.announce, newest);
            if news {
                announce_newer(&self.own, newest);
            }
        }
        if let Some(told) = told {
            announce_newer(&self.tell, told);
        }
        for (reply, value) in done {
            drop(reply.send(Ok(value)));
        }
        if let Some(folding) = &self.folding {
            folding.after_commit();
        }
    }

    /// Runs a job; what it wrote stands or is gone when this returns. Alone in its transaction it needs no savepoint, for
    /// which SQLite would copy every page before it changes; then the transaction ends with the job's failure.
    fn run_job(&self, work: Work, alone: bool) -> Result<Value, StoreError> {
        if !alone && let Err(error) = self.connection.run("SAVEPOINT job") {
            // Here SQLite writes the words of the jobs before. Where the disk has no room for them it takes back the whole
            // transaction, and what is remembered of those jobs is no longer so.
            self.forget();
            self.undo(true);
            return Err(error);
        }
        let mut tx = Tx::new(&self.connection, &self.clock, &self.state);
        // A panic in one caller's closure must not take the writer from all others.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let act = work(&mut tx)?;
            for (realm, event) in &act.events {
                audit::append(&tx, realm, event)?;
            }
            Ok(act.value)
        }));
        let result = result.unwrap_or_else(|_| Err(StoreError::Database("the write panicked".to_owned())));
        let kept = result.and_then(|value| {
            if !alone {
                self.connection.run("RELEASE job")?;
            }
            Ok(value)
        });
        if kept.is_err() {
            self.forget();
            self.undo(alone);
        }
        kept
    }

    /// The newest sequence, as far as it can be known.
    fn newest(&self) -> Option<i64> {
        let remembered = self.state.borrow().log.as_ref().map(|log| log.sequence);
        // Forgotten when a later job of the group failed; what an earlier one added is there all the same.
        remembered.or_else(|| objects::last_sequence(&Reader::new(&self.connection, &self.clock)).ok())
    }

    /// Takes back what a job wrote; where that fails, the whole transaction.
    fn undo(&self, alone: bool) {
        if self.connection.is_autocommit() {
            return;
        }
        let undo = if alone { "ROLLBACK" } else { "ROLLBACK TO job; RELEASE job" };
        if self.connection.run(undo).is_err() {
            let _ = self.connection.run("ROLLBACK");
            // What cannot be taken back must never be committed: the thread ends, and closing the database undoes it.
            self.broken.set(!self.connection.is_autocommit());
        }
    }

    fn forget(&self) {
        let mut state = self.state.borrow_mut();
        *state = WriterState { tells: state.tells, ..WriterState::default() };
    }
}

/// Tells all of them why.
fn refuse_all(replies: impl Iterator<Item = oneshot::Sender<Result<Value, StoreError>>>, error: &StoreError) {
    for reply in replies {
        drop(reply.send(Err(error.for_another())));
    }
}
