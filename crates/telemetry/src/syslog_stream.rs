//! Syslog over a stream of bytes, taken apart into messages: by counted octets or by line ends (RFC 6587 §3.4; over TLS only the
//! former, RFC 5425 §4.3). Which of both it is, each message's first byte tells.

/// What came out of some bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Framed {
    /// Messages that were given.
    pub messages: u64,
    /// Messages that were left out because they are too long.
    pub too_long: u64,
}

/// The messages of one connection.
#[derive(Debug)]
pub struct SyslogStream {
    message_bytes_max: usize,
    pending: Vec<u8>,
    /// What is being passed over because it is too long.
    skipping: Skipping,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipping {
    Nothing,
    Octets(usize),
    Line,
}

/// How the next message is framed.
enum Frame {
    /// So many octets behind a header of so many.
    Counted {
        header: usize,
        length: usize,
    },
    Line,
    /// It cannot be told yet.
    Unknown,
}

/// Digits of the longest count that is taken for one.
const COUNT_DIGITS_MAX: usize = 9;

impl SyslogStream {
    /// A new connection.
    #[must_use]
    pub fn new(message_bytes_max: usize) -> Self {
        Self { message_bytes_max, pending: Vec::new(), skipping: Skipping::Nothing }
    }

    /// Takes what came, and writes each whole message to `lines` as one line.
    pub fn take(&mut self, bytes: &[u8], lines: &mut Vec<u8>) -> Framed {
        self.pending.extend_from_slice(bytes);
        let mut framed = Framed::default();
        let mut at = 0;
        while let Some(taken) = self.step(at, lines, &mut framed) {
            at += taken;
        }
        self.pending.drain(..at.min(self.pending.len()));
        framed
    }

    /// The connection ended: a last line without its end is a message, half a counted one is not.
    pub fn finish(&mut self, lines: &mut Vec<u8>) -> Framed {
        let mut framed = Framed::default();
        let rest = std::mem::take(&mut self.pending);
        let is_line = matches!(frame_of(&rest), Frame::Line);
        if self.skipping == Skipping::Nothing && is_line {
            add_line(&rest, lines, &mut framed);
        }
        framed
    }

    /// Goes on by some bytes, or tells that more must come.
    fn step(&mut self, at: usize, lines: &mut Vec<u8>, framed: &mut Framed) -> Option<usize> {
        let rest = self.pending.get(at..).filter(|rest| !rest.is_empty())?;
        match self.skipping {
            Skipping::Octets(left) => {
                let taken = left.min(rest.len());
                let left = left - taken;
                self.skipping = if left == 0 { Skipping::Nothing } else { Skipping::Octets(left) };
                return Some(taken);
            }
            Skipping::Line => {
                let end = memchr::memchr(b'\n', rest);
                if end.is_some() {
                    self.skipping = Skipping::Nothing;
                }
                return Some(end.map_or(rest.len(), |end| end + 1));
            }
            Skipping::Nothing => {}
        }
        match frame_of(rest) {
            Frame::Unknown => None,
            Frame::Counted { header, length } if length > self.message_bytes_max => {
                framed.too_long += 1;
                self.skipping = Skipping::Octets(length);
                Some(header)
            }
            Frame::Counted { header, length } => {
                add_line(rest.get(header..header + length)?, lines, framed);
                Some(header + length)
            }
            Frame::Line => match memchr::memchr(b'\n', rest) {
                Some(end) if end <= self.message_bytes_max => {
                    add_line(rest.get(..end)?, lines, framed);
                    Some(end + 1)
                }
                Some(end) => {
                    framed.too_long += 1;
                    Some(end + 1)
                }
                None if rest.len() > self.message_bytes_max => {
                    framed.too_long += 1;
                    self.skipping = Skipping::Line;
                    Some(rest.len())
                }
                None => None,
            },
        }
    }
}

/// A count is digits, a space and then the `<` of a message's priority; anything else is a line. A line of the old form may begin
/// with a number, too, but no message in it begins behind a space with `<`.
fn frame_of(bytes: &[u8]) -> Frame {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > COUNT_DIGITS_MAX || bytes.first() == Some(&b'0') {
        return Frame::Line;
    }
    match (bytes.get(digits), bytes.get(digits + 1)) {
        (None, _) | (Some(b' '), None) => Frame::Unknown,
        (Some(b' '), Some(b'<')) => {
            let count = bytes.get(..digits).unwrap_or_default();
            let length = count.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            Frame::Counted { header: digits + 1, length }
        }
        _ => Frame::Line,
    }
}

/// One message as one line; line ends within it part words, and zeros at its end are padding of old senders.
pub fn add_message(message: &[u8], lines: &mut Vec<u8>) -> bool {
    let message = message.trim_ascii();
    let end = message.iter().rposition(|byte| !matches!(byte, 0 | b'\n' | b'\r')).map_or(0, |last| last + 1);
    let message = message.get(..end).unwrap_or_default();
    if message.is_empty() {
        return false;
    }
    lines.extend(message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    lines.push(b'\n');
    true
}

fn add_line(message: &[u8], lines: &mut Vec<u8>, framed: &mut Framed) {
    framed.messages += u64::from(add_message(message, lines));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Framed, SyslogStream};

    const MESSAGE_BYTES_MAX: usize = 40;

    /// Everything that comes of the chunks.
    fn read(chunks: &[&[u8]]) -> (String, Framed) {
        let (mut stream, mut lines, mut all) =
            (SyslogStream::new(MESSAGE_BYTES_MAX), Vec::new(), Framed::default());
        let mut add = |framed: Framed| {
            all.messages += framed.messages;
            all.too_long += framed.too_long;
        };
        for chunk in chunks {
            add(stream.take(chunk, &mut lines));
        }
        add(stream.finish(&mut lines));
        (String::from_utf8_lossy(&lines).into_owned(), all)
    }

    fn check(text: &str, expected: &[&str], too_long: u64) {
        let (lines, framed) = read(&[text.as_bytes()]);
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected, "{text:?}");
        assert_eq!(framed, Framed { messages: expected.len() as u64, too_long }, "{text:?}");
    }

    #[test]
    fn counted_messages_and_lines_are_told_apart() {
        check("9 <13>hello10 <14>world!\n", &["<13>hello", "<14>world!"], 0);
        check("<13>one\n<14>two\r\n\n<15>three\0\n", &["<13>one", "<14>two", "<15>three"], 0);
        check("9 <13>hello\n<14>two\n7 <15>six", &["<13>hello", "<14>two", "<15>six"], 0);
        check("11 <13>a\nb\nc d", &["<13>a b c d"], 0);
        check("2026-01-15T00:00:00Z host app: x\n", &["2026-01-15T00:00:00Z host app: x"], 0);
        check("<13>no end", &["<13>no end"], 0);
    }

    #[test]
    fn torn_and_giant_messages_harm_no_other() {
        check("20 <13>cut", &[], 0);
        check(&format!("100 <13>{}9 <13>hello", "x".repeat(96)), &["<13>hello"], 1);
        check(&format!("<13>{}\n<14>ok\n", "x".repeat(96)), &["<14>ok"], 1);
        check("99999999999 <13>\n<14>ok\n", &["99999999999 <13>", "<14>ok"], 0);
    }

    proptest! {
        /// However the network cuts them, the same messages come out.
        #[test]
        fn cuts_do_not_matter(
            messages in prop::collection::vec(("<[0-9]{1,3}>[a-z0-9 <>]{0,50}", any::<bool>()), 0..12),
            cuts in prop::collection::vec(0_usize..400, 0..12),
        ) {
            let sent: String = messages
                .iter()
                .map(|(text, counted)| if *counted { format!("{} {text}", text.len()) } else { format!("{text}\n") })
                .collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(sent.len())).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([sent.len()]) {
                chunks.push(&sent.as_bytes()[from..cut]);
                from = cut;
            }
            let (lines, framed) = read(&chunks);
            let kept: Vec<&str> =
                messages.iter().map(|(text, _)| text.trim()).filter(|_| true).collect();
            let expected: String = messages
                .iter()
                .filter(|(text, _)| text.len() <= MESSAGE_BYTES_MAX)
                .map(|(text, _)| format!("{}\n", text.trim()))
                .collect();
            prop_assert_eq!(lines, expected);
            prop_assert_eq!(framed.messages + framed.too_long, kept.len() as u64);
        }

        /// Whatever comes, nothing is kept beyond one message, and a well-framed message after a line end is found.
        #[test]
        fn anything_is_bounded(noise in prop::collection::vec(any::<u8>(), 0..400)) {
            let (mut stream, mut lines) = (SyslogStream::new(MESSAGE_BYTES_MAX), Vec::new());
            for chunk in noise.chunks(7) {
                stream.take(chunk, &mut lines);
                prop_assert!(stream.pending.len() <= MESSAGE_BYTES_MAX + 2 * super::COUNT_DIGITS_MAX);
            }
        }
    }
}
