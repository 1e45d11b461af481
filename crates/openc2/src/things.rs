//! What else a command can be about: files, devices, processes, artifacts.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::read::{self, Fields, Writer};
use crate::refusal::{At, Refusal};
use crate::text::{DomainName, IdnDomainName, Uri};

/// Hashes of a content (LS 3.4.2.5); at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashes {
    /// MD5
    pub md5: Option<[u8; 16]>,
    /// SHA-1
    pub sha1: Option<[u8; 20]>,
    /// SHA-256
    pub sha256: Option<[u8; 32]>,
}

impl Hashes {
    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let fields = Fields::new(value, at, "LS 3.4.2.5", &["md5", "sha1", "sha256"], 1)?;
        Ok(Self {
            md5: fields.get("md5", hash)?,
            sha1: fields.get("sha1", hash)?,
            sha256: fields.get("sha256", hash)?,
        })
    }

    fn write(&self) -> Value {
        // Base16 has no lower case (LS 3.1.5, RFC 4648 §8); both are read.
        Writer::new()
            .put("md5", self.md5.map(hex::encode_upper))
            .put("sha1", self.sha1.map(hex::encode_upper))
            .put("sha256", self.sha256.map(hex::encode_upper))
            .done()
    }
}

fn hash<const BYTES: usize>(value: &Value, at: &At) -> Result<[u8; BYTES], Refusal> {
    let mut bytes = [0; BYTES];
    hex::decode_to_slice(read::text(value, at, "LS 3.4.2.5")?, &mut bytes).map_err(|_| {
        Refusal::malformed("LS 3.4.2.5", at, "a hash of the right length in hexadecimal belongs here")
    })?;
    Ok(bytes)
}

/// A file (LS 3.4.1.6); at least one property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: Option<String>,
    /// Where it is.
    pub path: Option<String>,
    /// Its content's hashes.
    pub hashes: Option<Hashes>,
}

impl File {
    pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let fields = Fields::new(value, at, "LS 3.4.1.6", &["name", "path", "hashes"], 1)?;
        Ok(Self {
            name: fields.text("name")?,
            path: fields.text("path")?,
            hashes: fields.get("hashes", Hashes::read)?,
        })
    }

    pub(crate) fn write(&self) -> Value {
        Writer::new()
            .put("name", self.name.clone())
            .put("path", self.path.clone())
            .put("hashes", self.hashes.as_ref().map(Hashes::write))
            .done()
    }
}

/// A device (LS 3.4.1.2); at least one property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub hostname: Option<DomainName>,
    /// Its name with characters beyond ASCII.
    pub idn_hostname: Option<IdnDomainName>,
    /// Its identifier in an inventory.
    pub device_id: Option<String>,
}

impl Device {
    pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let fields = Fields::new(value, at, "LS 3.4.1.2", &["hostname", "idn_hostname", "device_id"], 1)?;
        Ok(Self {
            hostname: fields.get("hostname", DomainName::read)?,
            idn_hostname: fields.get("idn_hostname", IdnDomainName::read)?,
            device_id: fields.text("device_id")?,
        })
    }

    pub(crate) fn write(&self) -> Value {
        Writer::new()
            .put("hostname", self.hostname.as_ref())
            .put("idn_hostname", self.idn_hostname.as_ref())
            .put("device_id", self.device_id.clone())
            .done()
    }
}

/// A process (LS 3.4.1.15); at least one property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: Option<u64>,
    /// Its name.
    pub name: Option<String>,
    /// Its working directory.
    pub cwd: Option<String>,
    /// What was executed.
    pub executable: Option<File>,
    /// What started it.
    pub parent: Option<Box<Self>>,
    /// How it was started.
    pub command_line: Option<String>,
}

impl Process {
    pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let names = ["pid", "name", "cwd", "executable", "parent", "command_line"];
        let fields = Fields::new(value, at, "LS 3.4.1.15", &names, 1)?;
        Ok(Self {
            pid: fields.count("pid")?,
            name: fields.text("name")?,
            cwd: fields.text("cwd")?,
            executable: fields.get("executable", File::read)?,
            // As deep as JSON may be here (`DEPTH_MAX`).
            parent: fields.get("parent", |value, at| Self::read(value, at).map(Box::new))?,
            command_line: fields.text("command_line")?,
        })
    }

    pub(crate) fn write(&self) -> Value {
        Writer::new()
            .put("pid", self.pid)
            .put("name", self.name.clone())
            .put("cwd", self.cwd.clone())
            .put("executable", self.executable.as_ref().map(File::write))
            .put("parent", self.parent.as_ref().map(|parent| parent.write()))
            .put("command_line", self.command_line.clone())
            .done()
    }
}

/// Bytes, or where they are (LS 3.4.1.1); at least one property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Artifact {
    /// What kind of content it is.
    pub mime_type: Option<String>,
    /// The content.
    pub payload: Option<Payload>,
    /// Its hashes.
    pub hashes: Option<Hashes>,
}

/// An artifact's content (LS 3.4.2.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The bytes.
    Bin(Vec<u8>),
    /// Where they are. Never fetched here.
    Url(Uri),
}

impl Artifact {
    pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let fields = Fields::new(value, at, "LS 3.4.1.1", &["mime_type", "payload", "hashes"], 1)?;
        Ok(Self {
            mime_type: fields.text("mime_type")?,
            payload: fields.get("payload", Payload::read)?,
            hashes: fields.get("hashes", Hashes::read)?,
        })
    }

    pub(crate) fn write(&self) -> Value {
        Writer::new()
            .put("mime_type", self.mime_type.clone())
            .put("payload", self.payload.as_ref().map(Payload::write))
            .put("hashes", self.hashes.as_ref().map(Hashes::write))
            .done()
    }
}

impl Payload {
    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        const CLAUSE: &str = "LS 3.4.2.13";
        let fields = Fields::new(value, at, CLAUSE, &["bin", "url"], 1)?;
        let bin = fields.get("bin", |value, at| {
            let text = read::text(value, at, CLAUSE)?;
            URL_SAFE_NO_PAD
                .decode(&text)
                .or_else(|_| URL_SAFE.decode(&text))
                .map_err(|_| Refusal::malformed("LS 3.1.5", at, "base64url belongs here"))
        })?;
        match (bin, fields.get("url", Uri::read)?) {
            (Some(bytes), None) => Ok(Self::Bin(bytes)),
            (None, Some(url)) => Ok(Self::Url(url)),
            _ => Err(Refusal::malformed(CLAUSE, at, "the content is either bytes or an address")),
        }
    }

    fn write(&self) -> Value {
        match self {
            Self::Bin(bytes) => Writer::new().put("bin", Some(URL_SAFE_NO_PAD.encode(bytes))).done(),
            Self::Url(url) => Writer::new().put("url", Some(url)).done(),
        }
    }
}
