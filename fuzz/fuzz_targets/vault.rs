//! Sealed records, certificates, keys and key files from a backup or a stranger. Whatever is accepted has one spelling, and nothing that was not
//! sealed opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault::{Certificate, ClassKey, ClassKeyId, PublicKey, SealedRecord, Secret};

fuzz_target!(|input: &[u8]| {
    vault::service::fuzz_parse(input);
    if let Ok(record) = SealedRecord::parse(input) {
        assert_eq!(record.to_bytes(), input);
        let secret = Secret::copy_of(&[7; 32]).expect("32 bytes");
        let key = ClassKey::new(record.class_key().clone(), &secret).expect("memory");
        // Nothing was ever sealed under this key.
        assert!(record.open(&key).is_err());
    }
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(id) = ClassKeyId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(key) = PublicKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(certificate) = Certificate::parse(text) {
        assert_eq!(certificate.to_text().expect("as it was read"), text.strip_suffix('\n').unwrap_or(text));
    }
});
