//! A service and its timer.

use super::{Plan, given, profile_note};

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
