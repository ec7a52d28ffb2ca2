//! CSV read and written: rows as maps by the names of the first line, everything wrong with a text at once.

use std::io::Read as _;

use csv::{ReaderBuilder, StringRecord};
use rhai::{Array, Dynamic, Identifier, ImmutableString, Map, Module};

use super::keys::of_list;
use super::options::Options;
use super::register as register_any;
use crate::error::{Error, Kind, Problem, Result};
use crate::memory;
use crate::script::value::{ScriptResult, from_dynamic, throw};
use crate::script::words::{a, kind_of, shown};
use crate::show::data;
use crate::suggest;

/// The most problems of one text that are told.
const MOST: usize = 20;

/// Stands behind a text, as its last record unless a quote is open.
const END: &str = "\u{1}";

pub(super) fn register(module: &mut Module) {
    const PARSE: &str = "The rows of a CSV text as maps by the names in its first line. Options: `types`, a map from a column to int, float, bool or text, `separator`, and `line`, the field that each row shall have its line in.";
    for signature in [&["text: string", "array"][..], &["text: string", "options: map", "array"]] {
        register_any(module, "parse_csv", signature, PARSE, |_, args| match args {
            [text, options @ ..] => {
                let options = options.first().map(|options| &**options);
                let options = Options::of("parse_csv", options, &["types", "separator", "line"])?;
                let text = text_of("parse_csv", text)?;
                let types = types(&options)?;
                let line = options.text("line")?;
                parse(&text, &types, separator(&options)?, line.as_deref()).map(Dynamic::from_array).map_err(throw)
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const CSV: &str = "Maps as CSV with a first line of names: all columns, or those named. Options: `safe` puts a ' before what a spreadsheet would take for a formula, and `separator`.";
    const ROWS: &[&str] = &["rows: array", "string"];
    const COLUMNS: &[&str] = &["rows: array", "columns: array", "string"];
    const OPTIONS: &[&str] = &["rows: array", "columns: array", "options: map", "string"];
    for signature in [ROWS, COLUMNS, OPTIONS] {
        register_any(module, "csv", signature, CSV, |_, args| match args {
            [rows, columns @ ..] => {
                let options = Options::of("csv", columns.get(1).map(|options| &**options), &["safe", "separator"])?;
                let dialect = data::Dialect { separator: separator(&options)?, safe: options.flag("safe")? };
                let (rows, columns) =
                    (rows_of("csv", rows)?, columns_of("csv", columns.first().map(|columns| &**columns))?);
                data::csv_of("csv", rows, columns.as_deref(), dialect).map(Into::into).map_err(throw)
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
}

/// The text that a function was given.
pub(super) fn text_of(function: &str, text: &Dynamic) -> ScriptResult<ImmutableString> {
    text.clone()
        .into_immutable_string()
        .map_err(|_| throw(Error::new(Kind::Invalid, format!("{function} takes a text, not {}", shown(text)))))
}

/// Rows that a function was given.
pub(super) fn rows_of(function: &str, rows: &Dynamic) -> ScriptResult<Vec<serde_json::Value>> {
    of_list(function, rows, |rows| rows.iter().map(from_dynamic).collect::<Result<Vec<_>>>().map_err(throw))
}

/// Columns that a function was given; `None`, which is all, where it was given none.
pub(super) fn columns_of(function: &str, columns: Option<&Dynamic>) -> ScriptResult<Option<Vec<String>>> {
    let wrong =
        |what: &str, given: String| throw(Error::new(Kind::Invalid, format!("{function} takes {what}, not {given}")));
    let columns = columns.map(|columns| {
        let names = columns.as_array_ref().map_err(|_| wrong("a list of column names", shown(columns)))?;
        let name =
            |name: &Dynamic| name.clone().into_string().map_err(|_| wrong("column names as text", a(&kind_of(name))));
        names.iter().map(name).collect::<ScriptResult<Vec<String>>>()
    });
    columns.transpose()
}

fn separator(options: &Options) -> ScriptResult<u8> {
    let Some(text) = options.text("separator")? else { return Ok(b',') };
    match text.as_bytes() {
        &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(byte),
        _ => Err(throw(Error::new(
            Kind::Invalid,
            format!("a separator is one character such as ; or a tab, not {text:?}"),
        ))),
    }
}

/// What the cells of a column are.
#[derive(Clone, Copy)]
enum Type {
    Int,
    Float,
    Bool,
    Text,
}

const TYPES: [(&str, Type, &str); 4] = [
    ("int", Type::Int, "a whole number"),
    ("float", Type::Float, "a number"),
    ("bool", Type::Bool, "true or false"),
    ("text", Type::Text, "a text"),
];

impl Type {
    /// A cell; nothing for an empty one that is no text.
    fn read(self, cell: &str) -> Option<Dynamic> {
        let trimmed = cell.trim();
        match self {
            Self::Text => Some(cell.into()),
            _ if trimmed.is_empty() => Some(Dynamic::UNIT),
            Self::Int => trimmed.parse::<i64>().ok().map(Into::into),
            Self::Float => trimmed.parse::<f64>().ok().filter(|number| number.is_finite()).map(Into::into),
            Self::Bool => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(true.into()),
                "false" | "no" | "0" => Some(false.into()),
                _ => None,
            },
        }
    }

    fn words(self) -> &'static str {
        TYPES
            .iter()
            .find(|(_, known, _)| std::mem::discriminant(known) == std::mem::discriminant(&self))
            .map_or("", |(.., words)| words)
    }
}

fn types(options: &Options) -> ScriptResult<Vec<(String, Type)>> {
    let of = |(column, given): (Identifier, Dynamic)| {
        let known = TYPES.iter().find(|(name, ..)| given.as_immutable_string_ref().is_ok_and(|text| *text == *name));
        known.map(|(_, of, _)| (column.to_string(), *of)).ok_or_else(|| {
            let names = TYPES.map(|(name, ..)| name).join(", ");
            throw(Error::new(
                Kind::Invalid,
                format!("the type of the column `{column}` is one of {names}, not {}", shown(&given)),
            ))
        })
    };
    options.map("types")?.into_iter().map(of).collect()
}

/// The rows of a text, each with its line in the field `line`, where there is one.
fn parse(text: &str, types: &[(String, Type)], separator: u8, line: Option<&str>) -> Result<Array> {
    let text = text.trim_start_matches('\u{feff}');
    let end = format!("\n{END}");
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes().chain(end.as_bytes()));
    let (mut record, mut last) = (StringRecord::new(), 1);
    let (mut columns, mut rows, mut problems) = (None, Array::new(), Problems::default());
    // A record is looked at when it is known whether there is another: the last one is the end.
    let read = |reader: &mut csv::Reader<_>, record: &mut StringRecord| {
        reader.read_record(record).map_err(|error| Error::new(Kind::Invalid, format!("parse_csv: {error}")))
    };
    let mut next = StringRecord::new();
    read(&mut reader, &mut record)?;
    while read(&mut reader, &mut next)? {
        last = record.position().map_or(last, csv::Position::line);
        match &columns {
            None => columns = Some(Columns::new(&record, types, separator, &mut problems)?),
            Some(columns) => rows.extend(columns.row(&record, last, line, &mut problems)?.map(Dynamic::from_map)),
        }
        std::mem::swap(&mut record, &mut next);
    }
    if record.len() != 1 || record.get(0) != Some(END) {
        last = record.position().map_or(last, csv::Position::line);
        return Err(Error::new(Kind::Invalid, format!("parse_csv: a quote in line {last} or behind it is not closed")));
    }
    match columns {
        None => Err(Error::new(Kind::Invalid, "parse_csv was given a text without a line of names")),
        Some(_) => problems.into_result().map(|()| rows),
    }
}

/// The names of the columns, and what is in them.
struct Columns(Vec<(Identifier, Type)>);

impl Columns {
    /// Reads the line of names.
    fn new(record: &StringRecord, types: &[(String, Type)], separator: u8, problems: &mut Problems) -> Result<Self> {
        let names: Vec<&str> = record.iter().map(str::trim).collect();
        if let ([name], b',') = (names.as_slice(), separator)
            && let Some(other) = [';', '\t', '|'].into_iter().find(|other| name.contains(*other))
        {
            let message = format!("the columns are divided by {other:?}, not by commas");
            return Err(Error::new(Kind::Invalid, format!("parse_csv: {message}"))
                .hint(format!("add #{{ separator: {:?} }}", other.to_string())));
        }
        for (n, name) in names.iter().enumerate() {
            if name.is_empty() {
                problems.add(format!("line 1, column {}", n + 1), None, "has no name", None);
            } else if names.iter().take(n).any(|before| before == name) {
                problems.add(format!("line 1, {name}"), None, "is the name of two columns", None);
            }
        }
        for (name, _) in types.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            let near = suggest::nearest(name, names.iter().copied()).map(str::to_owned);
            problems.add(
                format!("line 1, {name}"),
                None,
                &format!("is no column; there are {}", names.join(", ")),
                near,
            );
        }
        let of = |name: &str| types.iter().find(|(column, _)| column == name).map_or(Type::Text, |(_, of)| *of);
        Ok(Self(names.iter().map(|name| ((*name).into(), of(name))).collect()))
    }

    /// Reads a line of cells; `None` where something is wrong with it.
    fn row(
        &self,
        record: &StringRecord,
        line: u64,
        shown_as: Option<&str>,
        problems: &mut Problems,
    ) -> Result<Option<Map>> {
        // What a cell takes in a map beside its text.
        const CELL: usize = 96;
        memory::room_for(record.as_slice().len() + record.len() * CELL)?;
        let Self(columns) = self;
        if record.len() != columns.len() {
            let message = format!("has {}, and the line of names has {}", cells(record.len()), columns.len());
            problems.add(format!("line {line}"), None, &message, None);
            return Ok(None);
        }
        let mut row = Map::new();
        row.extend(shown_as.map(|name| (name.into(), i64::try_from(line).unwrap_or(i64::MAX).into())));
        for ((name, of), cell) in columns.iter().zip(record) {
            match of.read(cell) {
                Some(value) => drop(row.insert(name.clone(), value)),
                None => {
                    problems.add(format!("line {line}, {name}"), Some(cell), &format!("must be {}", of.words()), None)
                }
            }
        }
        Ok(Some(row))
    }
}

fn cells(count: usize) -> String {
    format!("{count} {}", if count == 1 { "cell" } else { "cells" })
}

/// What is wrong with a text.
#[derive(Default)]
struct Problems {
    told: Vec<Problem>,
    count: usize,
}

impl Problems {
    fn add(&mut self, path: String, given: Option<&str>, message: &str, nearest: Option<String>) {
        self.count += 1;
        if self.told.len() < MOST {
            self.told.push(Problem { path, given: given.map(Into::into), message: message.to_owned(), nearest });
        }
    }

    fn into_result(self) -> Result<()> {
        let message = match self.count {
            0 => return Ok(()),
            1 => "parse_csv found something wrong".to_owned(),
            count if count > MOST => format!("parse_csv found {count} things wrong, of which these are the first"),
            count => format!("parse_csv found {count} things wrong"),
        };
        Err(Error::new(Kind::Invalid, message).with(|error| error.problems = self.told))
    }
}
