//! Each moment once.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{WRITES, World, boundary, in_parallel};
use crate::support::Jst;

/// How many moments in a row the job must outlive to have come to its last: threads do not come by in the same order
/// each time, and records that wait are committed together.
const BEYOND: usize = 12;

#[test]
fn a_job_that_is_killed_at_any_moment_goes_on_and_makes_every_write_once() {
    let (outlived, killed, asked) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(12, |n| {
        let world = World::new(&[], 1);
        let moment = (n + 1).to_string();
        let ran = world.start().env("LD_PRELOAD", boundary()).env("JST_TEST_DIES_AT", &moment).run();
        if ran.code.is_some() {
            assert_eq!(ran.stdout, "40 writes\n", "moment {moment}: {ran:#?}");
            return outlived.fetch_add(1, Ordering::Relaxed) < BEYOND;
        }
        killed.fetch_add(1, Ordering::Relaxed);
        let what = format!("killed at moment {moment}");
        asked.fetch_add(world.finish(&what, &mut Jst::run), Ordering::Relaxed);
        world.assert_once(&what);
        true
    });
    let (killed, asked) = (killed.into_inner(), asked.into_inner());
    // Two durable records, one request and one answer of each write at the least.
    assert!(killed > 40 * 5, "only {killed} moments");
    assert!(asked > 0, "two of the writes are such as no look settles");
    eprintln!("{killed} moments, a person was asked at {asked}");
}

/// So many writes to files lie between the disks that are tried.
const STRIDE: usize = 20;

#[test]
fn a_disk_that_is_full_from_any_moment_on_stops_the_job_before_its_next_write() {
    in_parallel(12, |n| {
        let world = World::new(&[], 1);
        let from = (n * STRIDE + 1).to_string();
        let ran = world.start().env("LD_PRELOAD", boundary()).env("JST_TEST_FULL_AT", &from).run();
        let what = format!("full from write {from} on");
        let made = world.sim.ledger().len();
        let is_told = ran.stderr.contains("error: ") && ran.stderr.contains("the disk is full");
        let is_whole = made == WRITES;
        assert!(is_whole || (ran.code == Some(21) && is_told), "{what}, {made} made: {ran:#?}");
        world.finish(&what, &mut Jst::run);
        world.assert_once(&what);
        !is_whole
    });
}
