//! Files of Windows event logs, cut wherever: the cuts change nothing, and every line is a Windows event. Without a chunk's magic
//! nothing in it is read, so each input is tried as a chunk of a sound file, too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Binary, BinaryFile, Decoded, EVENT_LOG_CHUNK_BYTES, Reader};

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Decoded) {
    let (mut file, mut lines, mut all) = (BinaryFile::new(Binary::Evtx), Vec::new(), Decoded::default());
    for piece in pieces {
        all.add(&file.take(piece, &mut lines));
    }
    all.add(&file.finish(&mut lines));
    (lines, all)
}

fn check(bytes: &[u8], size: usize) {
    let whole = read(std::iter::once(bytes));
    assert_eq!(read(bytes.chunks(size)), whole);
    let (lines, decoded) = whole;
    let mut reader = Reader::new(Binary::Evtx.lines());
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len() as u64, decoded.records);
    for line in lines {
        let _ = reader.read(line).map(|record| record.map(|record| telemetry::objects(&record)));
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let size = usize::from(*size) * 257 + 1;
    check(bytes, size);
    let mut header = vec![0; 4096];
    header[..8].copy_from_slice(b"ElfFile\0");
    header[32..42].copy_from_slice(&[128, 0, 0, 0, 1, 0, 3, 0, 0, 16]);
    let mut chunk = bytes.get(..EVENT_LOG_CHUNK_BYTES).unwrap_or(bytes).to_vec();
    chunk.resize(EVENT_LOG_CHUNK_BYTES, 0);
    chunk[..8].copy_from_slice(b"ElfChnk\0");
    check(&[header, chunk].concat(), size);
});
