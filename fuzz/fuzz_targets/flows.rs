//! Datagrams of NetFlow and IPFIX, each behind its length, from two exporters; and files of IPFIX, cut wherever.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Binary, BinaryFile, Decoded, FlowCollector, Reader, objects};

fn check(lines: &[u8], records: u64) {
    let mut reader = Reader::new(Binary::Netflow.lines());
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len() as u64, records);
    for line in lines {
        objects(&reader.read(line).unwrap().unwrap());
    }
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, Decoded) {
    let (mut file, mut lines, mut all) = (BinaryFile::new(Binary::Netflow), Vec::new(), Decoded::default());
    for piece in pieces {
        all.add(&file.take(piece, &mut lines));
    }
    all.add(&file.finish(&mut lines));
    (lines, all)
}

fuzz_target!(|input: &[u8]| {
    let exporters = ["192.0.2.1:2055".parse().unwrap(), "[2001:db8::1]:4739".parse().unwrap()];
    let (mut collector, mut lines, mut all) = (FlowCollector::default(), Vec::new(), Decoded::default());
    let mut rest = input;
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length));
        let (datagram, behind) = behind.split_at(length.min(behind.len()));
        all.add(&collector.take(exporters[length % 2], datagram, &mut lines));
        rest = behind;
    }
    check(&lines, all.records);
    let Some((size, bytes)) = input.split_first() else { return };
    let whole = read(std::iter::once(bytes));
    assert_eq!(read(bytes.chunks(usize::from(*size).max(1))), whole);
    check(&whole.0, whole.1.records);
});
