//! A file to begin with: every key with what its flag's help says, as comments.

use super::parse::{NOT_IN_FILE, NOT_IN_PROFILE};
use crate::settings::given::{arguments, default_in, is_list, is_switch};

/// The text before the settings.
const HEAD: &str = "\
# Settings of jst. Each key is a flag of the same name, with underscores. A flag outranks its variable (JST_ and the
# name), a variable a profile, a profile [defaults]. What forbids (read_only, deny) adds up over all of them; what
# grants (allow, allow_...) can only narrow what another grants; of max_writes and its kin the least holds. `jst config` shows what holds and why; `jst config
# check` looks for mistakes.

[defaults]
";

/// The profiles, behind the settings.
const PROFILES: &str = r#"
# A profile is chosen by --profile, JST_PROFILE, ALIBABA_CLOUD_PROFILE or `profile` in [defaults].
# [profiles.shop-a]
# production = true             # the prompt, questions, `jst whoami` and `jst config` say so
# read_only = true
# deny = ["Delete*"]
# credentials = "shop-a"        # who signs: a profile of ~/.aliyun/config.json or ~/.alibabacloud/credentials
#
# [profiles.shop-b.credentials] # or what such a profile would hold: see the modes in src/credentials/README.md
# mode = "ChainableRamRoleArn"
# source_profile = "shop-a"
# ram_role_arn = "acs:ram::1234567890123456:role/ops"
# ram_session_name = "jst"
"#;

/// Every key as a comment.
pub(crate) fn sample() -> String {
    let mut text = HEAD.to_owned();
    for (arg, long) in arguments().filter(|(arg, long)| long != NOT_IN_FILE && !arg.is_hide_set()) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let value = match default_in(&help) {
            Some(default) if default.parse::<f64>().is_ok() => default.to_owned(),
            Some(default) if !default.contains(' ') => format!("{default:?}"),
            _ if is_list(&long) => "[]".to_owned(),
            _ if is_switch(&arg) => "false".to_owned(),
            _ => "\"\"".to_owned(),
        };
        let only = if long == NOT_IN_PROFILE { "; not in a profile" } else { "" };
        text.push_str(&format!("# {help}{only}\n# {} = {value}\n", long.replace('-', "_")));
    }
    text + PROFILES
}
