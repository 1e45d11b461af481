//! Syslog over a stream, cut by the network wherever it likes: the cuts change nothing, and every line is a message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Framed, SyslogStream};

const MESSAGE_BYTES_MAX: usize = 512;

fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Framed) {
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
    (lines, all)
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let whole = read(std::iter::once(bytes));
    assert_eq!(read(bytes.chunks(usize::from(*size).max(1))), whole);
    let (lines, framed) = whole;
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count() as u64, framed.messages);
});
