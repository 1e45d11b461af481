//! What is worked out of intelligence that is at hand: names that are nearly what was typed, graphs and where to draw their
//! nodes, what a score is made of, how fast an intrusion goes, and what may be one and the same thing.
//!
//! Everything here is a function of its arguments. What a reader may see was decided before: a caller hands in nothing else, so
//! a result is made of visible things alone and takes the join of their labels.

mod words;

pub mod decay;
pub mod grading;
pub mod graph;
pub mod layout;
pub mod names;
pub mod products;
pub mod sameness;
pub mod score;
pub mod tempo;

pub use words::Words;
