//! Registries that bear the names of real systems, against what the real ones did.

mod consul;
mod consul_faults;
mod deletions;
pub mod dns;
mod etcd;
mod eureka;
mod eureka_faults;
pub mod kubernetes;
mod nacos;
mod shootout;
mod stories;
mod two_samples;
mod uniform_sums;
mod zookeeper;
mod zookeeper_faults;
