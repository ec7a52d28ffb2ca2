//! Backups: one a night, kept for a month. The list is worked out from the clock and what is known of
//! an instance's nights, so that time may jump without anything to catch up on.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Instance;
use crate::catalogue::PAGE_SIZE;
use crate::sim::engine::call::{Call, Refusal, local_time};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// What decides an instance's backups.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct History {
    /// Makes the nights of one instance differ from another's.
    pub seed: u64,
    /// The first night that was backed up.
    pub first: i64,
    /// Bytes of the first backup, and how many each night adds.
    pub size: (i64, i64),
    /// Whether single tables can be restored from its backups.
    pub single_tables: bool,
    /// Whether only the backups of a week's first night are full.
    pub incremental: bool,
    /// Nights that did not go as they should.
    pub oddities: BTreeMap<i64, Oddity>,
}

/// What was odd about a night's backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Oddity {
    /// It failed.
    Failed,
    /// There was none.
    Missing,
    /// It is three times as large as it should be.
    Jump,
    /// It has too many tables to restore single ones.
    Large,
    /// It was taken by hand.
    Manual,
    /// It was taken by hand, as statements of SQL.
    Logical,
}

/// A backup.
struct Backup {
    id: String,
    full: bool,
    oddity: Option<Oddity>,
    start: Timestamp,
    end: Timestamp,
    size: i64,
}

/// Nights that backups are kept.
const KEPT: i64 = 30;
const DAY: i64 = 24 * 60 * 60;
/// Beijing is eight hours ahead.
const BEIJING: i64 = 8 * 60 * 60;

/// The night that ends on the day of a time, as a number that grows by one each day.
pub(crate) fn night_of(at: Timestamp) -> i64 {
    (at.as_second() + BEIJING).div_euclid(DAY)
}

/// Before this, nothing is kept.
pub(super) fn oldest(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_secs(KEPT * DAY)).unwrap_or(Timestamp::MIN)
}

impl History {
    /// The backup of a night, unless there was none.
    fn backup(&self, night: i64) -> Option<Backup> {
        let oddity = self.oddities.get(&night).copied();
        if oddity == Some(Oddity::Missing) {
            return None;
        }
        let mut random = fastrand::Rng::with_seed(self.seed ^ night.unsigned_abs());
        // Every night at twenty to five, give or take.
        let start = night * DAY - BEIJING + 4 * 60 * 60 + 40 * 60 + random.i64(0..600);
        let start = Timestamp::from_second(start).ok()?;
        let end = start.checked_add(SignedDuration::from_secs(random.i64(45..120))).ok()?;
        let (base, growth) = self.size;
        let full = !self.incremental || night.rem_euclid(7) == 3;
        let size = base + growth * (night - self.first) + random.i64(0..=growth / 2);
        let size = match oddity {
            Some(Oddity::Failed) => 0,
            Some(Oddity::Jump) => size * 3,
            _ if !full => size / 12,
            _ => size,
        };
        let id = 400_000_000 + (night - 18_000) * 100_003 + random.i64(0..90_000);
        // Whole blocks.
        Some(Backup { id: id.to_string(), full, oddity, start, end, size: size / 4096 * 4096 })
    }
}

impl Instance {
    /// The backups that there are at a time, the newest first.
    fn backups(&self, now: Timestamp) -> impl Iterator<Item = Backup> {
        let tonight = night_of(now);
        let nights = self.history.first.max(tonight - KEPT + 1)..=tonight;
        nights.rev().filter_map(|night| self.history.backup(night)).filter(move |backup| backup.end <= now)
    }

    /// The databases that were there at a time.
    fn databases_at(&self, at: Timestamp) -> String {
        let now = self.databases.iter().filter(|(_, database)| database.created <= at).map(|(name, _)| name.as_str());
        let then = self.dropped.iter().filter(|(_, from, to)| *from <= at && at < *to).map(|(name, ..)| name.as_str());
        now.chain(then).collect::<Vec<_>>().join(",")
    }

    fn show(&self, id: &str, backup: &Backup) -> Json {
        // What was taken by hand may be deleted by hand.
        let by_hand = matches!(backup.oddity, Some(Oddity::Manual | Oddity::Logical));
        let failed = backup.oddity == Some(Oddity::Failed);
        let meta = match backup.oddity {
            Some(Oddity::Failed) => "EMPTY",
            Some(Oddity::Large) => "LARGE",
            _ if self.history.single_tables => "OK",
            _ => "",
        };
        object!({
            "TotalBackupSize": backup.size,
            "BackupId": backup.id,
            "DBInstanceId": id,
            "BackupStatus": if failed { "Failed" } else { "Success" },
            "BackupStartTime": local_time(backup.start),
            "BackupEndTime": local_time(backup.end),
            "BackupType": if backup.full { "FullBackup" } else { "IncrementalBackup" },
            "BackupMode": if by_hand { "Manual" } else { "Automated" },
            "BackupMethod": if backup.oddity == Some(Oddity::Logical) { "Logical" } else { "Physical" },
            "BackupLocation": "OSS",
            "BackupScale": "DBInstance",
            "BackupDBNames": self.databases_at(backup.start),
            "BackupSize": backup.size,
            "HostInstanceID": (8_310_000 + self.history.seed % 10_000).to_string(),
            "StoreStatus": if by_hand { "Enabled" } else { "Disabled" },
            "MetaStatus": meta,
        })
    }
}

/// Lists as no other operation does: counts as text, records as `Items`, 30 to a page.
pub(super) fn list(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    const SIZE: i64 = 30;
    let id = call.text("DbInstanceId");
    let instance = state.rds.instance(id)?;
    let wanted: Vec<Backup> = instance
        .backups(state.now)
        .filter(|backup| call.opt_text("BackupId").is_none_or(|id| backup.id == id))
        .filter(|backup| call.opt_text("BackupType").is_none_or(|kind| backup.full == (kind == "FullBackup")))
        .collect();
    let number = call.opt_int("PageNumber").unwrap_or(1).max(1);
    let size = call.opt_int(PAGE_SIZE).unwrap_or(SIZE).max(1);
    let skipped = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let items: Vec<Json> = wanted.iter().skip(skipped).take(size).map(|backup| instance.show(id, backup)).collect();
    Ok(object!({"Result": {
        "TotalRecordCount": wanted.len().to_string(),
        "PageNumber": number.to_string(),
        "PageRecordCount": items.len().to_string(),
        "TotalBackupSize": wanted.iter().map(|backup| backup.size).sum::<i64>(),
        "Items": items,
    }}))
}
