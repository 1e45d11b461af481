//! Frame Streams (the protocol of `fstrm`, as its `control.h` and `libmy` document it): frames behind lengths, and between them
//! control frames. What has no reader for it in the crates is these few numbers.

/// What a control frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Accept = 1,
    Start = 2,
    Stop = 3,
    Ready = 4,
    Finish = 5,
}

/// The longest control frame, as `fstrm` has it.
const CONTROL_BYTES_MAX: usize = 512;
/// The field that names what the frames hold.
const CONTENT_TYPE: u32 = 1;
/// The longest name of a content, as `fstrm` has it.
const CONTENT_TYPE_BYTES_MAX: usize = 256;

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A control frame, its bytes on the wire, and the contents that it names.
    Control(Control, usize, Vec<&'a [u8]>),
    /// A frame, and its bytes on the wire.
    Data(&'a [u8], usize),
    /// A frame that is longer than it may be, and its bytes on the wire; it need not be there yet.
    TooLong(usize),
    /// More has to come.
    Unfinished,
    /// What no frame is.
    Broken,
}

/// Reads what stands at the beginning of `bytes`.
pub(super) fn piece(bytes: &[u8], frame_bytes_max: usize) -> Piece<'_> {
    let Some((length, rest)) = number(bytes) else { return Piece::Unfinished };
    if length == 0 {
        return control(rest);
    }
    if length > frame_bytes_max {
        return Piece::TooLong(length.saturating_add(4));
    }
    match rest.get(..length) {
        Some(frame) => Piece::Data(frame, length + 4),
        None => Piece::Unfinished,
    }
}

/// Behind the escape (a length of zero): a length, a kind, fields.
fn control(bytes: &[u8]) -> Piece<'_> {
    let Some((length, rest)) = number(bytes) else { return Piece::Unfinished };
    if !(4..=CONTROL_BYTES_MAX).contains(&length) {
        return Piece::Broken;
    }
    let Some(frame) = rest.get(..length) else { return Piece::Unfinished };
    let Some((kind, fields)) = number(frame) else { return Piece::Broken };
    let kind = match kind {
        1 => Control::Accept,
        2 => Control::Start,
        3 => Control::Stop,
        4 => Control::Ready,
        5 => Control::Finish,
        _ => return Piece::Broken,
    };
    match contents(fields) {
        Some(contents) => Piece::Control(kind, length + 8, contents),
        None => Piece::Broken,
    }
}

fn contents(mut fields: &[u8]) -> Option<Vec<&[u8]>> {
    let mut contents = Vec::new();
    while !fields.is_empty() {
        let (kind, rest) = number(fields)?;
        let (length, rest) = number(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        if kind != CONTENT_TYPE as usize || length > CONTENT_TYPE_BYTES_MAX {
            return None;
        }
        contents.push(content);
        fields = rest;
    }
    Some(contents)
}

/// Thirty-two bits in the order of the network.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*number)).ok()?, rest))
}

/// Writes a control frame.
pub(super) fn write_control(kind: Control, content: Option<&[u8]>, out: &mut Vec<u8>) {
    let field = content.map_or(0, |content| content.len() + 8);
    let numbers = [0, field + 4, kind as usize];
    let mut put = |number: usize| out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
    numbers.into_iter().for_each(&mut put);
    if let Some(content) = content {
        put(CONTENT_TYPE as usize);
        put(content.len());
        out.extend_from_slice(content);
    }
}

/// A file begins with the control frame that starts it.
pub(super) fn begins_so(start: &[u8]) -> bool {
    let beginning = (number(start), start.get(4..).and_then(number), start.get(8..).and_then(number));
    matches!(beginning, (Some((0, _)), Some((4..=CONTROL_BYTES_MAX, _)), Some((2, _))))
}
