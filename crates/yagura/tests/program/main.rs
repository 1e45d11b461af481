//! The program as real processes.

#[cfg(test)]
mod agreements;
#[cfg(test)]
mod contributions;
#[cfg(test)]
mod convert;
#[cfg(test)]
mod council;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod person;
#[cfg(test)]
mod running;
#[cfg(test)]
mod served;
#[cfg(test)]
mod soak;
