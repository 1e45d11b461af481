use crate::{Format, Observation, TsvReader, eve, zeek};

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
    /// Tab-separated values without the header that names the columns.
    #[error("the columns are unknown: no `#fields` line came before")]
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
}

impl Reader {
    /// A reader of one format; lines of another are [`Unreadable::OtherFormat`].
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format: Some(format), tsv: TsvReader::default() }
    }

    /// A reader that judges each line by itself. The header of tab-separated values stays known over lines of other formats.
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

    /// Reads one line without its line end: an observation; `None` for an empty line or a header line.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Result<Option<Observation<'a>>, Unreadable> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        match self.format {
            Some(Format::Eve) => eve::read(line).map(Some),
            Some(Format::ZeekJson) => match eve::read(line) {
                Ok(_) => Err(Unreadable::OtherFormat),
                Err(_) => zeek::read_json(line).map(Some),
            },
            Some(Format::ZeekTsv) => self.tsv.read(line),
            None if line.trim_ascii_start().starts_with(b"{") => match eve::read(line) {
                Err(Unreadable::OtherFormat) => zeek::read_json(line).map(Some),
                read => read.map(Some),
            },
            None => self.tsv.read(line),
        }
    }
}

/// The format of the log that the sample is the beginning of, if it is one of ours: the first line that can be read decides.
#[must_use]
pub fn detect(sample: &[u8]) -> Option<Format> {
    sample.split(|byte| *byte == b'\n').take(64).find_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#separator") || line.starts_with(b"#fields") {
            return Some(Format::ZeekTsv);
        }
        match eve::read(line) {
            Ok(_) => Some(Format::Eve),
            Err(Unreadable::OtherFormat) if zeek::read_json(line).is_ok() => Some(Format::ZeekJson),
            Err(_) => None,
        }
    })
}
