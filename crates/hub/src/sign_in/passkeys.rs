//! Passkeys (WebAuthn Level 3): registered as discoverable credentials, so that a person signs in without typing a name.

use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, CredentialID, DiscoverableAuthentication, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

/// Namespace of the user handles that are derived from account ids. Fixed for ever: passkeys hold them.
const USER_HANDLES: Uuid = Uuid::from_u128(0x9d3c_1d57_6f0c_4a0e_8a3e_5b7f_2c41_90b6);

/// The ceremonies of one origin.
#[derive(Debug)]
pub(crate) struct Passkeys(Webauthn);

impl Passkeys {
    /// For a hub that people open under `address`; nothing where that is no domain name, which WebAuthn demands
    /// (`localhost` is one, `127.0.0.1` is none).
    pub(crate) fn new(address: &Url, name: &str) -> Option<Self> {
        let domain = address.domain()?;
        WebauthnBuilder::new(domain, address).ok()?.rp_name(name).build().ok().map(Self)
    }

    /// Begins a registration: what the browser's `navigator.credentials.create` takes as JSON, and what to keep.
    pub(crate) fn start_registration(
        &self,
        account: &str,
        login: &str,
        name: &str,
        known: Vec<CredentialID>,
    ) -> Result<(Value, PasskeyRegistration), WebauthnError> {
        let (options, state) =
            self.0.start_passkey_registration(user_handle(account), login, name, Some(known))?;
        let mut options = serde_json::to_value(options.public_key).unwrap_or_default();
        // The key must remember whose it is: sign-in does not ask for a name.
        if let Some(selection) = options.get_mut("authenticatorSelection").and_then(Value::as_object_mut) {
            selection.insert("residentKey".to_owned(), "required".into());
            selection.insert("requireResidentKey".to_owned(), true.into());
        }
        Ok((options, state))
    }

    /// Ends a registration.
    pub(crate) fn finish_registration(
        &self,
        credential: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<Passkey, WebauthnError> {
        self.0.finish_passkey_registration(credential, state)
    }

    /// Begins a sign-in: what `navigator.credentials.get` takes as JSON, and what to keep.
    pub(crate) fn start_sign_in(&self) -> Result<(Value, DiscoverableAuthentication), WebauthnError> {
        let (options, state) = self.0.start_discoverable_authentication()?;
        Ok((serde_json::to_value(options.public_key).unwrap_or_default(), state))
    }

    /// Which credential an answer claims to be of.
    pub(crate) fn claimed(&self, credential: &PublicKeyCredential) -> Option<Vec<u8>> {
        self.0.identify_discoverable_authentication(credential).ok().map(|(_, id)| id.to_vec())
    }

    /// Ends a sign-in of the account that the credential was registered for. `None` where the answer names another account.
    pub(crate) fn finish_sign_in(
        &self,
        credential: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        (account, passkey): (&str, &Passkey),
    ) -> Option<AuthenticationResult> {
        let (handle, _) = self.0.identify_discoverable_authentication(credential).ok()?;
        if handle != user_handle(account) {
            return None;
        }
        self.0.finish_discoverable_authentication_v2(credential, state, passkey).ok()
    }
}

/// The user handle of an account: no personal data in it (WebAuthn §14.6.1).
fn user_handle(account: &str) -> Uuid {
    Uuid::new_v5(&USER_HANDLES, account.as_bytes())
}
