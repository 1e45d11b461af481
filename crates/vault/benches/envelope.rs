//! How many records one core seals and opens, in processor time, beside raw AES-256-GCM of the same bytes with one key.
//!
//! `cargo bench -p vault --bench envelope`. Pin it to a core (`taskset -c 1`) for steady figures.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measures and stops at what it did not expect"
)]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use jiff::{SignedDuration, Timestamp};
use vault::service::{FileService, FolderLedger, KdfParameters, SystemRandom};
use vault::{
    CacheLimits, ClassKey, ClassKeyId, Fill, Keyring, Name, NewRecord, Parts, Pseudonyms, RecordId,
    RetentionClass, RetentionClasses, SealedRecord, Secret,
};

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLASS_KEY: &str = "authorisation--0197f3c2-5b2e-7cc0-8000-000000000001/2026-11-29/long";
const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

fn main() {
    let id = ClassKeyId::parse(CLASS_KEY).unwrap();
    let key = ClassKey::new(id.clone(), &Secret::draw(&SystemRandom).unwrap()).unwrap();
    for bytes in [200, 1_000, 10_000] {
        let records = 200_000_000 / (bytes + 1_000);
        let content = vec![7; bytes];
        let (raw_seal, raw_open) = raw(&content, records);
        let ids: Vec<_> =
            (0..records).map(|number| RecordId::new(format!("record-{number}")).unwrap()).collect();
        let mut sealed = Vec::with_capacity(records);
        let seal = fastest(|| {
            sealed.clear();
            for id in &ids {
                sealed.push(SealedRecord::seal(&key, id.clone(), &content, &SystemRandom).unwrap());
            }
        });
        let stored: Vec<_> = sealed.iter().map(|record| record.to_bytes().to_vec()).collect();
        let open = fastest(|| {
            for bytes in &stored {
                let record = SealedRecord::parse(bytes.as_slice()).unwrap();
                assert_eq!(black_box(record.open(&key).unwrap()).len(), content.len());
            }
        });
        println!("{records} records of {bytes} B, {} B sealed", stored.first().unwrap().len());
        report("  raw AES-256-GCM, one key: seal", raw_seal, records, bytes, None);
        report("  raw AES-256-GCM, one key: open", raw_open, records, bytes, None);
        report("  sealed record: seal", seal, records, bytes, Some(raw_seal));
        report("  sealed record: read and open", open, records, bytes, Some(raw_open));
    }
    let pseudonyms = Pseudonyms::new(&key);
    let values: Vec<_> = (0..500_000_u32).map(u32::to_be_bytes).collect();
    let took = fastest(|| {
        for value in &values {
            black_box(pseudonyms.of("ipv4-addr", value));
        }
    });
    println!("pseudonyms: {:.2} M/s", values.len() as f64 / took.as_secs_f64() / 1e6);
    through_a_keyring(&id);
}

/// Raw seal and open with a key made once and nonces that count up: what no record with a key of its own can go below.
fn raw(content: &[u8], records: usize) -> (Duration, Duration) {
    let mut secret = [0; 32];
    SystemRandom.fill(&mut secret).unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &secret).unwrap());
    let nonce = |number: usize| {
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        Nonce::assume_unique_for_key(nonce)
    };
    let mut sealed = Vec::with_capacity(records);
    let seal = fastest(|| {
        sealed.clear();
        for number in 0..records {
            // Room for the tag at once, or the limit would copy twice.
            let mut bytes = Vec::with_capacity(content.len() + 16);
            bytes.extend_from_slice(content);
            key.seal_in_place_append_tag(nonce(number), Aad::from(CLASS_KEY), &mut bytes).unwrap();
            sealed.push(bytes);
        }
    });
    let open = fastest(|| {
        for (number, bytes) in sealed.iter().enumerate() {
            let mut bytes = bytes.clone();
            black_box(key.open_in_place(nonce(number), Aad::from(CLASS_KEY), &mut bytes).unwrap());
        }
    });
    (seal, open)
}

/// The same through a keyring with a key file, its class key in memory.
fn through_a_keyring(id: &ClassKeyId) {
    let folder = tempfile::tempdir().unwrap();
    let begun = on_the_processor();
    let service = file_service(&folder.path().join("keys"));
    println!(
        "key file made, argon2id of RFC 9106's second choice: {:.0} ms",
        (on_the_processor() - begun).as_secs_f64() * 1e3
    );
    let ledger =
        FolderLedger::open(&folder.path().join("ledger"), Arc::new(|_| Ok(Default::default()))).unwrap();
    let class = RetentionClass::new(Name::new("long").unwrap(), 730, "a law").unwrap();
    let keyring = Keyring::new(Parts {
        service: Arc::new(service),
        ledger: Arc::new(ledger),
        fill: Arc::new(SystemRandom),
        classes: RetentionClasses::new([class]).unwrap(),
        cache: CacheLimits { keys_max: 64, held_for: SignedDuration::from_mins(10) },
        bucket_counts: false,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let content = vec![7; 200];
    let record = |number: usize| NewRecord {
        id: RecordId::new(format!("record-{number}")).unwrap(),
        class_key: id.clone(),
        content: &content,
    };
    runtime.block_on(keyring.seal(record(0), NOW)).unwrap();
    let records = 100_000;
    let took = fastest(|| {
        runtime.block_on(async {
            for number in 0..records {
                black_box(keyring.seal(record(number), NOW).await.unwrap());
            }
        });
    });
    report("keyring, class key in memory: seal of 200 B", took, records, 200, None);
}

fn file_service(path: &Path) -> FileService {
    let parameters = KdfParameters::default();
    FileService::create(path, "a passphrase for a benchmark", parameters, Arc::new(SystemRandom)).unwrap()
}

fn report(what: &str, took: Duration, records: usize, bytes: usize, limit: Option<Duration>) {
    let rate = records as f64 / took.as_secs_f64();
    let beside = limit.map(|limit| format!(", {:.2} of raw", limit.as_secs_f64() / took.as_secs_f64()));
    println!(
        "{what}: {:.3} M/s, {:.0} MB/s{}",
        rate / 1e6,
        rate * bytes as f64 / 1e6,
        beside.unwrap_or_default()
    );
}

/// The least processor time of five runs, so that other work on the machine disturbs it less.
fn fastest(mut work: impl FnMut()) -> Duration {
    let timed = |_| {
        let begun = on_the_processor();
        work();
        on_the_processor() - begun
    };
    (0..5).map(timed).min().unwrap_or_default()
}

/// How long this thread has run.
fn on_the_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}
