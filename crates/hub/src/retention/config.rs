//! Which classes there are and which key service holds their roots, as the configuration says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use vault::service::{
    FileService, KdfParameters, KeyService, KmsAddress, KmsCredentials, KmsService, Pkcs11Service,
    ServiceError, SystemRandom,
};
use vault::{ClassError, DAYS_MAX, Name, RetentionClass, RetentionClasses};
use zeroize::Zeroizing;

use super::{failed, lies_in, wrong};
use crate::HubError;

/// The class of evidence that no class ends: its keys are at the key service all the same, so that to destroy an item reaches every backup.
const UNTIL_DESTROYED: &str = "until-destroyed";

/// What is kept for how long, and with which keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// The folder with what the key service wrapped, decisions and certificates; not in the data folder. Several hubs on one database
    /// share it.
    pub folder: PathBuf,
    /// The classes: all that the frame names.
    pub classes: RetentionClasses,
    /// What holds the roots.
    pub service: KeyServiceConfig,
}

/// A key service. Secrets stand in files of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeyServiceConfig {
    /// One file under a passphrase.
    File {
        /// The key file; not in the data folder.
        file: PathBuf,
        /// The file that holds the passphrase.
        passphrase_file: PathBuf,
    },
    /// A token that speaks PKCS#11.
    Pkcs11 {
        /// The module's library.
        library: PathBuf,
        /// The token's label.
        token: String,
        /// The file that holds the PIN.
        pin_file: PathBuf,
        /// What labels of this node begin with.
        prefix: Name,
    },
    /// A service that speaks the interface of AWS KMS.
    Kms {
        /// Its address.
        endpoint: String,
        /// Its region.
        region: String,
        /// What aliases of this node begin with.
        prefix: Name,
        /// Identifier, ARN or alias of the signing key.
        signing_key: String,
        /// How many days a deletion waits, from 7 to 30.
        pending_days: u8,
        /// The authority of its certificate (PEM), where the system does not know it.
        certificate: Option<PathBuf>,
        /// A file in TOML: `access_key_id`, `secret_access_key`, perhaps `session_token`.
        credentials_file: PathBuf,
    },
}

impl RetentionConfig {
    /// Whoever has a backup of the data folder must not have the keys with it.
    pub(super) fn check_places(&self, data: &Path) -> Result<(), HubError> {
        let file = match &self.service {
            KeyServiceConfig::File { file, .. } => Some(("retention.service.file", file)),
            _ => None,
        };
        for (name, path) in file.into_iter().chain([("retention.folder", &self.folder)]) {
            if lies_in(path, data) {
                let why = format!(
                    "{name}: `{}` lies in the data folder, whose backups would hold it; put it elsewhere",
                    path.display()
                );
                return Err(wrong(why));
            }
        }
        Ok(())
    }
}

/// The name of the class of evidence that is kept until somebody destroys it.
///
/// # Errors
/// None for this name.
pub(crate) fn until_destroyed() -> Result<Name, ClassError> {
    Name::new(UNTIL_DESTROYED)
}

/// The configured classes, and the one of what is kept until somebody destroys it. No class is without end: this one has the longest there is.
///
/// # Errors
/// `retention` where somebody configured a class of that name.
pub(super) fn with_own(classes: &RetentionClasses) -> Result<RetentionClasses, HubError> {
    let own = until_destroyed().and_then(|name| {
        RetentionClass::new(name, DAYS_MAX, "evidence without `evidence.class`: destroyed by a person")
    });
    let own = own.map_err(failed)?;
    RetentionClasses::new(classes.iter().cloned().chain([own])).map_err(failed)
}

/// The service that is there.
pub(super) async fn open(config: &KeyServiceConfig) -> Result<Arc<dyn KeyService>, HubError> {
    get(config, false).await
}

/// A new one.
pub(super) async fn make(config: &KeyServiceConfig) -> Result<Arc<dyn KeyService>, HubError> {
    get(config, true).await
}

/// On a thread that may wait for a disk, a token and the stretching of a passphrase.
async fn get(config: &KeyServiceConfig, is_new: bool) -> Result<Arc<dyn KeyService>, HubError> {
    let config = config.clone();
    let got = tokio::task::spawn_blocking(move || service(&config, is_new)).await;
    got.map_err(failed)?
}

fn service(config: &KeyServiceConfig, is_new: bool) -> Result<Arc<dyn KeyService>, HubError> {
    fn held<S: KeyService + 'static>(made: Result<S, ServiceError>) -> Result<Arc<dyn KeyService>, HubError> {
        made.map(|service| Arc::new(service) as Arc<dyn KeyService>).map_err(failed)
    }
    match config {
        KeyServiceConfig::File { file, passphrase_file } => {
            let (passphrase, random) = (secret(passphrase_file)?, Arc::new(SystemRandom));
            held(if is_new {
                FileService::create(file, &passphrase, KdfParameters::default(), random)
            } else {
                FileService::open(file, &passphrase, random)
            })
        }
        KeyServiceConfig::Pkcs11 { library, token, pin_file, prefix } => {
            let (pin, prefix) = (secret(pin_file)?, prefix.clone());
            held(if is_new {
                Pkcs11Service::initialise(library, token, &pin, prefix)
            } else {
                Pkcs11Service::open(library, token, &pin, prefix)
            })
        }
        // Its signing key is made by a person, with the provider's own means.
        KeyServiceConfig::Kms {
            endpoint, region, prefix, signing_key, pending_days, certificate, ..
        } => {
            let address = KmsAddress {
                endpoint: endpoint.clone(),
                region: region.clone(),
                prefix: prefix.clone(),
                signing_key: signing_key.clone(),
                pending_days: *pending_days,
                roots: certificate.clone(),
            };
            held(KmsService::new(address, credentials(config)?))
        }
    }
}

fn credentials(config: &KeyServiceConfig) -> Result<KmsCredentials, HubError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
    }
    let KeyServiceConfig::Kms { credentials_file, .. } = config else {
        return Err(wrong("retention.service: only a KMS has credentials"));
    };
    // The parser's own message would quote the line.
    let written: Written = toml::from_str(&secret(credentials_file)?).map_err(|_| {
        wrong(format!(
            "`{}` does not hold `access_key_id` and `secret_access_key`",
            credentials_file.display()
        ))
    })?;
    let Written { access_key_id, secret_access_key, session_token } = written;
    Ok(KmsCredentials { access_key_id, secret_access_key, session_token })
}

/// The content of a file without the line feed at its end.
fn secret(path: &Path) -> Result<Zeroizing<String>, HubError> {
    let text = std::fs::read_to_string(path).map_err(|error| HubError::file(path, &error))?;
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}
