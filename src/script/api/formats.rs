//! YAML, TOML, base64 and digests.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rhai::{Blob, Dynamic, ImmutableString, Module};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::csv::text_of;
use super::function;
use super::json::Distinct;
use super::options::Options;
use super::register as register_any;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::script::value::{ScriptResult, from_dynamic, throw, to_dynamic};
use crate::script::words::shown;
use crate::show::data;

pub(super) fn register(module: &mut Module) {
    register_yaml(module);
    const TOML: &str = "The map that a TOML text stands for; dates are text.";
    function("parse_toml", &["text: string", "map"], TOML)
        .set_into_module(module, |text: ImmutableString| parse_toml(&text).map(to_dynamic).map_err(throw));
    const BASE64: &str = "A text, or bytes, in base64.";
    register_any(module, "base64", &["value: any", "string"], BASE64, |_, args| match args {
        [value] => with_bytes("base64", value, |bytes| {
            memory::room_for(bytes.len() * 2).map_err(throw)?;
            Ok(base64::prelude::BASE64_STANDARD.encode(bytes).into())
        }),
        _ => Ok(Dynamic::UNIT),
    });
    const FROM: &str = "The text that stands in base64, in either alphabet, padded or not, on one line or many; with option `bytes` a blob.";
    for signature in [&["text: string", "string"][..], &["text: string", "options: map", "any"]] {
        register_any(module, "from_base64", signature, FROM, |_, args| match args {
            [text, options @ ..] => {
                let options = options.first().map(|options| &**options);
                let bytes = Options::of("from_base64", options, &["bytes"])?.flag("bytes")?;
                from_base64(&text_of("from_base64", text)?, bytes).map_err(throw)
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const SHA256: &str = "The SHA-256 digest of a text, or of bytes, in hexadecimal.";
    register_any(module, "sha256", &["value: any", "string"], SHA256, |_, args| match args {
        [value] => with_bytes("sha256", value, |bytes| {
            Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
        }),
        _ => Ok(Dynamic::UNIT),
    });
}

fn with_bytes(function: &str, value: &Dynamic, work: impl FnOnce(&[u8]) -> ScriptResult) -> ScriptResult {
    if let Ok(text) = value.as_immutable_string_ref() {
        return work(text.as_bytes());
    }
    match value.as_blob_ref() {
        Ok(bytes) => work(&bytes),
        Err(_) => {
            Err(throw(Error::new(Kind::Invalid, format!("{function} takes a text or a blob, not {}", shown(value)))))
        }
    }
}

fn from_base64(text: &str, bytes: bool) -> Result<Dynamic> {
    const ANY: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    memory::room_for(text.len() * 2)?;
    let standard = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).map(standard).collect();
    let decoded: Blob =
        ANY.decode(plain).map_err(|_| Error::new(Kind::Invalid, "from_base64 was given text that is not base64"))?;
    if bytes {
        return Ok(Dynamic::from_blob(decoded));
    }
    String::from_utf8(decoded).map(Into::into).map_err(|_| {
        Error::new(Kind::Invalid, "from_base64 was given base64 of bytes that are no text")
            .hint("#{ bytes: true } gives them as a blob")
    })
}

fn register_yaml(module: &mut Module) {
    const PARSE: &str =
        "The value that a YAML text stands for; of several documents, or with option `many`, an array of theirs.";
    for signature in [&["text: string", "any"][..], &["text: string", "options: map", "any"]] {
        register_any(module, "parse_yaml", signature, PARSE, |_, args| match args {
            [text, options @ ..] => {
                let options = options.first().map(|options| &**options);
                let many = Options::of("parse_yaml", options, &["many"])?.flag("many")?;
                let mut documents = parse_yaml(&text_of("parse_yaml", text)?).map_err(throw)?;
                Ok(to_dynamic(match documents.len() {
                    0 if !many => Value::Null,
                    1 if !many => documents.swap_remove(0),
                    _ => documents.into(),
                }))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const YAML: &str = "A value as YAML; with option `many`, each element of a list as a document of its own.";
    for signature in [&["value: any", "string"][..], &["value: any", "options: map", "string"]] {
        register_any(module, "yaml", signature, YAML, |_, args| match args {
            [value, options @ ..] => {
                let many = Options::of("yaml", options.first().map(|options| &**options), &["many"])?.flag("many")?;
                yaml(data::in_document_order(from_dynamic(value).map_err(throw)?), many).map(Into::into).map_err(throw)
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
}

fn parse_yaml(text: &str) -> Result<Vec<Value>> {
    // What a value takes while it is read and turned into the script's.
    const VALUE: usize = 256;
    let values = text.bytes().filter(|byte| matches!(byte, b'\n' | b',' | b'[' | b'{' | b'*')).count();
    memory::room_for(text.len().saturating_add(values.saturating_mul(VALUE)))?;
    // As Kubernetes reads it: the 0644 of a manifest is octal.
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let documents = serde_saphyr::from_multiple_with_options::<Distinct>(text.trim_start_matches('\u{feff}'), options);
    let documents = documents.map_err(|error| {
        let why = why(&error);
        Error::new(Kind::Invalid, format!("parse_yaml was given text that is not YAML: {why}"))
    })?;
    Ok(documents.into_iter().map(|Distinct(value)| value).collect())
}

/// Why a text is not read, in words that need no knowledge of the reader.
fn why(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Yaml;
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let words = match error.without_snippet() {
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => "an anchor holds itself",
        Yaml::Unexpected { expected: "string scalar", .. } => "a key is no text",
        Yaml::NonFiniteFloat { .. } => "a number without end cannot be data",
        Yaml::InvalidScalar { .. } => "the value is not what its tag says",
        // At the budget, or at an anchor that leads beyond it.
        _ if line.contains("budget breached") => "there is too much of it once its anchors are followed",
        _ => return line.strip_prefix("error: ").unwrap_or(line).to_owned(),
    };
    let at = error.location().map(|at| format!("line {} column {}: ", at.line(), at.column())).unwrap_or_default();
    format!("{at}{words}")
}

fn yaml(value: Value, many: bool) -> Result<String> {
    let documents = match value {
        Value::Array(list) if many => list,
        other if many => {
            return Err(Error::new(Kind::Invalid, format!("yaml writes a list as many documents, not {other}")));
        }
        other => vec![other],
    };
    let write = |document: &Value| {
        serde_saphyr::to_string(document)
            .map_err(|error| Error::new(Kind::Invalid, format!("yaml cannot write this value: {error}")))
    };
    let texts = documents.iter().map(write).collect::<Result<Vec<String>>>()?;
    Ok(texts.join("---\n"))
}

fn parse_toml(text: &str) -> Result<Value> {
    fn value(toml: toml::Value) -> Result<Value> {
        Ok(match toml {
            toml::Value::String(text) => text.into(),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) if !number.is_finite() => {
                return Err(Error::new(Kind::Invalid, format!("parse_toml was given {number}, which cannot be data")));
            }
            toml::Value::Float(number) => number.into(),
            toml::Value::Boolean(flag) => flag.into(),
            toml::Value::Datetime(time) => time.to_string().into(),
            toml::Value::Array(list) => list.into_iter().map(value).collect::<Result<Vec<_>>>()?.into(),
            toml::Value::Table(table) => table
                .into_iter()
                .map(|(key, inner)| Ok((key, value(inner)?)))
                .collect::<Result<serde_json::Map<_, _>>>()?
                .into(),
        })
    }
    const VALUE: usize = 256;
    let values = text.bytes().filter(|byte| matches!(byte, b'\n' | b',' | b'[' | b'{')).count();
    memory::room_for(text.len().saturating_add(values.saturating_mul(VALUE)))?;
    let table: toml::Table = text.trim_start_matches('\u{feff}').parse().map_err(|error: toml::de::Error| {
        let line = error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
        let at = line.map(|line| format!(" at line {line}")).unwrap_or_default();
        let why =
            if error.message().ends_with("value was too large") { "a number is too large" } else { error.message() };
        Error::new(Kind::Invalid, format!("parse_toml was given text that is not TOML: {why}{at}"))
    })?;
    value(toml::Value::Table(table))
}
