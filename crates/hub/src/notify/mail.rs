//! Mail. It travels in the clear somewhere on its way, so an alert says how many hits a search has and where to look, and nothing of any
//! object. Only what a person sends out of a case room ([`super::rooms`]) says more, under its label.

use std::time::Duration;

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{SUBMISSION_PORT, SUBMISSIONS_PORT};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use super::message::Message;
use crate::config::MailConfig;

/// A mail server that takes longer is tried again later.
const PATIENCE: Duration = Duration::from_secs(20);

/// What sends mail.
pub(super) struct Mailer {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    domains: Vec<String>,
}

impl Mailer {
    pub(super) fn new(config: &MailConfig) -> Result<Self, String> {
        type Smtp = AsyncSmtpTransport<Tokio1Executor>;
        let name = config.server.as_str();
        let mut builder = match config.security.as_deref() {
            Some("none") => Smtp::builder_dangerous(name),
            Some("tls") => {
                Smtp::builder_dangerous(name).port(SUBMISSIONS_PORT).tls(Tls::Wrapper(tls(config)?))
            }
            _ => Smtp::builder_dangerous(name).port(SUBMISSION_PORT).tls(Tls::Required(tls(config)?)),
        };
        if let Some(port) = config.port {
            builder = builder.port(port);
        }
        if let (Some(user), Some(file)) = (&config.user, &config.password_file) {
            let password = std::fs::read_to_string(file)
                .map_err(|error| format!("`{}` cannot be read: {error}", file.display()))?;
            builder = builder.credentials(Credentials::new(user.clone(), password.trim_end().to_owned()));
        }
        let from = config.from.parse().map_err(|_| "mail.from is no address".to_owned())?;
        Ok(Self { server: builder.timeout(Some(PATIENCE)).build(), from, domains: config.domains.clone() })
    }

    /// A mail of a few words.
    ///
    /// # Errors
    /// What went wrong, and whether it may go better later.
    pub(super) async fn send_words(&self, to: &str, subject: String, words: String) -> Result<(), Trouble> {
        let to = recipient(to, &self.domains).ok_or(Trouble::Final("mail-address"))?;
        let mail = Mail::builder().from(self.from.clone()).to(to).subject(subject);
        let mail = mail.header(ContentType::TEXT_PLAIN).body(words);
        self.hand_over(mail.map_err(|_| Trouble::Final("mail-message"))?).await
    }

    async fn hand_over(&self, mail: Mail) -> Result<(), Trouble> {
        self.server.send(mail).await.map(drop).map_err(|error| {
            let status = error.status().map(u16::from);
            trouble(status, error.is_permanent())
        })
    }

    /// # Errors
    /// What went wrong, and whether it may go better later.
    pub(super) async fn send(&self, to: &str, message: &Message) -> Result<(), Trouble> {
        let hits = message.hits();
        let subject = format!("[Yagura] {}: 新着 {hits} 件 / {hits} new", one_line(message.name()));
        self.send_text(to, subject, text(message)).await
    }

    /// # Errors
    /// What went wrong, and whether it may go better later.
    pub(super) async fn send_text(&self, to: &str, subject: String, text: String) -> Result<(), Trouble> {
        let to = recipient(to, &self.domains).ok_or(Trouble::Final("mail-address"))?;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|_| Trouble::Final("mail-message"))?;
        self.hand_over(mail).await
    }
}

/// Why a mail was not taken: a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may go better later.
    Passing(&'static str),
    /// The same mail will be refused again.
    Final(&'static str),
}

/// What a server's answer means. A permanent refusal (RFC 5321 §4.2.1) is not asked for again, but where it is of the hub's own
/// sign-in (RFC 4954 §6): that is mended by whoever runs the hub, and no mail is lost meanwhile.
fn trouble(status: Option<u16>, is_permanent: bool) -> Trouble {
    match status {
        Some(530 | 534 | 535 | 538) => Trouble::Passing("mail-sign-in"),
        _ if is_permanent => Trouble::Final("mail-refused"),
        _ => Trouble::Passing("mail-unreachable"),
    }
}

/// How the server proves who it is.
fn tls(config: &MailConfig) -> Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(config.server.clone());
    if let Some(file) = &config.certificate {
        let wrong = |why: String| format!("`{}` cannot be used: {why}", file.display());
        let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
        let authority = Certificate::from_pem(&text).map_err(|error| wrong(error.to_string()))?;
        parameters = parameters.add_root_certificate(authority);
    }
    parameters.build().map_err(|error| error.to_string())
}

/// An address of a domain that mail may go to.
pub(crate) fn recipient(address: &str, domains: &[String]) -> Option<Mailbox> {
    let mailbox: Mailbox = address.trim().parse().ok()?;
    domains.iter().any(|domain| domain.eq_ignore_ascii_case(mailbox.email.domain())).then_some(mailbox)
}

fn text(message: &Message) -> String {
    let (name, hits, link) = (one_line(message.name()), message.hits(), message.link());
    format!(
        "保存した検索「{name}」に新しい結果が {hits} 件あります。内容はやぐらでご覧ください。\n{link}\n\n\
         Your saved search `{name}` has {hits} new results. Look at them in Yagura.\n{link}\n"
    )
}

/// A name cannot begin another header.
fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_good_is_not_tried_again() {
        let check = |status: Option<u16>, permanent: bool, expected: Trouble| {
            assert_eq!(trouble(status, permanent), expected, "{status:?}");
        };
        check(Some(550), true, Trouble::Final("mail-refused"));
        check(Some(552), true, Trouble::Final("mail-refused"));
        check(Some(535), true, Trouble::Passing("mail-sign-in"));
        check(Some(530), true, Trouble::Passing("mail-sign-in"));
        check(Some(451), false, Trouble::Passing("mail-unreachable"));
        check(None, false, Trouble::Passing("mail-unreachable"));
    }

    #[test]
    fn mail_goes_to_known_domains_only() {
        let domains = ["cert.example.jp".to_owned()];
        let check = |address: &str, expected: bool| {
            assert_eq!(recipient(address, &domains).is_some(), expected, "{address}");
        };
        check("duty@cert.example.jp", true);
        check("duty@CERT.example.jp", true);
        check("duty@cert.example.jp.evil.example", false);
        check("duty@evil.example", false);
        check("a@cert.example.jp, b@evil.example", false);
        check("", false);
    }
}
