//! STIX patterns (STIX 2.1 §9) as a syntax tree: reading, printing, asking, and holding against observed data ([`evaluate`]).
//!
//! ```
//! let pattern = stix::pattern::Pattern::parse("[ipv4-addr:value = '198.51.100.1'] WITHIN 5 SECONDS")?;
//! assert_eq!(pattern.to_string(), "[ipv4-addr:value = '198.51.100.1'] WITHIN 5 SECONDS");
//! # Ok::<(), stix::pattern::PatternError>(())
//! ```

mod ast;
pub mod evaluate;
mod lexer;
mod meaning;
mod parser;
mod print;

pub use ast::{Comparison, Constant, ObjectPath, Observation, Operator, Pattern, Qualifier, Step, Test};
pub use meaning::TypeConflict;
pub use parser::{PATTERN_BYTES_MAX, PATTERN_DEPTH_MAX, PatternError};
