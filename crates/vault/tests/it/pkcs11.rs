//! A token of SoftHSM's. Its library reads the environment when it is loaded, so each test runs itself again as a process of its own that has the
//! environment of a token made for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use vault::Wrapped;
use vault::service::{KeyService, Pkcs11Service, ServiceError};

use crate::support::{id, name};

const LIBRARIES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
const TOKEN: &str = "yagura test";
const PIN: &str = "623451";
/// Set in the process that is to do the test.
const INSIDE: &str = "VAULT_TEST_TOKEN";

/// The library, in a process that has a token; otherwise the test is run in such a process and its outcome taken over.
fn library(test: &str) -> Option<PathBuf> {
    let library = LIBRARIES.iter().map(PathBuf::from).find(|path| path.exists());
    let installed = Command::new("softhsm2-util").arg("--version").output().is_ok();
    let Some(library) = library.filter(|_| installed) else {
        eprintln!("SKIPPED: pkcs11::{test} needs SoftHSM; install `softhsm2`");
        return None;
    };
    if std::env::var_os(INSIDE).is_some() {
        return Some(library);
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        tokens.display()
    );
    std::fs::write(&configuration, text).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", TOKEN, "--so-pin", "77665544", "--pin", PIN])
        .env("SOFTHSM2_CONF", &configuration)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([&format!("pkcs11::{test}"), "--exact", "--nocapture"])
        .env("SOFTHSM2_CONF", &configuration)
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && output.contains("1 passed"), "{output}");
    None
}

fn initialise(library: &Path) -> Pkcs11Service {
    Pkcs11Service::initialise(library, TOKEN, PIN, name("node")).unwrap()
}

fn open(library: &Path) -> Result<Pkcs11Service, ServiceError> {
    Pkcs11Service::open(library, TOKEN, PIN, name("node"))
}

#[tokio::test]
async fn does_what_every_key_service_does() {
    let Some(library) = library("does_what_every_key_service_does") else { return };
    crate::service::check(Arc::new(initialise(&library)), || {}).await;
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_said() {
    let Some(library) = library("what_is_missing_or_wrong_is_said") else { return };
    let said = |outcome: Result<Pkcs11Service, ServiceError>| outcome.err().unwrap().to_string();
    assert!(
        said(open(&library)).contains("has no signing key `node:signing`"),
        "none appears because it was missing"
    );
    let service = initialise(&library);
    let again = Pkcs11Service::initialise(&library, TOKEN, PIN, name("node"));
    assert!(matches!(again, Err(ServiceError::Exists(_))));
    assert!(said(Pkcs11Service::open(&library, "another", PIN, name("node"))).contains("no token `another`"));
    assert!(
        said(Pkcs11Service::open(&library, TOKEN, "000000", name("node")))
            .contains("the PIN is not the token's")
    );
    assert!(
        said(Pkcs11Service::open(Path::new("/nowhere.so"), TOKEN, PIN, name("node")))
            .contains("`/nowhere.so`")
    );

    // One token, another node: neither sees the other's keys.
    let other = Pkcs11Service::initialise(&library, TOKEN, PIN, name("other")).unwrap();
    let (one, two) = (id("a/2026-11-28/short"), id("a/2026-11-29/short"));
    let wrapped = service.create(&one).await.unwrap();
    assert_eq!(other.class_keys().await.unwrap(), []);
    assert_ne!(other.public_key().await.unwrap(), service.public_key().await.unwrap());
    // What was altered, cut off or is another class key's does not open.
    let second = service.create(&two).await.unwrap();
    assert_eq!(service.unwrap_key(&one, &second).await.unwrap_err(), ServiceError::NotOurs(one.clone()));
    for change in [0, 1, 13, wrapped.as_bytes().len() - 1] {
        let mut bytes = wrapped.as_bytes().to_vec();
        bytes[change] ^= 1;
        let altered = Wrapped::new(bytes).unwrap();
        assert_eq!(service.unwrap_key(&one, &altered).await.unwrap_err(), ServiceError::NotOurs(one.clone()));
    }
    let cut = Wrapped::new(wrapped.as_bytes()[..20].to_vec()).unwrap();
    assert_eq!(service.unwrap_key(&one, &cut).await.unwrap_err(), ServiceError::NotOurs(one.clone()));
    service.unwrap_key(&one, &wrapped).await.unwrap();
}

#[tokio::test]
async fn the_token_holds_no_key_afterwards_as_its_own_tools_say() {
    let Some(library) = library("the_token_holds_no_key_afterwards_as_its_own_tools_say") else { return };
    let folder = PathBuf::from(std::env::var_os(INSIDE).unwrap()).join("tokens");
    let objects = || -> Vec<PathBuf> {
        let tokens = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let files =
            tokens.flat_map(|token| std::fs::read_dir(token).unwrap()).map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|ending| ending == "object")).collect()
    };
    let service = initialise(&library);
    let before = objects().len();
    let one = id("a/2026-11-28/short");
    let wrapped = service.create(&one).await.unwrap();
    assert_eq!(objects().len(), before + 1, "one key a class");
    service.destroy(&one, Some(&wrapped)).await.unwrap();
    assert_eq!(objects().len(), before);
    // Another process asks the same token.
    assert!(matches!(open(&library).unwrap().unwrap_key(&one, &wrapped).await, Err(ServiceError::Gone(_))));
    // A key that is made anew under the name opens nothing of what the first one wrapped.
    service.create(&one).await.unwrap();
    assert_eq!(service.unwrap_key(&one, &wrapped).await.unwrap_err(), ServiceError::NotOurs(one));
}
