//! One program for all tests of the crate.

#[cfg(test)]
mod collecting;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod go;
#[cfg(test)]
mod mirroring;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verifying;
#[cfg(test)]
mod witnessing;
