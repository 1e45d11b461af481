//! A socket in the data folder, for `yagura edge mark` and its like. Whoever owns the folder runs the edge; nothing more is asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use crate::orders::Decision;
use crate::page::orders::{Ordered, decide_now, ordered};
use crate::page::tuning::{Decided, decided};
use crate::tuning::control::{Change, Refused, make};
use crate::{EdgeError, Shared};

/// The socket's name in the data folder.
const SOCKET: &str = "edge.sock";
/// Longest request, in bytes.
const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What is asked of a running edge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", content = "with", rename_all = "kebab-case")]
pub enum Request {
    /// What was decided about indicators.
    Decided,
    /// To decide something.
    Change(Change),
    /// What was ordered of it, and how it stands.
    Orders,
    /// To decide about an order.
    Order {
        /// The command.
        command: String,
        /// What.
        what: Decision,
    },
    /// A link with which its page may be used to decide.
    Link,
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", content = "with", rename_all = "kebab-case")]
pub enum Answer {
    /// What was decided.
    Decided(Vec<Decided>),
    /// What was ordered.
    Orders(Vec<Ordered>),
    /// It is done.
    Done,
    /// The link, for one use; none where the edge has no page.
    Link(Option<String>),
    /// It was not done.
    Refused(Refused),
}

/// A socket that is open and not attended yet.
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens the socket. One that was left behind by an edge that was killed is taken away; where one answers, an edge runs.
pub(crate) fn open(data: &Path) -> Result<Door, EdgeError> {
    let path = data.join(SOCKET);
    let cannot = |cause| EdgeError::Socket { path: path.clone(), cause };
    if UnixStream::connect(&path).is_ok() {
        return Err(cannot(std::io::Error::new(
            std::io::ErrorKind::AddrInUse,
            "another edge runs over this data folder",
        )));
    }
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(cannot)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    Ok(Door { listener, path })
}

/// Answers whoever owns the folder, until the edge stops.
pub(crate) async fn attend(shared: Arc<Shared>, door: Door) {
    loop {
        let Ok((stream, _)) = door.listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if let Err(error) = answer(&shared, stream).await {
                tracing::debug!(%error, "a command went away");
            }
        });
    }
}

async fn answer(shared: &Arc<Shared>, stream: tokio::net::UnixStream) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reading.take(REQUEST_BYTES_MAX)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => {
            let shared = Arc::clone(shared);
            let done = tokio::task::spawn_blocking(move || carry_out(&shared, request)).await;
            done.unwrap_or_else(|_| Answer::Refused(Refused::new("internal", "the edge failed")))
        }
        Err(error) => Answer::Refused(Refused::new("request", error.to_string())),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    writing.write_all(&text).await
}

fn carry_out(shared: &Shared, request: Request) -> Answer {
    match request {
        Request::Decided => match decided(shared) {
            Ok(all) => Answer::Decided(all),
            Err(error) => Answer::Refused(error.into()),
        },
        Request::Change(change) => match make(shared, &change, "command") {
            Ok(()) => Answer::Done,
            Err(refused) => Answer::Refused(refused),
        },
        Request::Orders => match ordered(shared) {
            Ok(all) => Answer::Orders(all),
            Err(refused) => Answer::Refused(refused),
        },
        Request::Order { command, what } => match decide_now(shared, &command, what) {
            Ok(()) => Answer::Done,
            Err(refused) => Answer::Refused(refused),
        },
        Request::Link => Answer::Link(shared.new_link()),
    }
}

/// Asks the edge that runs over a data folder.
///
/// # Errors
/// Where none runs there, or it does not answer.
pub fn ask(data: &Path, request: &Request) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(data.join(SOCKET))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut text = String::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}
