//! The node's own certificate authority: for its edges, for programs with tokens, and for what the hub itself shows.
//!
//! A root signs certificates of one level and nothing else. Its key is sealed as the credentials of others are ([`crate::vault`]). What
//! was issued is written down, and only that counts: a certificate that somebody else made with a stolen key is not in the table. While
//! one root takes another one's place both are trusted, so nothing stands still.

use std::path::Path;
use std::time::Duration;

use api::{CertificateInfo, CertificateList, NewCertificate, RootInfo};
use jiff::{SignedDuration, Timestamp};
use oversight::Action;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber, SignatureAlgorithm,
};
use rustls::pki_types::CertificateDer;
use store::certificates::{self, Certificate, Holder, Root};
use store::{Act, Reader, Store, StoreError, Tx, edges, secrets, tokens};

use crate::administration::{By, Error, after};
use crate::tls::thumbprint;
use crate::vault::Vault;

/// How long a certificate is good where nothing else is asked for, in days.
const DAYS: u32 = 397;
/// The longest, in days.
const DAYS_MAX: u32 = 825;
/// How long a root is good where nothing else is asked for, in years.
pub const ROOT_YEARS: u32 = 10;
/// The longest, in years.
const ROOT_YEARS_MAX: u32 = 20;
/// A clock on the other side may be behind ours.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);
/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;
/// Most names of a hub in one certificate.
const NAMES_MAX: usize = 16;
/// Longest request, in bytes.
const REQUEST_BYTES_MAX: usize = 16 << 10;
/// Certificates that one list holds.
const LISTED_MAX: i64 = 10_000;

/// A certificate as whoever asked for it is given it. It may hold a key and is not to be formatted.
pub struct Issued {
    /// What is kept of it.
    pub info: CertificateInfo,
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM, where it was made here; it is kept nowhere.
    pub key: Option<String>,
}

/// Makes the authority: its first root.
///
/// # Errors
/// [`StoreError::Exists`] where there is one; [`Error::Invalid`].
pub async fn init(store: &Store, data: &Path, by: By, years: u32) -> Result<RootInfo, Error> {
    add_root(store, data, by, years, true).await
}

/// Makes another root, which signs from now on. The one before it stays trusted until [`finish`].
///
/// # Errors
/// [`StoreError::NotFound`] where there is no authority; [`StoreError::Limit`] where the last change is not finished.
pub async fn rotate(store: &Store, data: &Path, by: By, years: u32) -> Result<RootInfo, Error> {
    add_root(store, data, by, years, false).await
}

/// Ends a change of roots: the older one is retired, its key destroyed, and nothing under it counts any more.
///
/// # Errors
/// [`StoreError::Abandoned`] where certificates under it are still in use, unless `force`; [`StoreError::NotFound`].
pub async fn finish(store: &Store, by: By, force: bool) -> Result<RootInfo, Error> {
    let finish = move |tx: &mut Tx<'_>| {
        let trusted = certificates::trusted_roots(tx, &by.realm)?;
        let [newest, oldest] = trusted.as_slice() else {
            let message =
                "no change of roots is under way: begin one with `yagura admin ca rotate`".to_owned();
            return Err(StoreError::Abandoned { code: "no-rotation", message });
        };
        let held = certificates::list(tx, &by.realm, LISTED_MAX)?;
        let under = held.iter().filter(|one| one.root == oldest.id && one.revoked.is_none()).count();
        if under > 0 && !force {
            let message = format!(
                "{under} certificates are still under the older root: issue new ones to their holders (`yagura admin ca list`), or end them with `--force`"
            );
            return Err(StoreError::Abandoned { code: "root-in-use", message });
        }
        certificates::retire_root(tx, &by.realm, &oldest.id)?;
        let event = by.did(Action::CertificateAuthorityChanged).on([oldest.id.as_str()]);
        let event = event.with("step", "retired").with("certificates", under.to_string());
        Ok(Act::audited(newest.clone(), &by.realm, event))
    };
    Ok(told_root(&store.write(finish).await?, true))
}

/// Issues a certificate.
///
/// # Errors
/// [`Error::Invalid`]; [`StoreError::NotFound`] for the holder, or where there is no authority.
pub async fn issue(store: &Store, data: &Path, by: By, new: &NewCertificate) -> Result<Issued, Error> {
    let vault = vault(data)?;
    let (holder, names) = holder(new)?;
    let subject = names.first().cloned().unwrap_or_default();
    let days = new.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Error::Invalid(format!("days: from 1 to {DAYS_MAX}")));
    }
    let key = key(new.request.as_deref())?;
    let (realm, name) = (by.realm.clone(), subject.clone());
    let found = store.read(move |reader| {
        known(reader, &realm, holder, &name)?;
        Ok((certificates::trusted_roots(reader, &realm)?.into_iter().next(), reader.now()))
    });
    let (root, now) = found.await?;
    let root = root.ok_or_else(no_authority)?;
    let ends = whole(after(now, SignedDuration::from_hours(24 * i64::from(days)))).min(root.ends);
    let serial = serial()?;
    let parameters = parameters(holder, &names, &serial, (now, ends)).map_err(|e| made_not(&e))?;
    let signed = sign(&vault, &root, &parameters, &key)?;
    let new = Certificate {
        serial: hex::encode(&serial),
        root: root.id,
        holder,
        subject,
        thumbprint: thumbprint(signed.der()),
        issued: now,
        ends,
        revoked: None,
        reason: None,
    };
    let written = new.clone();
    let add = move |tx: &mut Tx<'_>| {
        // It may have gone meanwhile.
        known(tx, &by.realm, holder, &written.subject)?;
        certificates::add(tx, &by.realm, &written)?;
        let event = by.did(Action::CertificateIssued).on([written.serial.as_str()]);
        let event = event
            .with("holder", holder.name())
            .with("subject", written.subject.as_str())
            .with("thumbprint", hex::encode(written.thumbprint))
            .with("ends", written.ends.to_string());
        Ok(Act::audited((), &by.realm, event))
    };
    store.write(add).await?;
    let key = match key {
        Key::Made(pair) => Some(pair.serialize_pem()),
        Key::Asked(_) => None,
    };
    Ok(Issued { info: told(&new, true), certificate: signed.pem(), key })
}

/// Revokes a certificate: the next request that shows it is refused.
///
/// # Errors
/// [`StoreError::NotFound`] where none of that number holds; [`Error::Invalid`].
pub async fn revoke(store: &Store, by: By, serial: &str, reason: &str) -> Result<CertificateInfo, Error> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Error::Invalid(format!("reason: 1 to {REASON_CHARS_MAX} characters")));
    }
    let serial = serial.to_ascii_lowercase();
    let revoke = move |tx: &mut Tx<'_>| {
        if !certificates::revoke(tx, &by.realm, &serial, &reason)? {
            return Err(StoreError::NotFound { what: serial });
        }
        let gone = certificates::get(tx, &by.realm, &serial)?
            .ok_or_else(|| StoreError::NotFound { what: serial.clone() })?;
        let event = by.did(Action::CertificateRevoked).on([serial.as_str()]);
        let event = event
            .with("holder", gone.holder.name())
            .with("subject", gone.subject.as_str())
            .with("reason", reason.as_str());
        Ok(Act::audited(gone, &by.realm, event))
    };
    Ok(told(&store.write(revoke).await?, true))
}

/// The authority: its roots, and the certificates that are not over.
///
/// # Errors
/// Those of the database.
pub async fn list(store: &Store, by: &By) -> Result<CertificateList, Error> {
    let realm = by.realm.clone();
    let found = store.read(move |reader| {
        let roots = certificates::trusted_roots(reader, &realm)?;
        Ok((roots, certificates::list(reader, &realm, LISTED_MAX)?))
    });
    let (roots, held) = found.await?;
    let is_trusted = |one: &Certificate| roots.iter().any(|root| root.id == one.root);
    Ok(CertificateList {
        certificates: held.iter().map(|one| told(one, is_trusted(one))).collect(),
        roots: roots.iter().enumerate().map(|(place, root)| told_root(root, place == 0)).collect(),
    })
}

async fn add_root(store: &Store, data: &Path, by: By, years: u32, is_first: bool) -> Result<RootInfo, Error> {
    if !(1..=ROOT_YEARS_MAX).contains(&years) {
        return Err(Error::Invalid(format!("years: from 1 to {ROOT_YEARS_MAX}")));
    }
    let vault = vault(data)?;
    let now = store.read(|reader| Ok(reader.now())).await?;
    let root = make_root(&vault, now, years)?;
    let add = move |tx: &mut Tx<'_>| {
        let is_there = !certificates::trusted_roots(tx, &by.realm)?.is_empty();
        match (is_first, is_there) {
            (true, true) => {
                let what = "a certificate authority: `yagura admin ca rotate` makes another root".to_owned();
                return Err(StoreError::Exists { what });
            }
            (false, false) => return Err(no_authority()),
            _ => {}
        }
        certificates::add_root(tx, &by.realm, &root)?;
        let event = by.did(Action::CertificateAuthorityChanged).on([root.id.as_str()]);
        let event = event.with("step", if is_first { "made" } else { "rotated" });
        let event = event.with("thumbprint", hex::encode(thumbprint(&root.certificate)));
        Ok(Act::audited(root.clone(), &by.realm, event.with("ends", root.ends.to_string())))
    };
    Ok(told_root(&store.write(add).await?, true))
}

fn make_root(vault: &Vault, now: Timestamp, years: u32) -> Result<Root, Error> {
    let (serial, key) = (serial()?, KeyPair::generate().map_err(|e| made_not(&e))?);
    let id = hex::encode(&serial);
    let ends = whole(after(now, SignedDuration::from_hours(24 * 365 * i64::from(years))));
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    // Two roots of one name could not be told apart where both are trusted.
    let number: String = id.chars().take(8).collect();
    parameters.distinguished_name.push(DnType::CommonName, format!("Yagura node CA {number}"));
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(now - BACKDATED);
    parameters.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(ends);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&key).map_err(|e| made_not(&e))?.der().to_vec();
    let sealed = vault.seal_bytes(&sealed_for(&id), &key.serialize_der()).map_err(|e| made_not(&e))?;
    Ok(Root { id, certificate, sealed: Some(sealed), created: now, ends, retired: None })
}

/// What a root's key is sealed for: it opens for no other one.
fn sealed_for(root: &str) -> String {
    format!("certificate authority {root}")
}

/// Whose key a certificate is over.
enum Key {
    /// It was made here.
    Made(KeyPair),
    /// Of whoever asks, who has proved to hold it.
    Asked(rcgen::PublicKey),
}

fn key(request: Option<&str>) -> Result<Key, Error> {
    let Some(request) = request else {
        return KeyPair::generate().map(Key::Made).map_err(|e| made_not(&e));
    };
    if request.len() > REQUEST_BYTES_MAX {
        return Err(Error::Invalid(format!("request: it is larger than {REQUEST_BYTES_MAX} bytes")));
    }
    let read = CertificateSigningRequestParams::from_pem(request).map_err(|why| {
        Error::Invalid(format!("request: no certificate signing request (PKCS #10) in PEM form: {why}"))
    })?;
    let known: [&SignatureAlgorithm; 3] =
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
    if !known.contains(&read.public_key.algorithm()) {
        return Err(Error::Invalid("request: its key is none of P-256, P-384 and Ed25519".to_owned()));
    }
    Ok(Key::Asked(read.public_key))
}

fn sign(
    vault: &Vault,
    root: &Root,
    parameters: &CertificateParams,
    key: &Key,
) -> Result<rcgen::Certificate, Error> {
    let sealed = root.sealed.as_deref().ok_or_else(no_authority)?;
    let opened = vault.open_bytes(&sealed_for(&root.id), sealed).map_err(|_| {
        Error::Invalid(
            "the authority's key was sealed under another node's key: use the data folder of this hub"
                .to_owned(),
        )
    })?;
    let signer = KeyPair::try_from(opened).map_err(|e| made_not(&e))?;
    let certificate = CertificateDer::from(root.certificate.as_slice());
    let issuer = Issuer::from_ca_cert_der(&certificate, signer).map_err(|e| made_not(&e))?;
    let signed = match key {
        Key::Made(pair) => parameters.signed_by(pair, &issuer),
        Key::Asked(public) => parameters.signed_by(public, &issuer),
    };
    signed.map_err(|e| made_not(&e))
}

/// What a certificate says: whom it is for, until when, and that it is for showing to a hub, or to whoever connects to one.
fn parameters(
    holder: Holder,
    names: &[String],
    serial: &[u8],
    (now, ends): (Timestamp, Timestamp),
) -> Result<CertificateParams, rcgen::Error> {
    let subject = names.first().map(String::as_str).unwrap_or_default();
    let hosts = if holder == Holder::Hub { names.to_vec() } else { Vec::new() };
    let mut parameters = CertificateParams::new(hosts)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::OrganizationalUnitName, holder.name());
    parameters.distinguished_name.push(DnType::CommonName, subject);
    if holder != Holder::Hub {
        let name = format!("spiffe://yagura/{}/{subject}", holder.name());
        parameters.subject_alt_names.push(SanType::URI(Ia5String::try_from(name)?));
    }
    parameters.serial_number = Some(SerialNumber::from_slice(serial));
    parameters.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(now - BACKDATED);
    parameters.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(ends);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let purpose = match holder {
        Holder::Hub => ExtendedKeyUsagePurpose::ServerAuth,
        Holder::Edge | Holder::Token => ExtendedKeyUsagePurpose::ClientAuth,
    };
    parameters.extended_key_usages = vec![purpose];
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

/// Whom a certificate is asked for; the names are at least one.
fn holder(new: &NewCertificate) -> Result<(Holder, Vec<String>), Error> {
    let wrong = |why: &str| Error::Invalid(why.to_owned());
    let subject: Vec<String> = new.subject.iter().map(|name| name.trim().to_owned()).collect();
    if subject.is_empty() || subject.iter().any(|name| name.is_empty() || name.len() > 253) {
        return Err(wrong("subject: name whom the certificate is for"));
    }
    let holder = match new.holder.as_str() {
        "edge" => Holder::Edge,
        "token" => Holder::Token,
        "hub" => Holder::Hub,
        other => {
            return Err(Error::Invalid(format!("holder: `{other}` is none of `edge`, `token` and `hub`")));
        }
    };
    let most = if holder == Holder::Hub { NAMES_MAX } else { 1 };
    if subject.len() > most {
        return Err(Error::Invalid(format!("subject: at most {most}")));
    }
    Ok((holder, subject))
}

/// What is to be given a certificate has to be there.
fn known(
    reader: &Reader<'_>,
    realm: &oversight::Realm,
    holder: Holder,
    subject: &str,
) -> Result<(), StoreError> {
    let is_there = match holder {
        Holder::Edge => edges::get(reader, realm, subject)?.is_some(),
        Holder::Token => {
            tokens::get(reader, realm, subject)?.is_some_and(|token| token.is_good(reader.now()))
        }
        Holder::Hub => true,
    };
    if is_there { Ok(()) } else { Err(StoreError::NotFound { what: subject.to_owned() }) }
}

fn vault(data: &Path) -> Result<Vault, Error> {
    Vault::in_folder(data).map_err(|error| Error::Invalid(error.to_string()))
}

fn no_authority() -> StoreError {
    let message = "there is no certificate authority yet: make it with `yagura admin ca init`".to_owned();
    StoreError::Abandoned { code: "no-authority", message }
}

fn made_not(cause: &dyn std::fmt::Display) -> Error {
    Error::Invalid(format!("no certificate could be made: {cause}"))
}

/// 126 random bits: positive, and never shorter by a leading zero (RFC 5280 §4.1.2.2).
fn serial() -> Result<Vec<u8>, StoreError> {
    let mut serial: Vec<u8> = secrets::random()?.into_iter().take(16).collect();
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(serial)
}

/// Certificates know whole seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Nothing is issued for times before 1970.
fn since_1970(time: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default())
}

fn told(one: &Certificate, root_is_trusted: bool) -> CertificateInfo {
    let state = match one.revoked {
        Some(_) => "revoked",
        None if root_is_trusted => "good",
        None => "root-retired",
    };
    CertificateInfo {
        serial: one.serial.clone(),
        root: one.root.clone(),
        holder: one.holder.name().to_owned(),
        subject: one.subject.clone(),
        thumbprint: hex::encode(one.thumbprint),
        issued: one.issued.to_string(),
        ends: one.ends.to_string(),
        state: state.to_owned(),
        reason: one.reason.clone(),
    }
}

fn told_root(root: &Root, signs: bool) -> RootInfo {
    RootInfo {
        id: root.id.clone(),
        signs,
        created: root.created.to_string(),
        ends: root.ends.to_string(),
        certificate: pem(&root.certificate),
    }
}

/// RFC 7468: 64 characters a line.
fn pem(certificate: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    let mut lines = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        lines.extend(line.iter().copied().map(char::from));
        lines.push('\n');
    }
    lines.push_str("-----END CERTIFICATE-----\n");
    lines
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use api::NewEdge;
    use oversight::Realm;

    use super::*;
    use crate::{ClientAuthority, ClientCertificates, Hub, HubConfig, administration};

    fn config(data: &Path, clients: Option<ClientCertificates>) -> HubConfig {
        let mut config = HubConfig::new(data, SocketAddr::from(([127, 0, 0, 1], 0)));
        config.tls_on_loopback = true;
        config.clients = clients;
        config
    }

    /// Whoever has the data folder can open the root's key, and still makes nothing that the hub takes: it was not issued.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_not_written_down_does_not_count() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let by = || By::node(Realm::Live);
        let folder = tempfile::tempdir().unwrap();
        let begun = Hub::start(config(folder.path(), None)).await.unwrap();
        init(begun.store(), folder.path(), by(), 10).await.unwrap();
        let edge = NewEdge {
            id: "power-1".to_owned(),
            organisation: "coordinator".to_owned(),
            name: "p".to_owned(),
        };
        administration::add_edge(begun.store(), by(), &edge).await.unwrap();
        begun.stop().await;
        let clients = ClientCertificates { authority: ClientAuthority::Own, demanded: true };
        let running = Hub::start(config(folder.path(), Some(clients))).await.unwrap();
        let new = NewCertificate {
            holder: "edge".to_owned(),
            subject: vec!["power-1".to_owned()],
            days: None,
            request: None,
        };
        let issued = issue(running.store(), folder.path(), by(), &new).await.unwrap();

        let roots = running.store().read(|reader| certificates::trusted_roots(reader, &Realm::Live));
        let root = roots.await.unwrap().remove(0);
        let (vault, pair) = (vault(folder.path()).unwrap(), KeyPair::generate().unwrap());
        let now = Timestamp::now();
        let names = ["power-1".to_owned()];
        let parameters = parameters(Holder::Edge, &names, &serial().unwrap(), (now, root.ends)).unwrap();
        let key = pair.serialize_pem();
        let forged = sign(&vault, &root, &parameters, &Key::Made(pair)).unwrap();

        let tls = std::fs::read(folder.path().join("tls.crt")).unwrap();
        let ask = async |certificate: &str, key: &str| {
            let pem = format!("{certificate}{key}");
            let client = reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([reqwest::Certificate::from_pem(&tls).unwrap()])
                .identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
                .build()
                .unwrap();
            let address = format!("https://localhost:{}/healthz", running.listen.port());
            client.get(address).send().await.is_ok_and(|reply| reply.status() == 200)
        };
        let mut is_in = false;
        for _ in 0..50 {
            is_in = ask(&issued.certificate, issued.key.as_ref().unwrap()).await;
            if is_in {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_in, "what was issued counts");
        assert!(!ask(&forged.pem(), &key).await, "what was not does not, although the root signed it");
        running.stop().await;
    }

    #[test]
    fn serial_numbers_are_positive_and_of_one_length() {
        for _ in 0..200 {
            let serial = serial().unwrap();
            assert!(serial.len() == 16 && (0x40..0x80).contains(&serial[0]), "{serial:?}");
        }
    }
}
