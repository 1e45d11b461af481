//! A lake in a bucket of an S3-compatible store.
//!
//! The driver is asynchronous and the lake is not: each request runs on threads of its own, and whoever asked waits. So a lake
//! may be used from any thread; on one that runs asynchronous tasks it holds these up, as files do.

use std::future::Future;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::bucket::{Opened, Waits};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::{
    Error, GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion, path,
};
use tokio::runtime::Runtime;

/// History can wait, and its pieces are large.
const WAITS: Waits = Waits {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(120),
    try_for: Duration::from_secs(180),
    tries: 5,
};

/// An object that is longer is put in parts of so many bytes; some stores want all but the last alike, and none below 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// So many parts are on their way at once.
const PARTS_IN_FLIGHT: usize = 4;

/// Objects that no manifest names and that are younger may be another writer's, which has not committed them yet.
const SETTLED: Duration = Duration::from_secs(24 * 3600);

/// Never dropped: that would wait, which a thread with asynchronous tasks may not.
static RUNTIME: LazyLock<Result<Runtime, String>> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).thread_name("lake-bucket").enable_all().build();
    runtime.map_err(|error| error.to_string())
});

/// Begins what is asked of a store; the answer comes to the channel.
fn begin<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> io::Result<Receiver<T>> {
    let runtime = RUNTIME.as_ref().map_err(|error| io::Error::other(error.as_str()))?;
    let (answer, answered) = sync_channel(1);
    runtime.spawn(async move {
        // Whoever asked may have gone.
        let _ = answer.send(work.await);
    });
    Ok(answered)
}

fn wait<T>(answered: &Receiver<T>) -> io::Result<T> {
    answered.recv().map_err(|_| io::Error::other("the request was broken off"))
}

/// Asks a store and waits for its answer.
fn ask<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> io::Result<Result<T, Error>> {
    wait(&begin(work)?)
}

fn failed(error: &Error) -> io::Error {
    match error {
        Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, "there is no such object"),
        other => io::Error::other(::bucket::cause(other)),
    }
}

/// A bucket, and a prefix in it.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    opened: Opened,
}

/// Which writing of an object was read.
#[derive(Debug, Clone)]
pub(crate) struct Version(UpdateVersion);

impl Bucket {
    pub(super) fn open(address: &str) -> io::Result<Self> {
        let opened = ::bucket::open(address, WAITS);
        let opened = opened.map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        Ok(Self { opened })
    }

    /// `s3://bucket/prefix`, without what signs in.
    pub(super) fn address(&self) -> &str {
        &self.opened.address
    }

    fn at(&self, name: &str) -> path::Path {
        name.split('/').fold(self.opened.prefix.clone(), path::Path::join)
    }

    fn store(&self) -> Arc<AmazonS3> {
        Arc::clone(&self.opened.store)
    }

    pub(super) fn create(&self, name: &str) -> Upload {
        Upload {
            store: self.store(),
            at: self.at(name),
            buffer: Vec::new(),
            parts: None,
            in_flight: Vec::new().into(),
        }
    }

    pub(super) fn object(&self, name: &str) -> Object {
        Object { store: self.store(), at: self.at(name) }
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Option<(Vec<u8>, Version)>> {
        let (store, at) = (self.store(), self.at(name));
        let read = ask(async move {
            let given = store.get_opts(&at, GetOptions::default()).await?;
            let version =
                UpdateVersion { e_tag: given.meta.e_tag.clone(), version: given.meta.version.clone() };
            Ok((given.bytes().await?.to_vec(), Version(version)))
        })?;
        match read {
            Ok(read) => Ok(Some(read)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Puts an object in the place of what was read, or of none; `None` where something else is there by now.
    pub(super) fn replace(
        &self,
        name: &str,
        content: &[u8],
        read: Option<&Version>,
    ) -> io::Result<Option<Version>> {
        let (store, at, content) = (self.store(), self.at(name), Bytes::copy_from_slice(content));
        let mode = read.map_or(PutMode::Create, |Version(read)| PutMode::Update(read.clone()));
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = ask(async move { store.put_opts(&at, content.into(), options).await })?;
        match put {
            Ok(put) => Ok(Some(Version(UpdateVersion { e_tag: put.e_tag, version: put.version }))),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let (store, at) = (self.store(), self.at(name));
        match ask(async move { store.delete(&at).await })? {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    /// The names of objects that are older than any batch.
    pub(super) fn settled_objects(&self) -> io::Result<Vec<String>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = i64::try_from(now.saturating_sub(SETTLED).as_secs()).unwrap_or(i64::MAX);
        let (store, prefix) = (self.store(), self.opened.prefix.clone());
        let listed = ask(async move {
            let all = store.list(Some(&prefix));
            let old = all.try_filter(|it| std::future::ready(it.last_modified.timestamp() < before));
            let names = old.map_ok(move |it| {
                let parts = it.location.prefix_match(&prefix)?;
                Some(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"))
            });
            names
                .try_filter_map(|name| std::future::ready(Ok(name)))
                .boxed()
                .try_collect::<Vec<String>>()
                .await
        })?;
        listed.map_err(|error| failed(&error))
    }
}

/// An object that is being written; it is there as a whole when it is finished, and not before.
pub(super) struct Upload {
    store: Arc<AmazonS3>,
    at: path::Path,
    buffer: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    in_flight: std::collections::VecDeque<Receiver<Result<(), Error>>>,
}

impl Upload {
    pub(super) fn finish(mut self) -> io::Result<()> {
        let (store, at) = (Arc::clone(&self.store), self.at.clone());
        if self.parts.is_none() {
            let content = Bytes::from(std::mem::take(&mut self.buffer));
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = ask(async move { store.put_opts(&at, content.into(), options).await })?;
            return put.map(|_| ()).map_err(|error| failed(&error));
        }
        if !self.buffer.is_empty() {
            self.put_part()?;
        }
        self.wait_for_parts(0)?;
        let Some(mut parts) = self.parts.take() else { return Ok(()) };
        ask(async move { parts.complete().await })?.map(|_| ()).map_err(|error| failed(&error))
    }

    fn put_part(&mut self) -> io::Result<()> {
        if self.parts.is_none() {
            let (store, at) = (Arc::clone(&self.store), self.at.clone());
            let begun = ask(async move { store.put_multipart(&at).await })?;
            self.parts = Some(begun.map_err(|error| failed(&error))?);
        }
        self.wait_for_parts(PARTS_IN_FLIGHT - 1)?;
        let part = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(PART_BYTES)));
        if let Some(parts) = &mut self.parts {
            self.in_flight.push_back(begin(parts.put_part(part.into()))?);
        }
        Ok(())
    }

    /// Waits until no more than so many are on their way.
    fn wait_for_parts(&mut self, left: usize) -> io::Result<()> {
        while self.in_flight.len() > left {
            let Some(oldest) = self.in_flight.pop_front() else { return Ok(()) };
            wait(&oldest)?.map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let fits = buffer.len().min(PART_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(buffer.get(..fits).unwrap_or(buffer));
        if self.buffer.len() == PART_BYTES {
            self.put_part()?;
        }
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    /// What was begun and not finished is taken back, where the store can be reached.
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take() {
            let _ = begin(async move { parts.abort().await });
        }
    }
}

/// An object that is read here and there.
#[derive(Debug, Clone)]
pub(super) struct Object {
    store: Arc<AmazonS3>,
    at: path::Path,
}

impl Object {
    /// Reads several places at once; what lies close together is one request.
    pub(super) fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Bytes>> {
        // An empty range cannot be asked for.
        let is_some = |(_, bytes): &&(u64, usize)| *bytes > 0;
        let ranges: Vec<_> =
            places.iter().filter(is_some).map(|(offset, bytes)| *offset..*offset + *bytes as u64).collect();
        let (store, at) = (Arc::clone(&self.store), self.at.clone());
        let read = match ranges.is_empty() {
            true => Vec::new(),
            false => {
                let read = ask(async move { store.get_ranges(&at, &ranges).await })?;
                read.map_err(|error| failed(&error))?
            }
        };
        let mut read = read.into_iter();
        let of = |(_, bytes): &(u64, usize)| match bytes {
            0 => Ok(Bytes::new()),
            bytes => match read.next().filter(|read| read.len() == *bytes) {
                Some(read) => Ok(read),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            },
        };
        places.iter().map(of).collect()
    }
}
