//! Case rooms, as configured.

use oversight::OrganisationId;

use super::ConfigError;

/// Organisations that one declaration calls in at most.
const AGENCIES_MAX: usize = 16;

/// Who is called into a room; that there is such an organisation is asked when it is.
pub(super) fn agencies(names: &[String]) -> Result<Vec<OrganisationId>, ConfigError> {
    if names.len() > AGENCIES_MAX {
        return Err(ConfigError::value(format!("room_agencies: at most {AGENCIES_MAX}")));
    }
    let read = |name: &String| {
        OrganisationId::parse(name).ok_or_else(|| {
            ConfigError::value(format!("room_agencies: `{name}` is no organisation's short name"))
        })
    };
    names.iter().map(read).collect()
}
