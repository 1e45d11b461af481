use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

/// A password, a token, a sign-in link, a session's word: it travels as text, and no log, error or panic that formats the
/// message around it shows it. Its memory is overwritten when it is dropped.
///
/// Not the `secrecy` crate's type: that one refuses to be serialised, and these are made to be shown once, to their owner.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Secret(String);

impl Secret {
    /// Gives the text away; nothing overwrites it any more.
    #[must_use]
    pub fn into_text(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        NewIdentityProvider, NewPassword, PasswordSignIn, PersonAdded, ProviderAnswer, RegisteredEdge,
        Secret, Session, SignInLink, TokenIssued,
    };

    /// Reads a message that holds `hunter2-hunter2`, and looks at how it is formatted and written.
    fn check<T: serde::de::DeserializeOwned + serde::Serialize + std::fmt::Debug>(message: &Value) {
        let read: T = serde_json::from_value(message.clone()).unwrap();
        let shown = format!("{read:?} {read:#?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("[secret]"), "{shown}");
        assert_eq!(serde_json::to_value(&read).unwrap(), *message);
    }

    #[test]
    fn no_secret_is_shown_by_what_formats_its_message() {
        let secret = "hunter2-hunter2";
        let person = json!({ "id": "1", "login": "sato", "name": "佐藤", "organisation": "o", "roles": [], "disabled": false });
        let organisation = json!({
            "id": "o", "name_ja": "o", "name_en": "o", "role": "agency", "sectors": [], "prefecture": null, "identity": "i",
        });
        check::<NewPassword>(&json!({ "password": secret }));
        check::<PasswordSignIn>(&json!({ "login": "sato", "password": secret }));
        check::<ProviderAnswer>(&json!({ "provider": "p", "state": "s", "code": secret }));
        check::<NewIdentityProvider>(&json!({
            "id": "p", "organisation": "o", "issuer": "https://i", "client": "c", "secret": secret,
        }));
        check::<SignInLink>(&json!({ "link": secret }));
        check::<RegisteredEdge>(&json!({ "id": "e", "token": secret }));
        check::<PersonAdded>(
            &json!({ "person": person, "sign_in": format!("https://h/sign-in#link={secret}") }),
        );
        check::<TokenIssued>(&json!({
            "info": {
                "id": "1", "name": "n", "organisation": "o", "roles": [], "created": "", "expires": "", "last_used": null, "doors": [],
            },
            "token": secret,
        }));
        let node = json!({
            "name_ja": "n", "name_en": "n", "realm": "live", "version": "1", "policies": "00", "policies_refused": false,
            "transparency": false, "passwords": true,
        });
        check::<Session>(&json!({
            "person": person, "organisation": organisation, "node": node, "csrf": secret, "credential_needed": false,
            "proved": "2026-01-01T00:00:00Z", "may": [],
        }));
    }

    #[test]
    fn it_is_a_text_where_it_is_asked_for() {
        let secret = Secret::from("abc".to_owned());
        assert_eq!((&*secret, secret.len()), ("abc", 3));
        assert_eq!(secret.into_text(), "abc");
    }
}
