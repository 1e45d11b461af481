//! A web server that says what a test tells it to, on loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What stands at a path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Server {
    pub(crate) address: String,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Page {
    pub(crate) fn of(body: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", headers: Vec::new(), body: body.into() }
    }

    /// With a validator: who names it is told that nothing has changed.
    pub(crate) fn tagged(body: impl Into<Vec<u8>>, tag: &str) -> Self {
        Self { headers: vec![("etag", format!("\"{tag}\""))], ..Self::of(body) }
    }

    pub(crate) fn status(status: &'static str) -> Self {
        Self { status, ..Self::of("") }
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (pages, asked) =
            (Arc::<Mutex<BTreeMap<String, Page>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (served, seen) = (Arc::clone(&pages), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A reader that goes away in the middle is the reader's affair.
                let _ = answer(&stream, &served, &seen);
            }
        });
        Self { address, pages, asked }
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// The paths that were asked for since the last time, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn answer(
    mut stream: &TcpStream,
    pages: &Mutex<BTreeMap<String, Page>>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut known = String::new();
    for line in lines {
        let line = line?;
        if let Some(tag) = line.to_ascii_lowercase().strip_prefix("if-none-match: ") {
            tag.clone_into(&mut known);
        }
        if line.is_empty() {
            break;
        }
    }
    asked.lock().unwrap().push(path.clone());
    let page = pages.lock().unwrap().get(&path).cloned().unwrap_or_else(|| Page::status("404 Not Found"));
    let is_same = page.headers.iter().any(|(name, value)| *name == "etag" && *value == known);
    let (status, body) = if is_same { ("304 Not Modified", Vec::new()) } else { (page.status, page.body) };
    let headers: String = page.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}
