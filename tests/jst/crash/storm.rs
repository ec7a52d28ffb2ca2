//! Moments by chance, again and again, while the service misbehaves as well.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use fastrand::Rng;

use super::{World, boundary, in_parallel};
use crate::support::{Jst, Ran};

/// So many runs, or as many as `JST_STORM` says; the first has the seed that `JST_SEED` says.
const RUNS: u64 = 300;

/// What may go wrong with calls that come to the service; each storm has some of it, seldom or often.
const FAULTS: [&str; 9] = [
    "*:throttle",
    "*:500",
    "*:503",
    "*:close",
    "CreateNodeLabel:lost",
    "ScaleApp:lost",
    "*:500:applied=true",
    "*:half",
    "CreateNodeLabel:garbage",
];

/// What befalls the process.
#[derive(Debug)]
enum Harm {
    None,
    /// It is killed at this moment, counted in what it does.
    DiesAt(usize),
    /// The disk is full from this write on.
    FullAt(usize),
    /// No file may be longer than so many blocks of 512 bytes.
    Quota(usize),
}

impl Harm {
    fn pick(rng: &mut Rng) -> Self {
        match rng.u8(0..8) {
            0 => Self::None,
            1..6 => Self::DiesAt(rng.usize(1..450)),
            6 => Self::FullAt(rng.usize(1..700)),
            _ => Self::Quota(rng.usize(60..1_500)),
        }
    }

    fn befall(&self, run: Jst) -> Ran {
        match self {
            Self::None => run.run(),
            Self::DiesAt(moment) => run.env("LD_PRELOAD", boundary()).env("JST_TEST_DIES_AT", moment.to_string()).run(),
            Self::FullAt(write) => run.env("LD_PRELOAD", boundary()).env("JST_TEST_FULL_AT", write.to_string()).run(),
            Self::Quota(blocks) => {
                let (command, _home) = run.into_command();
                let limited = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
                let mut shell = Command::new("sh");
                shell.args(["-c", &limited]).arg(command.get_program()).args(command.get_args()).env_clear();
                shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
                Ran::of(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            }
        }
    }
}

#[test]
fn whatever_befalls_a_job_its_writes_are_made_once_or_named() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (runs, first) = (number("JST_STORM", RUNS), number("JST_SEED", 1));
    eprintln!("{runs} storms from JST_SEED={first} on");
    // They wait for each other's time-outs more than they work.
    in_parallel(32, |n| {
        let is_wanted = (n as u64) < runs;
        if is_wanted {
            storm(first + n as u64);
        }
        if is_wanted && n % 1_000 == 999 {
            eprintln!("storm {}", n + 1);
        }
        is_wanted
    });
}

fn storm(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut faults: Vec<String> =
        FAULTS.iter().filter(|_| rng.u8(0..4) == 0).map(|fault| (*fault).to_owned()).collect();
    for fault in &mut faults {
        write!(fault, ":probability={}", [0.01, 0.05, 0.2][rng.usize(0..3)]).unwrap();
    }
    let mut harms: Vec<Harm> = (0..rng.usize(1..6)).map(|_| Harm::pick(&mut rng)).collect();
    let what = format!("JST_SEED={seed} JST_STORM=1: {faults:?}, {harms:?}");
    let world = World::new(&faults, seed);
    world.finish(&what, &mut |run| harms.pop().unwrap_or(Harm::None).befall(run));
    world.assert_once(&what);
}
