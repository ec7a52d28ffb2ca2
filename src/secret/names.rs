//! Names that tell of a secret: those of fields, by which values are masked, and those of a script, by which
//! its lines are shown or not.

/// What the name of a secret ends with, once it is written without capitals and `_`.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "dbpass",
    "userpass",
    "rootpass",
    "adminpass",
    "loginpass",
    "authpass",
    "secret",
    "token",
    "credential",
    "secretkey",
    "privatekey",
    "accesskey",
    "apikey",
    "encryptionkey",
    "signingkey",
    "signkey",
    "masterkey",
    "authkey",
    "sessionkey",
];

/// Tokens that only lead to a next page, or tell calls apart.
const HARMLESS: &[&str] = &["nexttoken", "pagetoken", "paginationtoken", "continuationtoken", "clienttoken"];

/// Words behind the name of a secret that leave it one: `PasswordNew`, `SecretList`.
const BESIDE: &[&str] = &[
    "again",
    "array",
    "base",
    "clear",
    "confirm",
    "confirmation",
    "current",
    "data",
    "encoded",
    "encrypted",
    "hash",
    "json",
    "list",
    "map",
    "new",
    "old",
    "plain",
    "plaintext",
    "raw",
    "repeat",
    "set",
    "string",
    "text",
    "value",
];

/// Words before it that make it a yes or no: `HasPassword`.
const ASKING: &[&str] = &["has", "is", "needs", "requires", "use", "uses"];

/// Words at the end of a name that is about a secret and holds none: `SecretName`, `TokenCount`.
const ABOUT: &[&str] = &[
    "count",
    "enabled",
    "expiration",
    "expire",
    "file",
    "id",
    "kind",
    "length",
    "limit",
    "name",
    "number",
    "path",
    "policy",
    "ref",
    "size",
    "state",
    "statu",
    "time",
    "type",
    "url",
    "version",
];

/// Whether a field of this name holds a secret: `Password`, `access_key`, `Passwords.1`, `PasswordNew`. What a
/// name says last is what it names: a `SecretName` is a name.
pub(crate) fn is_secret_name(name: &str) -> bool {
    name.split('.').any(|part| is_secret(&words(part)))
}

fn is_secret(words: &[String]) -> bool {
    let asks = words.len() > 1 && words.first().is_some_and(|word| ASKING.contains(&word.as_str()));
    let end = words.iter().rposition(|word| !BESIDE.contains(&word.as_str())).map_or(0, |at| at + 1);
    let named = words.get(..end).unwrap_or_default();
    let joined = named.concat();
    !asks && (ends(&joined, SECRET) && !ends(&joined, HARMLESS) || named.last().is_some_and(|word| word == "pw"))
}

/// Whether a name of a script tells of a secret, in any of its words or nearly: `reset_password_of`, `Passwrod`.
/// More tell than [`is_secret_name`] knows: what a line of a script holds is known by nothing else.
pub(crate) fn tells_of_secret(name: &str) -> bool {
    let words = words(name);
    let is_about = words.last().is_some_and(|word| ABOUT.contains(&word.as_str()));
    is_secret(&words) || !is_about && !ends(&words.concat(), HARMLESS) && speaks(&words)
}

fn speaks(words: &[String]) -> bool {
    let spoken = |word: &String| {
        matches!(word.as_str(), "pass" | "pw") || ends(word, SECRET) || word.starts_with("passw") || is_slip(word)
    };
    // `PassWord`, `secret_key_of`
    let pair = |pair: &[String]| ends(&pair.concat(), SECRET);
    words.iter().any(spoken) || words.windows(2).any(pair)
}

/// Whether a word is a slip of the keyboard away from one that tells of a secret.
fn is_slip(word: &str) -> bool {
    const MEANT: [(&str, usize); 6] =
        [("password", 2), ("passphrase", 2), ("credential", 2), ("passwd", 1), ("secret", 1), ("token", 1)];
    const ORDINARY: [&str; 3] = ["passed", "passport", "taken"];
    // Nobody misspells a word by a page of text, and comparing it would take long.
    let may_be = word.len() <= 16 && !ORDINARY.contains(&word);
    may_be && MEANT.iter().any(|(meant, slips)| strsim::osa_distance(meant, word) <= *slips)
}

fn ends(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending))
}

/// The words of a name in lower case and the singular: of `APIKeys2` and `api_keys`, `api` and `key`.
fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut before) = (Vec::new(), String::new(), None::<char>);
    let mut letters = name.chars().peekable();
    while let Some(c) = letters.next() {
        let follows_small = before.is_some_and(char::is_lowercase);
        let begins_word = before.is_some_and(char::is_uppercase) && letters.peek().is_some_and(|c| c.is_lowercase());
        if !c.is_alphabetic() || c.is_uppercase() && (follows_small || begins_word) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    for word in &mut words {
        if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
            word.pop();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_secrets_are_known_by_their_names() {
        for name in "\
            Password password2 rootPassword PassWord ROOT_PASSWORD Passwords.1 Accounts.2.Password \
            PasswordNew NewPassword password_confirmation Passphrase Pwd DbPwd db_pass pw \
            AccessKeySecret accesskeysecret SecretKey secret_access_key SecretList SecretValues \
            access_key AccessKey ApiKey APIKeys private_key Token Tokens SecurityToken security_token \
            sts_token Credentials client_secret"
            .split_whitespace()
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in "\
            1 NextToken next_token nexttoken PageToken ClientToken TokenCount TokenExpiration \
            SecretName SecretNames secret_id AccessKeyId access_key_id KeyPair KeyPairName PublicKey \
            LabelKey Key Keys HasPassword is_token Compass Passed pass Bypass PasswordPolicy \
            PasswordLength Secretary Tokenizer DeployType ListValue"
            .split_whitespace()
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn names_of_a_script_tell_of_secrets_in_any_word_or_nearly() {
        for name in "\
            Password reset_password_of setTokenFor secrets_by_env Pasword Passwrod pasword secrt tokne \
            pass passwort pw api_key AccesKeySecret"
            .split_whitespace()
        {
            assert!(tells_of_secret(name), "{name}");
        }
        for name in "\
            next_token NextToken TokenCount SecretName LabelKey key keys taken broken passport passed \
            scale_app envs secretary_name AccessKeyId"
            .split_whitespace()
        {
            assert!(!tells_of_secret(name), "{name}");
        }
    }
}
