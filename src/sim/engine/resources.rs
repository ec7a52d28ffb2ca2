//! Amounts of CPU and memory, as Kubernetes writes and adds them.

use serde::{Deserialize, Serialize};

use super::json::{Json, object};

/// An amount of CPU and memory; nothing said is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Resources {
    /// Thousandths of a CPU.
    pub cpu_millis: i64,
    /// Mebibytes of memory.
    pub memory_mib: i64,
}

impl Resources {
    /// Both together.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_add(other.cpu_millis),
            memory_mib: self.memory_mib.saturating_add(other.memory_mib),
        }
    }

    /// What is left of it without the other; negative where that is more.
    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_sub(other.cpu_millis),
            memory_mib: self.memory_mib.saturating_sub(other.memory_mib),
        }
    }

    /// The larger of each.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { cpu_millis: self.cpu_millis.max(other.cpu_millis), memory_mib: self.memory_mib.max(other.memory_mib) }
    }

    /// How many of these fit into some room.
    pub(crate) fn fit_into(self, room: Self) -> i64 {
        let of = |each: i64, room: i64| if each == 0 { i64::MAX } else { (room / each).max(0) };
        of(self.cpu_millis, room.cpu_millis).min(of(self.memory_mib, room.memory_mib))
    }

    /// As Kubernetes writes it.
    pub(crate) fn show(self) -> Json {
        let amount = |amount: i64, whole: i64, large: &str, small: &str| match amount {
            0 => None,
            _ if amount % whole == 0 => Some(format!("{}{large}", amount / whole)),
            _ => Some(format!("{amount}{small}")),
        };
        object!({
            "Cpu": amount(self.cpu_millis, 1000, "", "m"),
            "Memory": amount(self.memory_mib, 1024, "Gi", "Mi"),
        })
    }

    /// The CPU as the service writes it: `0.5vcpu`.
    pub(crate) fn vcpus(self) -> String {
        format!("{}vcpu", self.cpu_millis as f64 / 1000.0)
    }

    /// The memory as the service writes it: `2GB`, `1500MB`.
    pub(crate) fn memory(self) -> String {
        match self.memory_mib {
            mib if mib > 0 && mib % 1024 == 0 => format!("{}GB", mib / 1024),
            mib => format!("{mib}MB"),
        }
    }
}

/// A Kubernetes quantity as a plain number.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let text = text.trim().trim_matches(['"', '\'']);
    // `129e6`, `1E9`: an exponent has a number behind it, the suffix for 10¹⁸ has none.
    if text.find(['e', 'E']).is_some_and(|at| text.get(at + 1..).is_some_and(|power| power.parse::<i32>().is_ok())) {
        return text.parse().ok();
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 0.001,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}
