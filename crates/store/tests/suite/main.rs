//! What a store promises, as functions over a fresh one, so that a second kind of store is held to the same.
#![cfg(test)]

mod accounts;
mod agreements;
mod audit;
mod authorisations;
mod between;
mod certificates;
mod copies;
mod corpus;
mod decisions;
mod evidence;
mod fixture;
mod foreign;
mod leases;
mod lines;
mod log;
mod openings;
mod pages;
mod peers;
mod proposals;
mod relabel;
mod releases;
mod reports;
mod robustness;
mod rounds;
mod runs;
mod search;
mod selections;
mod server;
mod several;
#[cfg(test)]
mod statistics;
mod work;
mod writing;

/// Runs each function with a fresh store of each kind there is.
macro_rules! on_every_store {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                $(#[$meta])*
                async fn $name() { super::$name(crate::fixture::Council::on_sqlite().await).await; }
            )+
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                $(#[$meta])*
                async fn $name() {
                    if let Some(council) = crate::fixture::Council::on_postgres().await {
                        super::$name(council).await;
                    }
                }
            )+
        }
    };
}
pub(crate) use on_every_store;

/// Runs each function with a fresh store in a folder: what it promises has no meaning elsewhere.
macro_rules! on_folder {
    ($($name:ident),+ $(,)?) => {
        mod folder {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() { super::$name(crate::fixture::Council::on_sqlite().await).await; }
            )+
        }
    };
}
pub(crate) use on_folder;
