//! Messages to people: to a robot of DingTalk's, signed as it wants, or as JSON to any webhook.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::error::{Error, Kind, Result};
use crate::net::outside::{Answer, Asked, Outside};

use crate::net::Url;
use crate::secret::Secret;

/// Who a message goes to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A robot of DingTalk's, with the secret that signs where it has one.
    DingTalk(Url, Option<Secret>),
    /// Whoever takes JSON.
    Webhook(Url),
}

/// What sending may take.
const LONGEST: Duration = Duration::from_secs(10);

/// The longest message, in characters: DingTalk takes 20,000 bytes.
const LONGEST_TEXT: usize = 5_000;

/// What is to be known of a message that was not taken.
const NOT_THE_RUN: &str = "it is the message that was refused, and no call of the service: a script goes on by try { notify(…) } catch (err) { log::warn(err.message) }";

impl Target {
    /// Who a URL is of: DingTalk's own is known by its place.
    pub(crate) fn of(url: &str) -> Result<Self> {
        let url = parse(url)?;
        let is_robot = url.host_str() == Some("oapi.dingtalk.com") && url.path() == "/robot/send";
        Ok(if is_robot { Self::DingTalk(url, None) } else { Self::Webhook(url) })
    }

    /// A robot of DingTalk's, which may sign.
    pub(crate) fn robot(url: &str, secret: Option<Secret>) -> Result<Self> {
        Ok(Self::DingTalk(parse(url)?, secret))
    }

    /// The host that it is sent to.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::DingTalk(url, _) | Self::Webhook(url) => url.host_str().unwrap_or_default(),
        }
    }

    /// Sends a text, at this time in milliseconds since 1970, if its host is granted.
    ///
    /// # Errors
    /// `policy` for a host that is not; `network` and `unknown_outcome` when it is not known to have got there; `api`
    /// when it was refused.
    pub(crate) async fn send(&self, outside: &Outside, text: &str, now: i64) -> Result<()> {
        let text: String = text.chars().take(LONGEST_TEXT).collect();
        let (url, body) = match self {
            Self::Webhook(url) => (url.clone(), json!({"text": text})),
            Self::DingTalk(url, secret) => {
                let url = secret.as_ref().map_or_else(|| url.clone(), |secret| signed(url, secret, now));
                (url, json!({"msgtype": "text", "text": {"content": text}}))
            }
        };
        let asked = Asked {
            function: "notify",
            url: url.into(),
            body: Some(body.to_string()),
            headers: vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())],
            timeout: LONGEST,
        };
        self.accepted(&outside.send(&asked).await?).map_err(|error| error.hint(NOT_THE_RUN))
    }

    /// Whether the message was taken: DingTalk says no within a 200, as WeCom, Feishu and others do.
    fn accepted(&self, answer: &Answer) -> Result<()> {
        let host = self.host();
        if !(200..300).contains(&answer.status) {
            let why = format!("{host} did not take the message: it answered {}", answer.status);
            return Err(Error::new(Kind::Api, why).with(|error| error.http_status = Some(answer.status)));
        }
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let refused = |code: Option<i64>, message: &str| {
            Err(Error::new(Kind::Api, format!("{host} did not take the message: {message}"))
                .with(|error| error.code = code.map(Value::from)))
        };
        match (self, verdict(&said)) {
            (_, Some((code, message))) if code != 0 => refused(Some(code), &message),
            (Self::DingTalk(..), _) if said.get("errcode").is_none() => {
                refused(None, "its answer is none of DingTalk's")
            }
            _ => Ok(()),
        }
    }
}

/// The code and the words of robots that answer 200 whatever became of the message: `errcode` of DingTalk and WeCom,
/// `code` with `msg` and formerly `StatusCode` of Feishu. `None` for an answer of another form.
fn verdict(said: &Value) -> Option<(i64, String)> {
    let number = |name: &str| {
        let code = said.get(name)?;
        code.as_i64().or_else(|| code.as_str()?.trim().parse().ok())
    };
    let forms = [("errcode", "errmsg", false), ("code", "msg", true), ("StatusCode", "StatusMessage", false)];
    let found: Vec<(i64, String)> = forms
        .into_iter()
        .filter(|(_, words, needs_words)| !needs_words || said.get(*words).is_some())
        .filter_map(|(code, words, _)| {
            let code = number(code)?;
            let words = said.get(words).and_then(Value::as_str).filter(|words| !words.is_empty());
            Some((code, words.map_or_else(|| format!("its answer says {code}"), str::to_owned)))
        })
        .collect();
    found.iter().find(|(code, _)| *code != 0).or(found.first()).cloned()
}

/// A robot's URL with the time and its signature.
fn signed(url: &Url, secret: &Secret, now: i64) -> Url {
    let (mut url, now) = (url.clone(), now.to_string());
    url.query_pairs_mut().append_pair("timestamp", &now).append_pair("sign", &signature(secret, &now));
    url
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| Error::new(Kind::Invalid, format!("notify: the URL is wrong ({error})")))
}

fn signature(secret: &Secret, now: &str) -> String {
    let text = format!("{now}\n{}", secret.expose());
    // A key of any length is one.
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
    mac.map(|mac| STANDARD.encode(mac.chain_update(text).finalize().into_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Made with `openssl dgst -sha256 -hmac`, as DingTalk's documents describe it.
    #[test]
    fn the_signature_is_dingtalks() {
        assert_eq!(signature(&Secret::new("SECfake"), "1764200000000"), SIGNED);
    }

    const SIGNED: &str = "ZIIijKof33GvEnyr7sdHqx0Y/m/tReX/UbxiLLEkHGM=";

    #[test]
    fn what_is_answered_says_whether_it_was_taken() {
        const ROBOT: &str = "https://oapi.dingtalk.com/robot/send?access_token=fake";
        let (robot, hook) = (Target::of(ROBOT).unwrap(), Target::Webhook(parse(ROBOT).unwrap()));
        let answer = |status, body: &str| Answer { status, headers: Vec::new(), body: body.to_owned() };
        assert!(robot.accepted(&answer(200, r#"{"errcode":0,"errmsg":"ok"}"#)).is_ok());
        let refused = robot.accepted(&answer(200, r#"{"errcode":310000,"errmsg":"sign not match"}"#)).unwrap_err();
        assert_eq!(refused.message, "oapi.dingtalk.com did not take the message: sign not match");
        assert!(robot.accepted(&answer(200, "<html>")).is_err());
        assert!(robot.accepted(&answer(200, r#"{"code":0,"msg":"success"}"#)).is_err());
        assert!(hook.accepted(&answer(204, "")).is_ok());
        for (body, wanted) in [
            (r#"{"errcode":0,"errmsg":"ok"}"#, None),
            (r#"{"code":0,"msg":"success","data":{}}"#, None),
            (r#"{"StatusCode":0,"StatusMessage":"success","code":0,"msg":"success"}"#, None),
            // Of no robot's form.
            (r#"{"code":200}"#, None),
            (r#"{"code":"queued","msg":"x"}"#, None),
            (r#"["errcode", 1]"#, None),
            ("ok", None),
            (r#"{"errcode":310000,"errmsg":"keywords not in content"}"#, Some("keywords not in content")),
            (r#"{"errcode":93000}"#, Some("its answer says 93000")),
            (r#"{"code":19021,"msg":"sign match fail"}"#, Some("sign match fail")),
            (r#"{"StatusCode":9499,"StatusMessage":"Bad Request"}"#, Some("Bad Request")),
            (r#"{"errcode":"40058","errmsg":"bad"}"#, Some("bad")),
        ] {
            let said = hook.accepted(&answer(200, body)).map_err(|error| error.message.clone());
            let wanted = wanted.map(|words| format!("oapi.dingtalk.com did not take the message: {words}"));
            assert_eq!(said.err(), wanted, "{body}");
        }
        assert_eq!(
            hook.accepted(&answer(403, "")).unwrap_err().message,
            "oapi.dingtalk.com did not take the message: it answered 403"
        );
    }
}
