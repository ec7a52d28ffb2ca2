//! Whether the simulator inside the process stands in for the service, and what it begins with.

use std::path::PathBuf;

use super::Settings;
use super::flags::Simulator;
use crate::error::{Error, Kind, Result};
use crate::sim::Options;

/// What the simulator inside the process begins with.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// The file with its account; without one, the account is new.
    pub kept: Option<PathBuf>,
    /// What else is said of it.
    pub options: Options,
}

impl Settings {
    /// Whether the simulator inside the process stands in for the service.
    pub(crate) fn sim(&self) -> bool {
        self.sim
    }

    /// Why calls go where they go, where that is not plain from the command.
    pub(crate) fn route(&self) -> Option<&'static str> {
        self.route
    }

    /// What the simulator inside the process begins with, where it stands in for the service.
    ///
    /// # Errors
    /// `usage` for flags of `--sim` without it, and for those of a new account beside a kept one.
    pub(crate) fn simulation(&self) -> Result<Option<Simulation>> {
        let flags = &self.flags;
        let kept = match &flags.sim {
            Some(Simulator::Kept(path)) if self.sim => Some(path.clone()),
            _ if self.sim => None,
            _ => {
                let stray = self.simulator_flag();
                let wrong = |flag| Error::new(Kind::Usage, format!("{flag} is given without --sim"));
                return stray.map_or(Ok(None), |flag| Err(wrong(flag).hint("add --sim, or leave it out")));
            }
        };
        let of_new = [("--sim-fleet", flags.sim_fleet.is_some()), ("--sim-start", flags.sim_start.is_some())];
        if let (Some(path), Some((flag, _))) = (&kept, of_new.iter().find(|(_, given)| *given)) {
            let why = format!("{flag} is for a new account, and --sim={} begins with a kept one", path.display());
            return Err(Error::new(Kind::Usage, why).hint(format!("leave out {flag} or the file")));
        }
        let usual = Options::demo();
        let options = Options {
            faults: flags.sim_fault.iter().flat_map(|rules| rules.0.clone()).collect(),
            seed: flags.sim_seed.unwrap_or(usual.seed),
            start: flags.sim_start.unwrap_or(usual.start),
            fleet: flags.sim_fleet.unwrap_or_default(),
            ..usual
        };
        options.check_faults()?;
        Ok(Some(Simulation { kept, options }))
    }

    /// A flag that only says something about the simulator inside the process.
    pub(crate) fn simulator_flag(&self) -> Option<&'static str> {
        let flags = &self.flags;
        let given = [
            ("--sim-fault", !flags.sim_fault.is_empty()),
            ("--sim-fleet", flags.sim_fleet.is_some()),
            ("--sim-start", flags.sim_start.is_some()),
            ("--sim-seed", flags.sim_seed.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}
