//! Registries that bear the names of real systems, against what the real ones did.

mod deletions;
mod etcd;
mod stories;
mod two_samples;
mod zookeeper;
mod zookeeper_faults;
