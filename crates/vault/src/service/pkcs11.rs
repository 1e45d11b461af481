//! A key service in a token that speaks PKCS#11 (2.40): a hardware module, or SoftHSM.
//!
//! For each class the token makes an AES-256 key that never leaves it and wraps the class key with it (`CKM_AES_GCM`, bound to the class
//! key's name). What it wraps is kept beside the records; destroying the token's key makes all copies of it worthless. Certificates are
//! signed with a P-256 key that does not leave the token either (`CKM_ECDSA`).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{Destroyed, KeyService, ServiceError, blocking};
use crate::certificate::{Algorithm, PublicKey, Statement};
use crate::class::{ClassKeyId, Name};
use crate::crypt::{NONCE_BYTES, TAG_BYTES};
use crate::secret::{Secret, Wrapped};

/// What a wrapped class key begins with: the version of its form. Nonce, ciphertext and tag follow.
const WRAPPED_VERSION: u8 = 1;
/// The object identifier of P-256, `1.2.840.10045.3.1.7`, as DER (RFC 5480 §2.1.1.1).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// An uncompressed point of P-256, and the two bytes that make an OCTET STRING of it.
const POINT_BYTES: usize = 65;
const POINT_HEAD: [u8; 2] = [0x04, 0x41];

/// A key service in a token.
pub struct Pkcs11Service {
    inner: Arc<Inner>,
    name: String,
}

struct Inner {
    library: Pkcs11,
    slot: Slot,
    pin: AuthPin,
    /// What labels of ours begin with: one token may serve several nodes.
    prefix: Name,
    /// Sessions of one token share their login: one at a time logs in, works and leaves.
    turn: Mutex<()>,
}

impl Pkcs11Service {
    /// Opens the token of this label with the library at `library` (for SoftHSM on Debian `/usr/lib/softhsm/libsofthsm2.so`). All that is ours in it
    /// has a label that begins with `prefix`, one of its own for each node.
    ///
    /// # Errors
    /// [`ServiceError::Unusable`] where there is no such token or no signing key in it: [`Self::initialise`] makes one.
    pub fn open(library: &Path, token: &str, pin: &str, prefix: Name) -> Result<Self, ServiceError> {
        let service = Self::reach(library, token, pin, prefix)?;
        service.inner.with_session(|session| service.inner.signing_key(session, ObjectClass::PRIVATE_KEY))?;
        Ok(service)
    }

    /// As [`Self::open`], after making the signing key in the token. Done once for each prefix, by a person.
    ///
    /// # Errors
    /// [`ServiceError::Exists`] where there is one.
    pub fn initialise(library: &Path, token: &str, pin: &str, prefix: Name) -> Result<Self, ServiceError> {
        let service = Self::reach(library, token, pin, prefix)?;
        service.inner.with_session(|session| service.inner.make_signing_key(session))?;
        Ok(service)
    }

    fn reach(library: &Path, token: &str, pin: &str, prefix: Name) -> Result<Self, ServiceError> {
        let loaded = Pkcs11::new(library)
            .map_err(|cause| ServiceError::Unusable(format!("`{}`: {cause}", library.display())))?;
        match loaded.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another part of the program uses it already.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(cause) => return Err(failed(&cause)),
        }
        let slots = loaded.get_slots_with_initialized_token().map_err(|cause| failed(&cause))?;
        let labelled =
            |slot: &Slot| loaded.get_token_info(*slot).is_ok_and(|info| info.label().trim() == token);
        let mut slots = slots.into_iter().filter(labelled);
        let slot = slots.next().ok_or_else(|| {
            ServiceError::Unusable(format!("there is no token `{token}` in `{}`", library.display()))
        })?;
        if slots.next().is_some() {
            return Err(ServiceError::Unusable(format!(
                "there are several tokens `{token}`: give them labels of their own"
            )));
        }
        let pin = AuthPin::new(pin.into());
        let inner = Inner { library: loaded, slot, pin, prefix, turn: Mutex::new(()) };
        Ok(Self { inner: Arc::new(inner), name: format!("pkcs11:{token}") })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Session) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || inner.with_session(|session| work(&inner, session))).await
    }
}

#[async_trait]
impl KeyService for Pkcs11Service {
    fn name(&self) -> &str {
        &self.name
    }

    async fn create(&self, id: &ClassKeyId) -> Result<Wrapped, ServiceError> {
        let id = id.clone();
        self.with(move |inner, session| {
            let key = match inner.roots(session, &id)?.first() {
                Some(key) => *key,
                None => inner.make_root(session, &id)?,
            };
            let mut random = Zeroizing::new([0; NONCE_BYTES + 32]);
            session.generate_random_slice(random.as_mut_slice()).map_err(|cause| failed(&cause))?;
            let (nonce, class_key) = random.split_at(NONCE_BYTES);
            let sealed = encrypt(session, key, nonce, &id, class_key).map_err(|cause| failed(&cause))?;
            let wrapped = [[WRAPPED_VERSION].as_slice(), nonce, &sealed].concat();
            Wrapped::new(wrapped).ok_or_else(|| ServiceError::Unusable("it wraps to too much".to_owned()))
        })
        .await
    }

    async fn unwrap_key(&self, id: &ClassKeyId, wrapped: &Wrapped) -> Result<Secret, ServiceError> {
        let (id, wrapped) = (id.clone(), wrapped.clone());
        self.with(move |inner, session| {
            let roots = inner.roots(session, &id)?;
            if roots.is_empty() {
                return Err(ServiceError::Gone(id));
            }
            let parts = wrapped.as_bytes().split_first().filter(|(version, _)| **version == WRAPPED_VERSION);
            let parts = parts.and_then(|(_, rest)| rest.split_first_chunk::<NONCE_BYTES>());
            let Some((nonce, sealed)) = parts.filter(|(_, sealed)| sealed.len() == 32 + TAG_BYTES) else {
                return Err(ServiceError::NotOurs(id));
            };
            // Two processes that made the class key at once made two roots; what stands in the ledger is under one of them.
            for root in roots {
                match decrypt(session, root, nonce, &id, sealed) {
                    Ok(mut bytes) => {
                        let secret = Secret::copy_of(&bytes);
                        bytes.zeroize();
                        return secret.ok_or(ServiceError::NotOurs(id));
                    }
                    Err(Error::Pkcs11(cause, _)) if is_about_content(cause) => {}
                    Err(cause) => return Err(failed(&cause)),
                }
            }
            Err(ServiceError::NotOurs(id))
        })
        .await
    }

    async fn destroy(&self, id: &ClassKeyId, _: Option<&Wrapped>) -> Result<Destroyed, ServiceError> {
        let id = id.clone();
        self.with(move |inner, session| {
            for root in inner.roots(session, &id)? {
                session.destroy_object(root).map_err(|cause| failed(&cause))?;
            }
            // A token that answers "done" and keeps the key would have us certify what is not so.
            if inner.roots(session, &id)?.is_empty() {
                Ok(Destroyed::Gone)
            } else {
                Err(ServiceError::NotGone(id))
            }
        })
        .await
    }

    async fn class_keys(&self) -> Result<Vec<ClassKeyId>, ServiceError> {
        self.with(|inner, session| {
            let all = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true)];
            let beginning = format!("{}:", inner.prefix);
            let mut ids = std::collections::BTreeSet::new();
            for key in session.find_objects(&all).map_err(|cause| failed(&cause))? {
                let found = session.get_attributes(key, &[AttributeType::Label]);
                let Some(Attribute::Label(label)) = found.map_err(|cause| failed(&cause))?.pop() else {
                    continue;
                };
                let label = String::from_utf8_lossy(&label).into_owned();
                ids.extend(label.strip_prefix(&beginning).and_then(|id| ClassKeyId::parse(id).ok()));
            }
            Ok(ids.into_iter().collect())
        })
        .await
    }

    async fn public_key(&self) -> Result<PublicKey, ServiceError> {
        self.with(|inner, session| {
            let key = inner.signing_key(session, ObjectClass::PUBLIC_KEY)?;
            let found =
                session.get_attributes(key, &[AttributeType::EcPoint]).map_err(|cause| failed(&cause))?;
            let Some(Attribute::EcPoint(point)) = found.into_iter().next() else {
                return Err(ServiceError::Unusable("the signing key has no public point".to_owned()));
            };
            // An OCTET STRING by PKCS#11 2.40; some tokens give the point alone.
            let point = match point.strip_prefix(&POINT_HEAD) {
                Some(inside) if inside.len() == POINT_BYTES => inside,
                _ => &point,
            };
            Ok(PublicKey::new(Algorithm::EcdsaP256Raw, point)?)
        })
        .await
    }

    async fn sign(&self, statement: &Statement) -> Result<Vec<u8>, ServiceError> {
        let statement = statement.clone();
        self.with(move |inner, session| {
            if !inner.roots(session, &statement.class_key)?.is_empty() {
                return Err(ServiceError::NotGone(statement.class_key));
            }
            let key = inner.signing_key(session, ObjectClass::PRIVATE_KEY)?;
            let digest = Sha256::digest(statement.to_signed_bytes()?);
            session.sign(&Mechanism::Ecdsa, key, &digest).map_err(|cause| failed(&cause))
        })
        .await
    }

    async fn health(&self) -> Result<(), ServiceError> {
        self.with(|inner, session| inner.signing_key(session, ObjectClass::PRIVATE_KEY).map(drop)).await
    }
}

impl Inner {
    fn with_session<T>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let session = self.library.open_rw_session(self.slot).map_err(|cause| failed(&cause))?;
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => work(&session),
            Err(cause) => Err(failed(&cause)),
        }
    }

    fn label(&self, what: &str) -> Vec<u8> {
        format!("{}:{what}", self.prefix).into_bytes()
    }

    /// The token's keys of a class: one, or more where several processes made it at once.
    fn roots(&self, session: &Session, id: &ClassKeyId) -> Result<Vec<ObjectHandle>, ServiceError> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Token(true),
            Attribute::Label(self.label(&id.to_string())),
        ];
        session.find_objects(&template).map_err(|cause| failed(&cause))
    }

    fn make_root(&self, session: &Session, id: &ClassKeyId) -> Result<ObjectHandle, ServiceError> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(32_u64.into()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Label(self.label(&id.to_string())),
        ];
        session.generate_key(&Mechanism::AesKeyGen, &template).map_err(|cause| failed(&cause))
    }

    fn signing_key(&self, session: &Session, class: ObjectClass) -> Result<ObjectHandle, ServiceError> {
        let template =
            [Attribute::Class(class), Attribute::Token(true), Attribute::Label(self.label("signing"))];
        match session.find_objects(&template).map_err(|cause| failed(&cause))?.as_slice() {
            [key] => Ok(*key),
            [] => Err(ServiceError::Unusable(format!(
                "the token has no signing key `{}:signing`: initialise it, or name the right token",
                self.prefix
            ))),
            _ => Err(ServiceError::Unusable(format!(
                "the token has several signing keys `{}:signing`",
                self.prefix
            ))),
        }
    }

    fn make_signing_key(&self, session: &Session) -> Result<(), ServiceError> {
        let label = Attribute::Label(self.label("signing"));
        if !session.find_objects(std::slice::from_ref(&label)).map_err(|cause| failed(&cause))?.is_empty() {
            return Err(ServiceError::Exists(format!("{}:signing", self.prefix)));
        }
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::EcParams(P256.to_vec()),
            label.clone(),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            label,
        ];
        let made = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private);
        made.map(drop).map_err(|cause| failed(&cause))
    }
}

fn encrypt(
    session: &Session,
    key: ObjectHandle,
    nonce: &[u8],
    id: &ClassKeyId,
    content: &[u8],
) -> Result<Vec<u8>, Error> {
    let (mut nonce, bound) = (nonce.to_vec(), id.to_string());
    let params = GcmParams::new(&mut nonce, bound.as_bytes(), 128_u64.into())?;
    session.encrypt(&Mechanism::AesGcm(params), key, content)
}

fn decrypt(
    session: &Session,
    key: ObjectHandle,
    nonce: &[u8],
    id: &ClassKeyId,
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let (mut nonce, bound) = (nonce.to_vec(), id.to_string());
    let params = GcmParams::new(&mut nonce, bound.as_bytes(), 128_u64.into())?;
    session.decrypt(&Mechanism::AesGcm(params), key, sealed)
}

/// What tokens answer when a tag does not hold; SoftHSM says no more than that it failed.
fn is_about_content(cause: RvError) -> bool {
    matches!(
        cause,
        RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::GeneralError
            | RvError::FunctionFailed
    )
}

fn failed(cause: &Error) -> ServiceError {
    match cause {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            ServiceError::Refused(
                "the PIN is not the token's; some tokens lock after a few wrong ones".to_owned(),
            )
        }
        Error::Pkcs11(RvError::PinLocked, _) => {
            ServiceError::Refused("the token's PIN is locked: its security officer sets a new one".to_owned())
        }
        Error::Pkcs11(RvError::TokenNotPresent | RvError::DeviceRemoved | RvError::DeviceError, _) => {
            ServiceError::Unreachable("the token is not there".to_owned())
        }
        // The name of the answer (CKR_…), not the specification's paragraph about it.
        Error::Pkcs11(answer, function) => {
            ServiceError::Unusable(format!("the token answered {answer:?} to {function:?}"))
        }
        other => ServiceError::Unusable(format!("the token: {other}")),
    }
}
