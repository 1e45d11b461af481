//! Lines of logs that are JSON: OCSF, the Elastic Common Schema, Windows events, clouds; and what they are as STIX objects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::{Format, Reader, detect, objects, values_stand_alone};

const FORMATS: [Format; 6] =
    [Format::Ocsf, Format::Ecs, Format::Windows, Format::Aws, Format::Azure, Format::Gcp];

fuzz_target!(|input: &[u8]| {
    let _ = detect(input);
    for mut reader in FORMATS.into_iter().map(Reader::new).chain([Reader::auto()]) {
        for line in input.split(|byte| *byte == b'\n') {
            let _ = values_stand_alone(line);
            if let Ok(Some(record)) = reader.read(line) {
                let _ = objects(&record);
            }
        }
    }
});
