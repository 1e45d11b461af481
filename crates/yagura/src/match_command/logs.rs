//! Logs as chunks of whole lines: files and standard input, plain, gzip or zstd.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use telemetry::{BinaryFile, Decoded};

use crate::match_command::LogFormat;
use crate::output::Failure;

/// A log that is being read.
pub(crate) struct Log {
    input: Box<dyn BufRead>,
    name: String,
    bytes: Option<u64>,
    position: Arc<AtomicU64>,
    /// Holds whole lines and the beginning of the next.
    buffer: Vec<u8>,
    /// How much of `buffer` was given out.
    given: usize,
    ended: bool,
    array: Option<Array>,
    /// Takes a log that is not made of lines apart.
    binary: Option<BinaryFile>,
    decoded: Decoded,
}

/// What comes next of a log.
pub(crate) enum Piece<'a> {
    /// Whole lines.
    Lines(&'a [u8]),
    /// One record of a JSON list over many lines, made one line, and the line on which it begins.
    Record {
        /// The record.
        text: &'a [u8],
        /// From 1.
        line: u64,
        /// Where it begins, in bytes.
        offset: u64,
    },
    /// A line beyond every bound, skipped.
    TooLong {
        /// Its bytes, with its end.
        bytes: u64,
    },
}

impl Piece<'_> {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Lines(chunk) => chunk.len() as u64,
            Self::Record { text, .. } => text.len() as u64,
            Self::TooLong { bytes } => *bytes,
        }
    }
}

/// Lines are collected up to this size before they are scanned.
const CHUNK_BYTES: usize = 1 << 20;

/// How the files begin that Amazon and Microsoft deliver, white space apart; they differ in the case of the word.
const WRAPPER: &[u8] = br#"{"records":["#;

/// The most bytes of a JSON list, which has to be read whole.
const ARRAY_BYTES_MAX: u64 = 1 << 30;

impl Log {
    /// Opens a log; `-` is standard input. Compression is told by the first bytes, not by the name.
    pub(crate) fn open(path: &Path, format: LogFormat) -> Result<Self, Failure> {
        let (input, bytes, position) = readable(path)?;
        let mut log = Self {
            input: Box::new(BufReader::with_capacity(CHUNK_BYTES, input)),
            name: path.display().to_string(),
            bytes,
            position,
            buffer: Vec::new(),
            given: 0,
            ended: false,
            array: None,
            binary: None,
            decoded: Decoded::default(),
        };
        log.binary = format.binary(log.start()?).map(BinaryFile::new);
        Ok(log)
    }

    /// What came out of a log that is not made of lines, so far.
    pub(crate) fn decoded(&self) -> &Decoded {
        &self.decoded
    }

    /// What is there of the log before anything was taken.
    fn start(&mut self) -> Result<&[u8], Failure> {
        self.input.fill_buf().map_err(|error| unreadable(Path::new(&self.name), &error))
    }

    /// The size of the file on disk.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// How much of the file on disk was read.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Whether the log begins like JSON.
    pub(crate) fn begins_like_json(&mut self) -> Result<bool, Failure> {
        Ok(matches!(self.first_byte()?, Some(b'{' | b'[')))
    }

    /// Whether the log is one JSON list, bare or as the clouds deliver it: `{"Records": [ … ]}`.
    fn begins_like_list(&mut self) -> Result<bool, Failure> {
        let mut plain = self.start()?.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        Ok(match plain.next() {
            Some(b'[') => true,
            Some(b'{') => {
                let head: Vec<u8> = plain.take(WRAPPER.len() - 1).collect();
                WRAPPER.get(1..).is_some_and(|wrapper| head.eq_ignore_ascii_case(wrapper))
            }
            _ => false,
        })
    }

    fn first_byte(&mut self) -> Result<Option<u8>, Failure> {
        Ok(self.start()?.iter().copied().find(|byte| !byte.is_ascii_whitespace()))
    }

    /// The next piece, or `None` at the end.
    pub(crate) fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Failure> {
        if self.binary.is_some() {
            return self.next_decoded();
        }
        if self.array.is_none() && self.buffer.is_empty() && !self.ended && self.begins_like_list()? {
            self.array = Some(self.read_array()?);
        }
        if self.array.is_some() {
            return Ok(self.array.as_mut().and_then(Array::next));
        }
        self.buffer.drain(..self.given);
        self.given = 0;
        loop {
            if let Some(end) = last_line_end(&self.buffer) {
                self.given = end;
                return Ok(Some(Piece::Lines(self.buffer.get(..end).unwrap_or_default())));
            }
            if self.buffer.len() > telemetry::LINE_BYTES_MAX {
                let bytes = self.skip_line()?;
                return Ok(Some(Piece::TooLong { bytes }));
            }
            if self.ended {
                self.given = self.buffer.len();
                return Ok(if self.buffer.is_empty() { None } else { Some(Piece::Lines(&self.buffer)) });
            }
            self.fill()?;
        }
    }

    /// The next lines of a log that is not made of lines.
    fn next_decoded(&mut self) -> Result<Option<Piece<'_>>, Failure> {
        let Some(file) = &mut self.binary else { return Ok(None) };
        self.buffer.clear();
        while self.buffer.is_empty() && !self.ended {
            let more = self.input.fill_buf().map_err(|error| unreadable(Path::new(&self.name), &error))?;
            let length = more.len();
            let decoded =
                if length == 0 { file.finish(&mut self.buffer) } else { file.take(more, &mut self.buffer) };
            self.decoded.add(&decoded);
            self.ended = length == 0;
            self.input.consume(length);
        }
        Ok((!self.buffer.is_empty()).then_some(Piece::Lines(&self.buffer)))
    }

    /// Takes what is there: a pipe's lines are shown when they come, not when a chunk is full.
    fn fill(&mut self) -> Result<(), Failure> {
        let more = self.input.fill_buf().map_err(|error| unreadable(Path::new(&self.name), &error))?;
        self.buffer.extend_from_slice(more);
        let length = more.len();
        self.ended = length == 0;
        self.input.consume(length);
        Ok(())
    }

    fn skip_line(&mut self) -> Result<u64, Failure> {
        let begun = self.buffer.len();
        self.buffer.clear();
        let rest = self.input.skip_until(b'\n').map_err(|error| unreadable(Path::new(&self.name), &error))?;
        Ok((begun + rest) as u64)
    }

    fn read_array(&mut self) -> Result<Array, Failure> {
        let mut text = Vec::new();
        let mut input = (&mut self.input).take(ARRAY_BYTES_MAX + 1);
        input.read_to_end(&mut text).map_err(|error| unreadable(Path::new(&self.name), &error))?;
        self.ended = true;
        if text.len() as u64 > ARRAY_BYTES_MAX {
            return Err(Failure::usage(
                "log-array-too-large",
                format!(
                    "`{}` is one JSON list of more than 1 GiB; write one record a line: `jq -c '.[]'`",
                    self.name
                ),
                format!(
                    "`{}` は 1 GiB を超える JSON 配列です。`jq -c '.[]'` で一行一件にしてください",
                    self.name
                ),
            ));
        }
        Array::new(text).map_err(|message| {
            Failure::usage(
                "log-array",
                format!("`{}` begins like a JSON list and is none: {message}", self.name),
                format!("`{}` は JSON 配列のように始まりますが、読めません：{message}", self.name),
            )
        })
    }
}

fn last_line_end(buffer: &[u8]) -> Option<usize> {
    buffer.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1)
}

/// The records of a JSON list, each as one line.
struct Array {
    text: Vec<u8>,
    /// Where each record stands, and its line.
    records: std::vec::IntoIter<(std::ops::Range<usize>, u64)>,
}

/// Takes away what `{"Records": [ … ]}` has around its list; the places of the records stay.
fn unwrap(text: &mut Vec<u8>) {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return;
    }
    let open = text.iter().position(|byte| *byte == b'[');
    if let Some(before) = open.and_then(|open| text.get_mut(..open)) {
        // Line ends stay: the records' lines are counted.
        before.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    let rest = text.trim_ascii_end();
    if let Some(list) =
        rest.strip_suffix(b"}").map(<[u8]>::trim_ascii_end).filter(|list| list.ends_with(b"]"))
    {
        let length = list.len();
        text.truncate(length);
    }
}

impl Array {
    fn new(mut text: Vec<u8>) -> Result<Self, String> {
        unwrap(&mut text);
        let whole = bytes::Bytes::copy_from_slice(&text);
        let members = stix::bundle::split(&whole).map_err(|error| error.to_string())?;
        let start = whole.as_ptr() as usize;
        let (mut line, mut counted) = (1, 0);
        let mut records = Vec::with_capacity(members.len());
        for member in members {
            let from = (member.as_ptr() as usize).saturating_sub(start);
            let passed = whole.get(counted..from).unwrap_or_default();
            line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
            counted = from;
            records.push((from..from + member.len(), line));
        }
        // Line ends stand between tokens only: a JSON string holds none.
        for byte in text.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        Ok(Self { text, records: records.into_iter() })
    }

    fn next(&mut self) -> Option<Piece<'_>> {
        let (range, line) = self.records.next()?;
        let offset = range.start as u64;
        Some(Piece::Record { text: self.text.get(range).unwrap_or_default(), line, offset })
    }
}

/// What a file holds after decompression, its size on disk, and how much of that was read.
type Readable = (Box<dyn Read>, Option<u64>, Arc<AtomicU64>);

pub(crate) fn readable(path: &Path) -> Result<Readable, Failure> {
    let position = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&position);
    let (input, bytes): (Box<dyn Read>, _) = if path == Path::new("-") {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let about = file.metadata().map_err(|error| unreadable(path, &error))?;
        if about.is_dir() {
            return Err(unreadable(path, &io::Error::from(io::ErrorKind::IsADirectory)));
        }
        (Box::new(file), about.is_file().then_some(about.len()))
    };
    let mut input = BufReader::with_capacity(CHUNK_BYTES, Counted { input, count });
    let magic = input.fill_buf().map_err(|error| unreadable(path, &error))?;
    let plain: Box<dyn Read> = if magic.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(input))
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(input).map_err(|error| unreadable(path, &error))?)
    } else {
        Box::new(input)
    };
    Ok((plain, bytes, position))
}

pub(crate) fn unreadable(path: &Path, cause: &io::Error) -> Failure {
    let path = path.display();
    Failure::usage("file", format!("`{path}`: {cause}"), format!("`{path}` を読めません：{cause}"))
}

struct Counted<R> {
    input: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
