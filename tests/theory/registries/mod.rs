//! Registries that bear the names of real systems, against what the real ones did.

mod consul;
mod consul_agents;
mod consul_faults;
mod deletions;
pub mod dns;
mod etcd;
mod eureka;
mod eureka_faults;
pub mod kubernetes;
mod nacos;
mod properties;
mod shootout;
mod spread;
mod stories;
mod two_samples;
mod uniform_sums;
mod zookeeper;
mod zookeeper_faults;
