//! The operator's node: tails telemetry, matches it, lets out consented sightings only.
