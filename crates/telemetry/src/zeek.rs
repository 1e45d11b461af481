//! Zeek logs: JSON and tab-separated values.
