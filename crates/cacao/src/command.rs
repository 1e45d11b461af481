use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::check::values;
use crate::parts::ExternalReference;
use crate::read::Reader;

/// A command of an action step (CACAO 2.0 §5).
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its type: one of the vocabulary, or another, which nobody here carries out.
    pub kind: CommandKind,
    /// `description`
    pub description: Option<String>,
    /// `version`
    pub version: Option<String>,
    /// `playbook_activity`
    pub playbook_activity: Option<String>,
    /// `external_references`
    pub external_references: Vec<ExternalReference>,
    /// `command`: words, or an HTTP start line.
    pub command: Option<String>,
    /// `command_b64`
    pub command_b64: Option<String>,
    /// `headers`
    pub headers: BTreeMap<String, Vec<String>>,
    /// `content`
    pub content: Option<String>,
    /// `content_b64`
    pub content_b64: Option<String>,
    /// The object as it stands in the playbook, unknown properties included.
    pub raw: Map<String, Value>,
}

/// Types of commands (§5.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// For a person.
    Manual,
    /// A shell without signing in. Only where the operator configured the agent for it.
    Bash,
    /// An attack that is played.
    CalderaCmd,
    /// An Elasticsearch query.
    Elastic,
    /// Any HTTP interface.
    HttpApi,
    /// A notebook.
    Jupyter,
    /// A hunt.
    Kestrel,
    /// An OpenC2 command over HTTP.
    OpenC2Http,
    /// Only where the operator configured the agent for it.
    Powershell,
    /// A Sigma rule.
    Sigma,
    /// A command through SSH.
    Ssh,
    /// A YARA rule.
    Yara,
    /// Not of the vocabulary.
    Other(String),
}

impl CommandKind {
    fn read(name: &str) -> Self {
        match name {
            "manual" => Self::Manual,
            "bash" => Self::Bash,
            "caldera-cmd" => Self::CalderaCmd,
            "elastic" => Self::Elastic,
            "http-api" => Self::HttpApi,
            "jupyter" => Self::Jupyter,
            "kestrel" => Self::Kestrel,
            "openc2-http" => Self::OpenC2Http,
            "powershell" => Self::Powershell,
            "sigma" => Self::Sigma,
            "ssh" => Self::Ssh,
            "yara" => Self::Yara,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The type as the specification writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Manual => "manual",
            Self::Bash => "bash",
            Self::CalderaCmd => "caldera-cmd",
            Self::Elastic => "elastic",
            Self::HttpApi => "http-api",
            Self::Jupyter => "jupyter",
            Self::Kestrel => "kestrel",
            Self::OpenC2Http => "openc2-http",
            Self::Powershell => "powershell",
            Self::Sigma => "sigma",
            Self::Ssh => "ssh",
            Self::Yara => "yara",
            Self::Other(name) => name,
        }
    }

    /// Whether it runs words of the playbook's author in an interpreter. The caller lets such a command reach only agents that the
    /// operator configured for it.
    #[must_use]
    pub fn runs_code(&self) -> bool {
        matches!(self, Self::Bash | Self::Powershell | Self::Ssh | Self::Jupyter | Self::CalderaCmd)
    }

    /// Whether it goes to a network address, which its target or agent must have.
    #[must_use]
    pub fn needs_address(&self) -> bool {
        matches!(self, Self::HttpApi | Self::OpenC2Http | Self::Ssh)
    }
}

impl Command {
    pub(crate) fn read(map: &Map<String, Value>) -> Self {
        let r = Reader(map);
        let lines = |value: &Value| match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Self {
            kind: CommandKind::read(&r.text_or_empty("type")),
            description: r.text("description"),
            version: r.text("version"),
            playbook_activity: r.text("playbook_activity"),
            external_references: r.objects("external_references", ExternalReference::read),
            command: r.text("command"),
            command_b64: r.text("command_b64"),
            headers: r.values("headers").into_iter().map(|(name, value)| (name, lines(&value))).collect(),
            content: r.text("content"),
            content_b64: r.text("content_b64"),
            raw: map.clone(),
        }
    }

    /// What is to be carried out, decoded where it is base64.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let decoded = || String::from_utf8(values::decode(self.command_b64.as_deref()?)?).ok();
        self.command.clone().or_else(decoded)
    }

    /// The body, decoded where it is base64.
    #[must_use]
    pub fn body(&self) -> Option<Vec<u8>> {
        let decoded = || values::decode(self.content_b64.as_deref()?);
        self.content.as_ref().map(|text| text.clone().into_bytes()).or_else(decoded)
    }
}
