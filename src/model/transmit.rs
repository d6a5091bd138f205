//! Transmitters: a host with a bandwidth sends one message after the other.
//!
//! Every host has one transmitter for each kind of link that has a bandwidth: one for its zone, one
//! for other zones, one for each override. A message with a size waits until those before it are
//! out, then takes its size over the bandwidth; only then does its one-way delay begin. Messages
//! without a size pass at once. What was given to a transmitter goes out, whatever becomes of the
//! process that gave it.

use crate::id::HostId;
use crate::time::{SimDuration, SimTime};

/// One kind of link with a bandwidth.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    index: u32,
    bytes_per_sec: f64,
}

/// All transmitters of a run, made when they are used first.
#[derive(Debug, Default)]
pub struct Transmitters {
    /// When each is free again, by lane, then host.
    free_at: Vec<Vec<SimTime>>,
}

impl Transmitters {
    /// Adds a kind of link; None without a bandwidth.
    pub fn add(&mut self, bytes_per_sec: Option<f64>) -> Option<Lane> {
        let bytes_per_sec = bytes_per_sec?;
        self.free_at.push(Vec::new());
        Some(Lane {
            index: u32::try_from(self.free_at.len() - 1).expect("kinds of links are few"),
            bytes_per_sec,
        })
    }

    /// Gives a message to the transmitter of a host. Returns the time until all of it is out.
    pub fn transmit(&mut self, now: SimTime, host: HostId, lane: Lane, bytes: u64) -> SimDuration {
        let hosts = &mut self.free_at[lane.index as usize];
        if hosts.len() <= host.index() {
            hosts.resize(host.index() + 1, SimTime::START);
        }
        let length = SimDuration::from_secs_f64(bytes as f64 / lane.bytes_per_sec);
        let out_at = hosts[host.index()].max(now) + length;
        hosts[host.index()] = out_at;
        out_at.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SimDuration = SimDuration::from_secs(1);

    #[test]
    fn messages_of_one_host_go_out_one_after_the_other() {
        let mut transmitters = Transmitters::default();
        assert!(transmitters.add(None).is_none());
        let lane = transmitters.add(Some(100.0)).expect("it has a bandwidth");
        let mut send = |at: u64, host, bytes| {
            let now = SimTime::START + SECOND.saturating_mul(at);
            transmitters.transmit(now, HostId(host), lane, bytes)
        };
        assert_eq!(send(0, 3, 200), SimDuration::from_secs(2));
        // It waits 1 s and takes 3 s.
        assert_eq!(send(1, 3, 300), SimDuration::from_secs(4));
        // Another host is free.
        assert_eq!(send(1, 0, 100), SECOND);
        // At 5 s everything is out.
        assert_eq!(send(6, 3, 100), SECOND);
    }

    #[test]
    fn kinds_of_links_do_not_wait_for_each_other() {
        let mut transmitters = Transmitters::default();
        let near = transmitters.add(Some(100.0)).expect("it has a bandwidth");
        let far = transmitters.add(Some(50.0)).expect("it has a bandwidth");
        let mut send = |lane| transmitters.transmit(SimTime::START, HostId(0), lane, 100);
        assert_eq!(send(near), SECOND);
        assert_eq!(send(far), SimDuration::from_secs(2));
    }
}
