//! Secrets that stand in the text of a script or module: what it gives to parameters that hold one. They are known before
//! anything runs, as a run that goes on does not come by what it wrote in the steps that it skips.

use std::collections::BTreeSet;

use rhai::Engine;

use super::tokens::{self, Token, What};
use crate::secret::{Class, Secret, is_secret_name};
use crate::show::redaction::REDACTOR;

/// Has the secrets of a text known, and gives the names of the parameters that they are given to.
pub(super) fn know(text: &str) -> BTreeSet<String> {
    let found = in_text(text);
    found.iter().for_each(|(_, secret)| REDACTOR.add(secret, Class::Password));
    found.into_iter().map(|(name, _)| name).collect()
}

/// The texts that are written out for parameters with secrets, each with its parameter's name.
fn in_text(text: &str) -> Vec<(String, Secret)> {
    // Most texts have none, and are not read once more.
    if !text.split(|c: char| !c.is_alphanumeric() && c != '_').any(holds_secret) {
        return Vec::new();
    }
    let tokens: Vec<Token<'_>> =
        tokens::read(text).into_iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Some((name, value)) = given_at(&tokens, at) else { continue };
        let texts = written_out(value).into_iter().flat_map(|token| meant(&tokens, token));
        found.extend(texts.filter_map(|token| Some((name.to_owned(), Secret::new(value_of(token)?)))));
    }
    found
}

/// Whether a parameter of this name holds a secret. Those of the service begin with a capital: a script's own maps are
/// its own.
fn holds_secret(name: &str) -> bool {
    name.starts_with(|c: char| c.is_uppercase()) && is_secret_name(name)
}

/// The name of a parameter with a secret that is given here, and the tokens from its value on: `Password: "x"`,
/// `params.Password = "x"`, `params["Password"] = "x"`.
fn given_at<'t, 'a>(tokens: &'t [Token<'a>], at: usize) -> Option<(&'t str, &'t [Token<'a>])> {
    let named = tokens.get(at).filter(|token| matches!(token.what, What::Name | What::Text { .. }))?;
    let name = named.said();
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let before = |text: &str| at.checked_sub(1).is_some_and(|at| is(at, text));
    let value = if is(at + 1, ":") || before(".") && is(at + 1, "=") {
        at + 2
    } else if before("[") && is(at + 1, "]") && is(at + 2, "=") {
        at + 3
    } else {
        return None;
    };
    holds_secret(name).then_some(name).zip(tokens.get(value..))
}

/// The texts and names that a value is: itself, or one of those in its lists, maps and branches. What is only part of a
/// value is none, nor is what a function takes.
fn written_out<'t, 'a>(value: &'t [Token<'a>]) -> Vec<&'t Token<'a>> {
    let (mut found, mut open, mut called) = (Vec::new(), 0, 0);
    for (at, token) in value.iter().enumerate() {
        match token.text {
            _ if matches!(token.what, What::Text { .. }) => {}
            "(" => called += 1,
            ")" if called > 0 => called -= 1,
            "[" | "{" | "#{" => open += 1,
            "]" | "}" if open > 0 => open -= 1,
            ")" | "]" | "}" => break,
            "," | ";" if open + called == 0 => break,
            _ => {}
        }
        let is_whole = |beside: Option<&Token<'_>>| {
            beside.is_none_or(|beside| ![".", "?.", "+", "(", "::", ":", "=="].contains(&beside.text))
        };
        let before = at.checked_sub(1).and_then(|at| value.get(at)).filter(|before| !before.is(":"));
        let may_be = matches!(token.what, What::Text { .. } | What::Name);
        if may_be && called == 0 && is_whole(before) && is_whole(value.get(at + 1)) {
            found.push(token);
        }
    }
    found
}

/// The texts that a token means: itself, or all that its variable is ever given.
fn meant<'t, 'a>(tokens: &'t [Token<'a>], token: &'t Token<'a>) -> Vec<&'t Token<'a>> {
    if token.what != What::Name {
        return vec![token];
    }
    let gives = |at: &usize| {
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
        is(*at, token.text) && is(*at + 1, "=") && !at.checked_sub(1).is_some_and(|at| is(at, "."))
    };
    let values = (0..tokens.len()).filter(gives).filter_map(|at| tokens.get(at + 2..)).flat_map(written_out);
    values.filter(|token| matches!(token.what, What::Text { .. })).collect()
}

/// What a written text is; `None` for a piece of an interpolated one.
fn value_of(token: &Token<'_>) -> Option<String> {
    if token.what != (What::Text { open: false }) {
        return None;
    }
    // The engine knows its own escapes.
    Engine::new_raw().eval_expression::<String>(token.text).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::operations;

    #[test]
    fn texts_that_are_given_to_parameters_with_secrets_are_found() {
        for (text, secrets) in [
            (r#"create_cluster(#{ Title: "a", Password: "Fake-1" })"#, &["Fake-1"][..]),
            (r#"call("CreateCluster", #{"Password": `Fake-2`, Title: "a"})"#, &["Fake-2"]),
            ("let p = #{};\np.Password = \"Fake-3\"; p[\"Password\"] = \"Fake-4\";", &["Fake-3", "Fake-4"]),
            (r#"#{ SecretList: ["Fake-5", "Fake-6"], AppId: 1 }"#, &["Fake-5", "Fake-6"]),
            (r#"#{ Password: if t { "Fake-7" } else { "Fake-8" }, Title: "a" }"#, &["Fake-7", "Fake-8"]),
            (r#"const PW = "Fake-9"; let x = "other"; f(#{ Password: PW })"#, &["Fake-9"]),
            (r#"f(#{ Accounts: [#{ Name: "a", AccountPassword: "Fake-10" }] })"#, &["Fake-10"]),
            (r#"f(#{ Password: "Fake \"11\" \u4e2d" /* "no" */ })"#, &["Fake \"11\" 中"]),
            (r##"f(#{ Password: #"Fake-12"# })"##, &["Fake-12"]),
            // Names and parts of it are not it.
            (r#"f(#{ Password: env("DB_PASSWORD"), NextToken: "next-page" })"#, &[]),
            (r#"f(#{ Password: "Pw-" + n, SecretName: "name-of-it" })"#, &[]),
            (r#"f(#{ Password: `Pw-${n}-x` })"#, &[]),
            (r#"f(#{ password: "own map", Title: "Password" }); print("Password: no")"#, &[]),
            (r#"if p.Password == "nothing" { }"#, &[]),
            // What does not parse has some all the same, and ends nobody.
            (r#"f(#{ Password: "Fake-13" "#, &["Fake-13"]),
            (r#"f(#{ Password: "#, &[]),
        ] {
            let found: Vec<String> = in_text(text).iter().map(|(_, secret)| secret.expose().to_owned()).collect();
            assert_eq!(found, secrets, "{text}");
        }
    }

    /// Or those would have to be looked for, too.
    #[test]
    fn no_secret_is_given_by_its_position() {
        assert!(operations().all(|operation| operation.positional().all(|param| !param.secret)));
    }
}
