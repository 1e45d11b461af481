//! The program as real processes.

#[cfg(test)]
mod abroad;
#[cfg(test)]
mod agreements;
#[cfg(test)]
#[path = "../../../hub/tests/it/authenticator.rs"]
mod authenticator;
#[cfg(test)]
mod binary_ways_in;
#[cfg(test)]
mod blocking;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod bucket;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod contributions;
#[cfg(test)]
mod convert;
#[cfg(test)]
mod council;
#[cfg(test)]
#[path = "../../../store/tests/suite/server.rs"]
#[expect(dead_code, reason = "the program's tests need less of it than the store's")]
mod database;
#[cfg(test)]
mod day;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod history;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod logged;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod matched;
#[cfg(test)]
#[path = "../../../openc2/tests/broker/mosquitto.rs"]
#[expect(dead_code, reason = "the program's tests need less of it than the client's")]
mod mosquitto;
#[cfg(test)]
mod mqtt;
#[cfg(test)]
#[path = "../../../hub/tests/it/nats.rs"]
mod nats;
#[cfg(test)]
mod nets;
#[cfg(test)]
mod one_way;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod person;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod reports_abroad;
#[cfg(test)]
mod response;
#[cfg(test)]
mod ruled;
#[cfg(test)]
mod running;
#[cfg(test)]
#[path = "../../../hub/tests/it/s3.rs"]
#[expect(dead_code, reason = "the program's tests need less of it than the hub's")]
mod s3;
#[cfg(test)]
mod served;
#[cfg(test)]
mod several;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod tasked;
#[cfg(test)]
mod together;
#[cfg(test)]
mod topics;
#[cfg(test)]
mod tuning;
#[cfg(test)]
mod ways_in;
