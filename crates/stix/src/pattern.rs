//! STIX patterns (STIX 2.1 §9) as a syntax tree.
