//! Streams of dnstap, cut by the network wherever it likes: the cuts change nothing, and every line is a DNS record. Each input is
//! tried as the frames of a sound stream, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Binary, Decoded, DnstapStream, Reader, objects};

const START: &[u8] = b"\0\0\0\0\0\0\0\x22\0\0\0\x02\0\0\0\x01\0\0\0\x16protobuf:dnstap.Dnstap";

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Decoded, Vec<u8>) {
    let (mut stream, mut lines, mut all) = (DnstapStream::default(), Vec::new(), Decoded::default());
    for piece in pieces {
        all.add(&stream.take(piece, &mut lines));
    }
    all.add(&stream.finish());
    (lines, all, stream.replies())
}

fn check(bytes: &[u8], size: usize) {
    let whole = read(std::iter::once(bytes));
    assert_eq!(read(bytes.chunks(size)), whole);
    let mut reader = Reader::new(Binary::Dnstap.lines());
    let lines: Vec<&[u8]> = whole.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len() as u64, whole.1.records);
    for line in lines {
        objects(&reader.read(line).unwrap().unwrap());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let size = usize::from(*size).max(1);
    check(bytes, size);
    let frame = [START, &u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes(), bytes].concat();
    check(&frame, size);
});
