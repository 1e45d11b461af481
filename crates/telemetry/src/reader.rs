use std::sync::Arc;

use crate::access::{self, W3cReader};
use crate::cloud::VpcReader;
use crate::csv_file::{Columns, CsvReader};
use crate::{Format, Observation, TsvReader, dns, eve, json, sniff, syslog};

/// Why a line gives no observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Unreadable {
    /// The line ends before its record does: the writer was stopped, or the reader came too early.
    #[error("the line is cut off")]
    CutOff,
    /// The line is no JSON.
    #[error("the line is not JSON")]
    NotJson,
    /// The line is no UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// The line is a record of another format.
    #[error("the line is not a record of this format")]
    OtherFormat,
    /// Columns without the header that names them, or text that is none of the formats which need no header.
    #[error("the line is of no known format, or its columns are unknown: no `#fields` line came before")]
    NoHeader,
    /// More bytes or columns than any record has.
    #[error("the line is too long")]
    TooLong,
    /// JSON nested deeper than any record is.
    #[error("the line is nested too deeply")]
    TooDeep,
}

impl Unreadable {
    /// A stable code: `line-cut-off`, `line-not-json`, `line-not-utf8`, `line-other-format`, `line-no-header`,
    /// `line-too-long`, `line-too-deep`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::CutOff => "line-cut-off",
            Self::NotJson => "line-not-json",
            Self::NotUtf8 => "line-not-utf8",
            Self::OtherFormat => "line-other-format",
            Self::NoHeader => "line-no-header",
            Self::TooLong => "line-too-long",
            Self::TooDeep => "line-too-deep",
        }
    }
}

/// Reads the lines of one log, in a format that is given or found out line by line.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// `None`: each line is judged by itself, so a log that changes its format is read on.
    format: Option<Format>,
    tsv: TsvReader,
    w3c: W3cReader,
    vpc: VpcReader,
    csv: CsvReader,
}

impl Reader {
    /// A reader of one format; lines of another are [`Unreadable::OtherFormat`]. Columns of [`Format::Csv`] mean what their names
    /// commonly do; [`Reader::csv`] takes a mapping.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format: Some(format), ..Self::default() }
    }

    /// A reader of separated values whose columns mean what the mapping says.
    #[must_use]
    pub fn csv(columns: Arc<Columns>) -> Self {
        Self { csv: CsvReader::new(columns), ..Self::new(Format::Csv) }
    }

    /// A reader that judges each line by itself. The header of columns stays known over lines of other formats.
    /// [`Format::Csv`] is not found out: its lines bear no sign.
    #[must_use]
    pub fn auto() -> Self {
        Self::default()
    }

    /// The format that was given, if one was.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The state of tab-separated values.
    #[must_use]
    pub fn tsv(&self) -> &TsvReader {
        &self.tsv
    }

    /// The line without a `#` that named the columns, where the format has one: a reader that is to go on in the middle of the
    /// log has to be given it first.
    #[must_use]
    pub fn columns_line(&self) -> Option<&str> {
        self.csv.header().or_else(|| self.vpc.header())
    }

    /// Reads one line without its line end: an observation; `None` for an empty line or a header line.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<Option<Observation<'a>>, Unreadable> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let start = line.trim_ascii();
        if start.is_empty() {
            return Ok(None);
        }
        let json = start.starts_with(b"{");
        match self.format {
            Some(Format::Eve) => eve::read(line).map(Some),
            Some(Format::ZeekTsv) => self.tsv.read(line),
            Some(Format::Syslog) => syslog::read(json::text(line)?).map(Some),
            Some(Format::Dns) => read_dns(json::text(line)?).map(Some),
            Some(Format::Access) => self.read_access(json::text(line)?),
            Some(Format::Csv) => self.csv.read(json::text(line)?),
            Some(Format::Aws) if !json => self.vpc.read(json::text(line)?),
            Some(format) => sniff::read_as(format, line).map(Some),
            None if json => sniff::read(line).map(|(_, observation)| Some(observation)),
            None => self.read_text(line),
        }
    }

    /// A line that is no JSON. Tab-separated values go first: they are the fastest told.
    fn read_text<'a>(&mut self, line: &'a [u8]) -> Result<Option<Observation<'a>>, Unreadable> {
        let refused = match self.tsv.read(line) {
            Ok(None) if line.starts_with(b"#Fields:") => {
                self.w3c.read_header(json::text(line)?);
                return Ok(None);
            }
            Err(why @ (Unreadable::OtherFormat | Unreadable::NoHeader | Unreadable::CutOff)) => why,
            read => return read,
        };
        let text = json::text(line)?;
        if let Some((_, observation)) = read_line(text) {
            return Ok(Some(observation));
        }
        if let Ok(read) = self.vpc.read(text) {
            return Ok(read);
        }
        match self.w3c.read(text) {
            Ok(observation) => Ok(Some(observation)),
            Err(why) if self.w3c.knows_its_columns() && self.tsv.width() == 0 => Err(why),
            Err(_) => Err(refused),
        }
    }

    fn read_access<'a>(&mut self, text: &'a str) -> Result<Option<Observation<'a>>, Unreadable> {
        if text.starts_with('#') {
            return if self.w3c.read_header(text) { Ok(None) } else { Err(Unreadable::OtherFormat) };
        }
        match access::read(text) {
            Err(Unreadable::OtherFormat) if self.w3c.knows_its_columns() => self.w3c.read(text).map(Some),
            Err(Unreadable::OtherFormat) => match syslog::read(text) {
                Ok(observation) if observation.kind == "http" => Ok(Some(observation)),
                _ => Err(Unreadable::OtherFormat),
            },
            read => read.map(Some),
        }
    }
}

/// A query log, perhaps behind the header of a syslog daemon, which then says when.
fn read_dns(text: &str) -> Result<Observation<'_>, Unreadable> {
    match syslog::read(text) {
        Ok(observation) if observation.kind == "dns" => Ok(observation),
        _ => dns::read(text),
    }
}

/// A line of one of the formats whose lines can be told by themselves.
fn read_line(text: &str) -> Option<(Format, Observation<'_>)> {
    let syslog = || syslog::read(text).map(|observation| (Format::Syslog, observation));
    let access = || access::read(text).map(|observation| (Format::Access, observation));
    let dns = || dns::read(text).map(|observation| (Format::Dns, observation));
    syslog().or_else(|_| access()).or_else(|_| dns()).ok()
}

/// The format of the log that the sample is the beginning of, if it is one of ours: the first line that can be read decides.
#[must_use]
pub fn detect(sample: &[u8]) -> Option<Format> {
    sample.split(|byte| *byte == b'\n').take(64).find_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#separator") || line.starts_with(b"#fields") {
            return Some(Format::ZeekTsv);
        }
        if line.starts_with(b"#Fields:") {
            return Some(Format::Access);
        }
        if line.trim_ascii_start().starts_with(b"{") {
            return sniff::read(line).ok().map(|(format, _)| format);
        }
        let text = json::text(line).ok()?;
        let of_line = read_line(text).map(|(format, _)| format);
        of_line.or_else(|| VpcReader::default().read(text).is_ok().then_some(Format::Aws))
    })
}
