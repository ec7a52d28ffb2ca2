//! A range of IPv4 addresses, and which of them are taken.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// Addresses handed out one after another. One that is given back is used again only after all the
/// others: what has just gone is not mistaken for what comes next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Addresses {
    network: u32,
    /// The range's last address, which is never handed out, nor is its first.
    last: u32,
    next: u32,
    free: VecDeque<u32>,
}

impl Addresses {
    /// The range of a CIDR block: `172.20.0.0/16`.
    pub(super) fn of(cidr: &str) -> Option<Self> {
        let (address, length) = cidr.split_once('/')?;
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let length: u32 = length.parse().ok().filter(|length| (8..=30).contains(length))?;
        let hosts = u32::MAX >> length;
        let network = address & !hosts;
        Some(Self { network, last: network | hosts, next: network + 1, free: VecDeque::new() })
    }

    /// Whether two ranges have addresses in common.
    pub(super) const fn overlaps(&self, other: &Self) -> bool {
        self.network <= other.last && other.network <= self.last
    }

    /// Takes an address; `None` when all are taken.
    pub(super) fn take(&mut self) -> Option<u32> {
        if self.next < self.last {
            self.next += 1;
            return Some(self.next - 1);
        }
        self.free.pop_front()
    }

    /// How many are left.
    pub(super) fn left(&self) -> i64 {
        i64::from(self.last.saturating_sub(self.next)) + i64::try_from(self.free.len()).unwrap_or(i64::MAX)
    }

    /// Gives an address back.
    pub(super) fn give_back(&mut self, address: u32) {
        self.free.push_back(address);
    }
}

/// An address as it is written.
pub(super) fn written(address: u32) -> String {
    Ipv4Addr::from(address).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Addresses, written};

    #[test]
    fn ranges_are_read_compared_and_used_up() {
        for wrong in ["cn-zhangjiakou", "172.20.0.0", "172.20.0.0/31", "172.20.0.0/7", "172.20.0/16", "1.2.3.4/x"] {
            assert!(Addresses::of(wrong).is_none(), "{wrong}");
        }
        let range = |cidr| Addresses::of(cidr).unwrap();
        assert!(range("172.20.0.0/16").overlaps(&range("172.20.16.0/20")));
        assert!(!range("172.20.0.0/16").overlaps(&range("172.21.0.0/20")));

        let mut small = range("10.0.0.4/30");
        let taken: Vec<String> = std::iter::from_fn(|| small.take()).map(written).collect();
        assert_eq!(taken, ["10.0.0.5", "10.0.0.6"]);
        assert_eq!(small.left(), 0);
        small.give_back(u32::from(std::net::Ipv4Addr::new(10, 0, 0, 6)));
        assert_eq!((small.left(), range("10.0.0.0/24").left()), (1, 254));
        assert_eq!(small.take().map(written).unwrap(), "10.0.0.6");
    }
}
