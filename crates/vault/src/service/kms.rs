//! A key service that speaks the interface of AWS KMS.
//!
//! For each class the service makes a key with an alias that bears the class key's name, `alias/PREFIX/authorisation/2026-11-29/class`,
//! and draws the class key under it (`GenerateDataKeyWithoutPlaintext`, bound to the name by the encryption context). What it gives back
//! is kept beside the records. `ScheduleKeyDeletion` ends it, which AWS does seven days later at the earliest: until then the key could be
//! had back, so no certificate is signed before the service says that there is no such key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::kms_wire::{KmsCredentials, Wire, WireError};
use super::{Destroyed, KeyService, ServiceError};
use crate::certificate::{Algorithm, PublicKey, Statement};
use crate::class::{ClassKeyId, Name};
use crate::secret::{Secret, Wrapped};

/// What class keys are bound to.
const CONTEXT: &str = "yagura-class-key";
/// What stands before the 65 bytes of an uncompressed point of P-256 in a public key by RFC 5480.
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The days that AWS lets a deletion wait (ScheduleKeyDeletion, PendingWindowInDays).
const PENDING_DAYS: std::ops::RangeInclusive<u8> = 7..=30;

/// Where a key service is, and what in it is ours.
#[derive(Clone, Debug)]
pub struct KmsAddress {
    /// `https://kms.ap-northeast-1.amazonaws.com`; plain HTTP on this machine only.
    pub endpoint: String,
    /// `ap-northeast-1`.
    pub region: String,
    /// What our aliases begin with: one of its own for each node.
    pub prefix: Name,
    /// Identifier, ARN or alias of a key for `SIGN_VERIFY` of `ECC_NIST_P256`, made by a person.
    pub signing_key: String,
    /// How many days a deletion waits, from 7 to 30.
    pub pending_days: u8,
    /// The authority of its certificate, where the system does not know it.
    pub roots: Option<PathBuf>,
}

/// A key service that speaks the interface of AWS KMS.
pub struct KmsService {
    wire: Wire,
    address: KmsAddress,
    name: String,
}

/// What is kept for a class key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// The ARN of its root.
    key: String,
    /// The class key under it, in base64, as the service gave it.
    blob: String,
}

/// What `DescribeKey` says of a key, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata {
    arn: String,
    #[serde(default)]
    key_state: String,
    /// Seconds of Unix time.
    #[serde(default)]
    deletion_date: Option<f64>,
}

impl KmsService {
    /// The service at an address. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`ServiceError::Unusable`] where the address cannot be used.
    pub fn new(address: KmsAddress, credentials: KmsCredentials) -> Result<Self, ServiceError> {
        if !PENDING_DAYS.contains(&address.pending_days) {
            let why = format!("pending_days: {} is not of 7 to 30", address.pending_days);
            return Err(ServiceError::Unusable(why));
        }
        let wire = Wire::new(&address.endpoint, &address.region, address.roots.as_deref(), credentials)?;
        let name = format!("kms:{}", address.region);
        Ok(Self { wire, address, name })
    }

    fn alias(&self, id: &ClassKeyId) -> String {
        format!("alias/{}/{id}", self.address.prefix)
    }

    /// What a key is, by ARN or alias; nothing where the service says that there is none.
    async fn describe(&self, key: &str) -> Result<Option<KeyMetadata>, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Described {
            key_metadata: KeyMetadata,
        }
        match self.wire.call::<Described>("DescribeKey", &json!({"KeyId": key})).await {
            Ok(described) => Ok(Some(described.key_metadata)),
            Err(WireError::Answer { code, .. }) if code == "NotFoundException" => Ok(None),
            Err(other) => Err(failed(other)),
        }
    }

    /// The ARN of a class's root, made where there is none.
    async fn root(&self, id: &ClassKeyId) -> Result<String, ServiceError> {
        let alias = self.alias(id);
        match self.describe(&alias).await? {
            Some(root) if root.key_state == "PendingDeletion" => {
                return Err(ServiceError::Pending(id.clone()));
            }
            Some(root) => return Ok(root.arn),
            None => {}
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            key_metadata: KeyMetadata,
        }
        let request = json!({
            "Description": format!("yagura class key {id}"),
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyUsage": "ENCRYPT_DECRYPT",
            "Tags": [{"TagKey": CONTEXT, "TagValue": id}],
        });
        let created: Created = self.wire.call("CreateKey", &request).await.map_err(failed)?;
        let arn = created.key_metadata.arn;
        let request = json!({"AliasName": alias, "TargetKeyId": arn});
        match self.wire.call::<IgnoredAny>("CreateAlias", &request).await {
            Ok(_) => Ok(arn),
            // Another process was first. Nothing was sealed under ours.
            Err(WireError::Answer { code, .. }) if code == "AlreadyExistsException" => {
                self.schedule(&arn).await?;
                Ok(self.describe(&alias).await?.ok_or_else(|| ServiceError::Gone(id.clone()))?.arn)
            }
            Err(other) => Err(failed(other)),
        }
    }

    async fn schedule(&self, key: &str) -> Result<(), ServiceError> {
        let request = json!({"KeyId": key, "PendingWindowInDays": self.address.pending_days});
        match self.wire.call::<IgnoredAny>("ScheduleKeyDeletion", &request).await {
            Ok(_) => Ok(()),
            Err(WireError::Answer { code, .. }) if code == "NotFoundException" => Ok(()),
            Err(other) => Err(failed(other)),
        }
    }

    /// Schedules the deletion of one key, if that was not done, and says what became of it.
    async fn destroy_key(&self, key: &str) -> Result<Destroyed, ServiceError> {
        let Some(found) = self.describe(key).await? else { return Ok(Destroyed::Gone) };
        if found.key_state == "PendingDeletion" {
            return Ok(pending(&found));
        }
        self.schedule(&found.arn).await?;
        Ok(self.describe(&found.arn).await?.as_ref().map_or(Destroyed::Gone, pending))
    }

    /// Why a class key that was asked for cannot be had, where the service knows its root.
    async fn why_not(&self, id: &ClassKeyId, root: &str) -> ServiceError {
        match self.describe(root).await {
            Ok(None) => ServiceError::Gone(id.clone()),
            Ok(Some(found)) if found.key_state == "PendingDeletion" => ServiceError::Pending(id.clone()),
            Ok(Some(found)) => {
                ServiceError::Unusable(format!("the root of `{id}` is in the state `{}`", found.key_state))
            }
            Err(cause) => cause,
        }
    }
}

#[async_trait]
impl KeyService for KmsService {
    fn name(&self) -> &str {
        &self.name
    }

    async fn create(&self, id: &ClassKeyId) -> Result<Wrapped, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Generated {
            ciphertext_blob: String,
        }
        let key = self.root(id).await?;
        let request = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": {CONTEXT: id}});
        let generated = self.wire.call("GenerateDataKeyWithoutPlaintext", &request).await;
        let Generated { ciphertext_blob: blob } = generated.map_err(failed)?;
        let kept = serde_json::to_vec(&Kept { key, blob });
        let kept = kept.map_err(|cause| ServiceError::Unusable(cause.to_string()))?;
        Wrapped::new(kept).ok_or_else(|| ServiceError::Unusable("it wraps to too much".to_owned()))
    }

    async fn unwrap_key(&self, id: &ClassKeyId, wrapped: &Wrapped) -> Result<Secret, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Decrypted {
            plaintext: String,
        }
        let Ok(kept) = serde_json::from_slice::<Kept>(wrapped.as_bytes()) else {
            // What was handed in says nothing. Whether the key is there is known all the same.
            return Err(match self.describe(&self.alias(id)).await? {
                Some(root) if root.key_state != "PendingDeletion" => ServiceError::NotOurs(id.clone()),
                Some(_) => ServiceError::Pending(id.clone()),
                None => ServiceError::Gone(id.clone()),
            });
        };
        let request = json!({
            "KeyId": kept.key,
            "CiphertextBlob": kept.blob,
            "EncryptionContext": {CONTEXT: id},
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        });
        match self.wire.call::<Decrypted>("Decrypt", &request).await {
            Ok(decrypted) => {
                let text = Zeroizing::new(decrypted.plaintext);
                let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
                let secret = bytes.ok().and_then(|bytes| Secret::copy_of(&bytes));
                secret.ok_or_else(|| ServiceError::NotOurs(id.clone()))
            }
            Err(WireError::Answer { code, .. })
                if matches!(
                    code.as_str(),
                    "InvalidCiphertextException" | "IncorrectKeyException" | "ValidationException"
                ) =>
            {
                Err(ServiceError::NotOurs(id.clone()))
            }
            Err(WireError::Answer { code, .. })
                if matches!(
                    code.as_str(),
                    "NotFoundException" | "KMSInvalidStateException" | "DisabledException"
                ) =>
            {
                Err(self.why_not(id, &kept.key).await)
            }
            Err(other) => Err(failed(other)),
        }
    }

    async fn destroy(&self, id: &ClassKeyId, wrapped: Option<&Wrapped>) -> Result<Destroyed, ServiceError> {
        // By its own name, where that is known: an alias can be pointed elsewhere, and then it would say nothing.
        let kept = wrapped.and_then(|wrapped| serde_json::from_slice::<Kept>(wrapped.as_bytes()).ok());
        let mut worst = Destroyed::Gone;
        for key in kept.map(|kept| kept.key).into_iter().chain([self.alias(id)]) {
            let became = self.destroy_key(&key).await?;
            if worst == Destroyed::Gone {
                worst = became;
            }
        }
        Ok(worst)
    }

    async fn class_keys(&self) -> Result<Vec<ClassKeyId>, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Alias {
            alias_name: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Page {
            aliases: Vec<Alias>,
            #[serde(default)]
            truncated: bool,
            next_marker: Option<String>,
        }
        let beginning = format!("alias/{}/", self.address.prefix);
        let (mut ids, mut marker) = (vec![], None::<String>);
        loop {
            let mut request = BTreeMap::from([("Limit", Value::from(100))]);
            request.extend(marker.take().map(|marker| ("Marker", Value::from(marker))));
            let page: Page = self.wire.call("ListAliases", &request).await.map_err(failed)?;
            let ours = page.aliases.iter().filter_map(|alias| alias.alias_name.strip_prefix(&beginning));
            ids.extend(ours.filter_map(|id| ClassKeyId::parse(id).ok()));
            match page.next_marker {
                Some(next) if page.truncated => marker = Some(next),
                _ => return Ok(ids),
            }
        }
    }

    async fn public_key(&self) -> Result<PublicKey, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Public {
            public_key: String,
        }
        let request = json!({"KeyId": self.address.signing_key});
        let public: Public = self.wire.call("GetPublicKey", &request).await.map_err(failed)?;
        let der = STANDARD.decode(public.public_key).unwrap_or_default();
        let point = der.strip_prefix(&P256_HEAD).ok_or_else(|| {
            ServiceError::Unusable(format!(
                "`{}` is not a signing key of `ECC_NIST_P256`",
                self.address.signing_key
            ))
        })?;
        Ok(PublicKey::new(Algorithm::EcdsaP256Der, point)?)
    }

    async fn sign(&self, statement: &Statement) -> Result<Vec<u8>, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Signed {
            signature: String,
        }
        if self.describe(&self.alias(&statement.class_key)).await?.is_some() {
            return Err(ServiceError::NotGone(statement.class_key.clone()));
        }
        let digest = Sha256::digest(statement.to_signed_bytes()?);
        let request = json!({
            "KeyId": self.address.signing_key,
            "Message": STANDARD.encode(digest),
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        });
        let signed: Signed = self.wire.call("Sign", &request).await.map_err(failed)?;
        STANDARD.decode(signed.signature).map_err(|cause| ServiceError::Unusable(cause.to_string()))
    }

    async fn health(&self) -> Result<(), ServiceError> {
        let key = &self.address.signing_key;
        match self.describe(key).await? {
            Some(found) if found.key_state == "Enabled" => Ok(()),
            Some(found) => {
                Err(ServiceError::Unusable(format!("the signing key is in the state `{}`", found.key_state)))
            }
            None => Err(ServiceError::Unusable(format!("there is no signing key `{key}`"))),
        }
    }
}

fn pending(found: &KeyMetadata) -> Destroyed {
    // Whole seconds are enough, and the cast ends at the largest number.
    let until = found.deletion_date.and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
    Destroyed::Pending { until }
}

fn failed(cause: WireError) -> ServiceError {
    match cause {
        WireError::Unreachable(why) => ServiceError::Unreachable(why),
        WireError::Answer { code, message, passing: true } => {
            ServiceError::Unreachable(format!("{code}: {message}"))
        }
        WireError::Answer { code, message, passing: false } => {
            ServiceError::Refused(format!("{code}: {message}"))
        }
    }
}
