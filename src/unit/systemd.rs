//! A service and its timer.

use std::path::Path;

use super::{Plan, given, profile_note};

/// Folders of which the service below has its own or less, and what its settings make of them.
const APART: [(&str, &str); 5] = [
    ("/tmp", "of which the unit has one of its own (PrivateTmp)"),
    ("/var/tmp", "of which the unit has one of its own (PrivateTmp)"),
    ("/home", "where the unit's user reads only what everybody may, and writes nothing (DynamicUser, ProtectHome)"),
    ("/root", "where the unit's user reads only what everybody may, and writes nothing (DynamicUser, ProtectHome)"),
    ("/run/user", "where the unit's user reads only what everybody may, and writes nothing (DynamicUser, ProtectHome)"),
];

/// What the service cannot use where it is: the program, the script, and what flags name.
pub(super) fn out_of_reach(plan: &Plan) -> Vec<String> {
    let flags = plan.before.iter().chain(&plan.flags);
    let named = flags.filter_map(|word| word.split_once('=')).map(|(_, path)| path);
    let own = plan.metrics.iter().chain(&plan.reports).chain(&plan.state).map(String::as_str);
    let mut told: Vec<String> = Vec::new();
    // Only what a word of the script names needs the folder.
    let is_needed = plan.args.iter().any(|word| !word.starts_with('/') && Path::new(&plan.folder).join(word).exists());
    let folder = is_needed.then_some(plan.folder.as_str());
    for path in [plan.program.as_str(), &plan.script].into_iter().chain(folder).chain(own).chain(named) {
        if let Some((folder, why)) = APART.iter().find(|(folder, _)| Path::new(path).starts_with(folder)) {
            let line = format!("{path} is below {folder}, {why}: put it elsewhere, such as below /opt or /srv");
            if !told.contains(&line) {
                told.push(line);
            }
        }
    }
    told
}

/// Both, each below the path that it belongs at.
pub(super) fn text(plan: &Plan) -> String {
    let name = plan.name();
    let words = plan.words("${STATE_DIRECTORY}", &plan.script);
    let command: Vec<String> = std::iter::once(&plan.program).chain(&words).map(|word| quoted(word)).collect();
    let calendars: Vec<String> =
        plan.schedule.calendars(&plan.zone).iter().map(|calendar| format!("OnCalendar={calendar}")).collect();
    let elsewhere: String =
        given::folders(&words).iter().map(|folder| format!(" {}", quoted(&format!("-{folder}")))).collect();
    let profile = profile_note(plan, "#");
    format!(
        "{profile}# /etc/systemd/system/jst-{name}.service\n\
         [Unit]\n\
         Description=jst: {name}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # What the script's words name by relative paths is of this folder.\n\
         WorkingDirectory=-{}\n\
         ExecStart={}\n\
         # The access key, as ALIBABA_CLOUD_ACCESS_KEY_ID=… and so on; readable by root only.\n\
         EnvironmentFile=-/etc/jst/{name}.env\n\
         # The journal, the metrics and the report are here: /var/lib/jst.\n\
         StateDirectory=jst\n\
         TimeoutStartSec={}\n\
         TimeoutStopSec={}\n\
         DynamicUser=yes\n\
         NoNewPrivileges=yes\n\
         ProtectSystem=strict\n\
         ProtectHome=read-only\n\
         PrivateTmp=yes\n\
         PrivateDevices=yes\n\
         ProtectClock=yes\n\
         ProtectControlGroups=yes\n\
         ProtectHostname=yes\n\
         ProtectKernelLogs=yes\n\
         ProtectKernelModules=yes\n\
         ProtectKernelTunables=yes\n\
         RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n\
         RestrictNamespaces=yes\n\
         RestrictRealtime=yes\n\
         LockPersonality=yes\n\
         MemoryDenyWriteExecute=yes\n\
         SystemCallArchitectures=native\n\
         CapabilityBoundingSet=\n\
         # Locks that other users of the machine see, and whatever else the run writes: its user needs the right to.\n\
         ReadWritePaths=-/run/lock{elsewhere}\n\
         \n\
         # /etc/systemd/system/jst-{name}.timer\n\
         [Unit]\n\
         Description=jst: {name}\n\
         \n\
         [Timer]\n\
         {}\n\
         Persistent=true\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        plan.folder.replace('%', "%%"),
        command.join(" "),
        plan.longest(),
        plan.ending(),
        calendars.join("\n"),
    )
}

/// A word as systemd takes it; only the folder of the state stays a variable.
fn quoted(word: &str) -> String {
    let variable = "${STATE_DIRECTORY}";
    let (head, rest) = word.strip_prefix(variable).map_or(("", word), |rest| (variable, rest));
    let escaped = rest.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+{}".contains(c);
    let plain = !word.is_empty() && rest.chars().all(is_plain);
    if plain { format!("{head}{escaped}") } else { format!("\"{head}{escaped}\"") }
}
