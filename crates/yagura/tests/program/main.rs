//! The program as real processes.

#[cfg(test)]
mod edge;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod running;
