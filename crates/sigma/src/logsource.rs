//! Which log a rule asks for, and which log a record is of.

use std::borrow::Cow;

use rsigma_parser::LogSource;
use telemetry::Format;

/// What a rule asks for, in lower case. What it does not name may be anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) product: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) service: Option<String>,
}

/// What a record is of: one product, and all services and categories under which rules ask for it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) products: &'static [&'static str],
    pub(crate) services: [Option<Cow<'static, str>>; 2],
    pub(crate) categories: &'static [&'static str],
}

impl Asked {
    pub(crate) fn of(source: &LogSource) -> Self {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_ascii_lowercase());
        Self {
            product: lower(&source.product),
            category: lower(&source.category),
            service: lower(&source.service),
        }
    }

    /// Whether a rule that asks for this is about the record.
    pub(crate) fn is_met_by(&self, source: &Source) -> bool {
        let is_one_of = |asked: &Option<String>, given: &[&str]| {
            asked.as_ref().is_none_or(|asked| given.contains(&asked.as_str()))
        };
        let is_service = |asked: &String| {
            source.services.iter().flatten().any(|service| service.eq_ignore_ascii_case(asked))
        };
        is_one_of(&self.product, source.products)
            && is_one_of(&self.category, source.categories)
            && self.service.as_ref().is_none_or(is_service)
    }

    /// Whether any record of the format can be what is asked for.
    pub(crate) fn may_concern(&self, format: Format) -> bool {
        let (products, categories) = of_format(format);
        let product = self.product.as_ref().is_none_or(|product| products.contains(&product.as_str()));
        // A product alone (`linux`, `auditd`) has categories of its own, which are known by the record.
        let category = match &self.category {
            Some(category) => categories.is_none_or(|known| known.contains(&category.as_str())),
            None => true,
        };
        let names_anything = self.product.is_some() || self.category.is_some() || self.service.is_some();
        names_anything && product && category
    }
}

/// The categories of web servers and proxies: their logs say the same of a request.
pub(crate) const WEB: &[&str] = &["webserver", "proxy"];
/// The category of name servers and of sensors that see queries.
pub(crate) const DNS: &[&str] = &["dns"];
/// The category of what tells of connections.
pub(crate) const FIREWALL: &[&str] = &["firewall"];

/// The products under which rules ask for records of a format, and the categories; `None`: any.
fn of_format(format: Format) -> (&'static [&'static str], Option<&'static [&'static str]>) {
    const NETWORK: Option<&[&str]> = Some(&["webserver", "proxy", "dns", "firewall"]);
    match format {
        Format::Eve => (&["suricata"], NETWORK),
        Format::ZeekJson | Format::ZeekTsv => (&["zeek"], NETWORK),
        Format::Windows => (&["windows", "linux"], None),
        Format::Aws => (&["aws"], Some(&[])),
        Format::Azure => (&["azure"], Some(&[])),
        Format::Gcp => (&["gcp"], Some(&[])),
        Format::Syslog => (&["linux"], Some(&[])),
        Format::Dns => (&[], Some(DNS)),
        Format::Access => (&["apache", "nginx"], Some(WEB)),
        // Their fields bear names of their own, which no public rule asks for.
        Format::Ocsf | Format::Ecs | Format::Csv => (&[], Some(&[])),
    }
}
