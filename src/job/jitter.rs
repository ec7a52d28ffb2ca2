//! Runs that start at the same minute everywhere, apart: each host and script waits its own part of a span, the
//! same every time, so that a run starts a day after the one before.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// The part of a span that this host's run of this script waits.
pub(crate) fn wait(span: Duration, host: &str, script: &str) -> Duration {
    let digest = Sha256::new().chain_update(host).chain_update([0]).chain_update(script).finalize();
    let number = digest.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    span.mul_f64(number as f64 / (1_u64 << 48) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_the_same_for_a_host_and_script_and_spread_over_the_span() {
        let span = Duration::from_secs(90);
        let of = |host: usize, script: &str| wait(span, &format!("host-{host}"), script);
        assert_eq!(of(1, "a"), of(1, "a"));
        assert_ne!(of(1, "a"), of(1, "b"));
        let waits: Vec<Duration> = (0..1_000).map(|host| of(host, "a")).collect();
        assert!(waits.iter().all(|wait| *wait < span));
        for third in 0..3 {
            let within = waits.iter().filter(|wait| wait.as_secs() / 30 == third).count();
            assert!((250..420).contains(&within), "{third}: {within}");
        }
    }
}
