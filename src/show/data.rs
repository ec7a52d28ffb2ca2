//! Data for people and for other programs: tables, JSON, CSV, in the document's order of fields.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::catalogue::{self, Field, Shape};
use crate::error::{Error, Kind, Result};
use crate::show::redaction::REDACTOR;
use crate::show::streams;
use crate::show::table::{self, Column};
use crate::show::visible;

/// Form of the data on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    /// One JSON value.
    Json,
    /// A JSON value a line, one for each record.
    Jsonl,
    /// Comma-separated values with a header, one line for each record.
    Csv,
}

/// A terminal that a value is shown on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Its columns.
    pub width: u16,
    /// What shows all of a value.
    pub in_full: &'static str,
}

/// Records of a table on a terminal.
const SHOWN: usize = 100;

/// A value in a form, without secrets; tables are fitted to a screen where there is one.
///
/// # Errors
/// `invalid` for CSV of what is no list of maps.
pub(crate) fn render(value: Value, format: Format, screen: Option<Screen>) -> Result<String> {
    if matches!(format, Format::Csv | Format::Jsonl) {
        say_what_is_left(&value);
    }
    rendered(&REDACTOR.value(value), format, screen)
}

/// Says that a page is not the list: where only its records are printed, nothing else tells.
fn say_what_is_left(value: &Value) {
    let Some((list, beside)) = records(value) else { return };
    let total = beside.iter().find(|(name, _)| *name == "TotalCount").and_then(|(_, total)| total.as_u64());
    if let Some(total) = total.filter(|total| *total > list.len() as u64) {
        tracing::warn!("{} of {total} records: this is one page of a list, and `paginate` gives all", list.len());
    }
}

/// A value in a form, as it is.
pub(super) fn rendered(value: &Value, format: Format, screen: Option<Screen>) -> Result<String> {
    match format {
        Format::Json => Ok(visible::json(&format!("{value:#}")).into_owned()),
        Format::Jsonl => {
            let lines: Vec<String> = match records(value) {
                Some((list, _)) => list.iter().map(Value::to_string).collect(),
                None => vec![value.to_string()],
            };
            Ok(visible::json(&lines.join("\n")).into_owned())
        }
        Format::Csv => csv(value),
        Format::Table => Ok(for_people(value, screen)),
    }
}

/// A plain field beside a list of records: its name and value.
type Beside<'a> = (&'a String, &'a Value);

/// The records of a value: itself when it is a list, else the one list of maps inside, with the
/// plain fields beside it.
fn records(value: &Value) -> Option<(&[Value], Vec<Beside<'_>>)> {
    match value {
        Value::Array(list) => Some((list, Vec::new())),
        Value::Object(map) => {
            let is_list = |value: &&Value| {
                value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_object))
            };
            let beside = || map.iter().filter(|(_, v)| !is_list(v) && !v.is_null()).collect();
            let mut lists = map.values().filter(is_list);
            match (lists.next(), lists.next()) {
                (Some(Value::Array(list)), None) => Some((list, beside())),
                (None, _) => map.get("Result").filter(|result| result.is_object()).and_then(records),
                _ => None,
            }
        }
        _ => None,
    }
}

fn for_people(value: &Value, screen: Option<Screen>) -> String {
    match (records(value), value) {
        (Some((list, beside)), _) if list.iter().all(Value::is_object) && !list.is_empty() => {
            let facts: Vec<String> =
                beside.iter().map(|(name, value)| format!("{}: {}", visible::line(name), cell(value))).collect();
            list_for_people(list, &facts.join("  "), screen)
        }
        (_, Value::Object(map)) => {
            let fields = map.iter().map(|(name, value)| (visible::line(name).into_owned(), cell(value)));
            table::record(fields.collect(), screen.map(|screen| screen.width.into()))
        }
        (_, Value::Array(list)) => {
            let most = if screen.is_some() { SHOWN } else { list.len() };
            let mut lines: Vec<String> = list.iter().take(most).map(cell).collect();
            lines.extend(screen.and_then(|screen| not_shown(list.len(), most, "values", &[], screen)));
            lines.join("\n")
        }
        (_, Value::Null) => String::new(),
        (_, Value::String(text)) => visible::block(text).into_owned(),
        (_, plain) => cell(plain),
    }
}

/// Records as a table, what stands beside them, and what there was no room for.
fn list_for_people(list: &[Value], facts: &str, screen: Option<Screen>) -> String {
    let Some(screen) = screen else {
        let lines = [table::wide(&columns_of(list, &columns(list))), facts.to_owned()];
        return lines.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join("\n");
    };
    let shown = list.get(..SHOWN).unwrap_or(list);
    let (text, left_out) = table::fitted(&columns_of(shown, &columns(list)), screen.width.into());
    let mut lines = vec![text];
    if !facts.is_empty() {
        lines.push(table::lines(facts, Some(screen.width.into())));
    }
    lines.extend(not_shown(list.len(), shown.len(), "records", &left_out, screen));
    lines.join("\n")
}

/// Says what is not shown, and how to see it.
fn not_shown(all: usize, shown: usize, what: &str, columns: &[String], screen: Screen) -> Option<String> {
    let mut parts = Vec::new();
    if all > shown {
        parts.push(format!("the first {shown} of {all} {what}"));
    }
    if !columns.is_empty() {
        let word = if columns.len() == 1 { "column" } else { "columns" };
        parts.push(format!("without the {word} {}", columns.join(", ")));
    }
    let text = format!("({}; {} shows all)", parts.join(", "), screen.in_full);
    (!parts.is_empty()).then(|| table::lines(&text, Some(screen.width.into())))
}

/// The columns of these names.
fn columns_of(rows: &[Value], names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| {
        let values = || rows.iter().map(|row| row.get(*name));
        Column {
            name: visible::line(name).into_owned(),
            cells: values().map(|value| value.map(cell).unwrap_or_default()).collect(),
            is_nested: values().flatten().any(|value| value.is_array() || value.is_object()),
        }
    };
    names.iter().map(column).collect()
}

/// A table of rows for a script, without secrets.
///
/// # Errors
/// `invalid` for rows that are no maps, and for columns that no row has; `function` is who was given them.
pub(crate) fn table(function: &str, rows: &[Value], wanted: Option<&[String]>) -> Result<String> {
    let ordered = ordered(function, rows.to_vec())?;
    let ordered: Vec<Value> = ordered.into_iter().map(|row| REDACTOR.value(row)).collect();
    let names = wanted_columns(function, &ordered, wanted)?;
    Ok(table::wide(&columns_of(&ordered, &names)))
}

/// Rows with their fields in the document's order.
pub(super) fn ordered(function: &str, rows: Vec<Value>) -> Result<Vec<Value>> {
    if let Some(odd) = rows.iter().find(|row| !row.is_object()) {
        return Err(Error::new(Kind::Invalid, format!("{function} takes an array of maps, and one row is {odd}")));
    }
    Ok(rows.into_iter().map(in_document_order).collect())
}

/// The columns that are wanted, or all.
pub(super) fn wanted_columns<'a>(
    function: &str,
    rows: &'a [Value],
    wanted: Option<&'a [String]>,
) -> Result<Vec<&'a str>> {
    let known = columns(rows);
    let Some(names) = wanted else { return Ok(known) };
    match names.iter().find(|name| !rows.is_empty() && !known.contains(&name.as_str())) {
        None => Ok(names.iter().map(String::as_str).collect()),
        Some(name) => {
            let message = format!("{function} has no column `{name}`; the rows have {}", known.join(", "));
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

/// How CSV is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// What stands between two cells.
    pub separator: u8,
    /// Whether a text that a spreadsheet would take for a formula gets a ' in front.
    pub safe: bool,
}

impl Dialect {
    /// As programs expect it.
    pub(super) const USUAL: Self = Self { separator: b',', safe: false };
}

/// Rows as CSV with a line of names.
///
/// # Errors
/// As [`table`].
pub(crate) fn csv_of(function: &str, rows: Vec<Value>, wanted: Option<&[String]>, dialect: Dialect) -> Result<String> {
    let ordered = ordered(function, rows)?;
    write_csv(&ordered, &wanted_columns(function, &ordered, wanted)?, dialect, true)
}

/// The keys of all rows, as they first appear.
pub(super) fn columns(rows: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if seen.insert(name) {
            names.push(name);
        }
    }
    names
}

/// A value in a cell: text as it is, anything nested as JSON, nothing as nothing.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => visible::line(text).into_owned(),
        other => visible::line(&other.to_string()).into_owned(),
    }
}

fn csv(value: &Value) -> Result<String> {
    let wrong = || {
        Error::new(Kind::Invalid, "CSV needs a list of maps, and this is none").hint("--output json prints any value")
    };
    let single = [value.clone()];
    let list = match records(value) {
        Some((list, _)) => list,
        None if value.is_object() => &single,
        None => return Err(wrong()),
    };
    if !list.iter().all(Value::is_object) {
        return Err(wrong());
    }
    write_csv(list, &columns(list), Dialect::USUAL, true)
}

/// Rows as lines of CSV, behind a line of names where one is wanted.
pub(super) fn write_csv(rows: &[Value], names: &[&str], dialect: Dialect, has_names: bool) -> Result<String> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(dialect.separator)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let failed = |error: csv::Error| Error::new(Kind::Io, format!("cannot write CSV: {error}"));
    if names.is_empty() {
        return Ok(String::new());
    }
    if has_names {
        writer.write_record(names.iter().map(|name| cell_of(name, dialect).into_owned())).map_err(failed)?;
    }
    for row in rows {
        for name in names {
            writer.write_field(cell_in_csv(row.get(*name), dialect).as_bytes()).map_err(failed)?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Whether a spreadsheet would take a text for a formula; some take the wide forms of the signs, too. A number is none.
fn is_formula(text: &str) -> bool {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    begins && !text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A value as it stands in a cell.
fn cell_in_csv(value: Option<&Value>, dialect: Dialect) -> Cow<'_, str> {
    match value {
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(Value::String(text)) => cell_of(text, dialect),
        Some(other) => other.to_string().into(),
    }
}

/// A text as it stands in a cell.
fn cell_of(text: &str, dialect: Dialect) -> Cow<'_, str> {
    if dialect.safe && is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// Puts the fields of every map into the document's order. Scripts' maps are sorted by name; the
/// order comes back from the reply object of the catalogue that has the most fields and all of them
/// among the map's keys. Other keys follow as they are.
pub(crate) fn in_document_order(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(in_document_order).collect(),
        Value::Object(mut map) => {
            let mut ordered = Map::with_capacity(map.len());
            for field in reply_object(&map).unwrap_or_default() {
                if let Some(value) = map.shift_remove(field.name) {
                    ordered.insert(field.name.to_owned(), in_document_order(value));
                }
            }
            ordered.extend(map.into_iter().map(|(key, value)| (key, in_document_order(value))));
            Value::Object(ordered)
        }
        plain => plain,
    }
}

/// The largest object of the replies whose fields a map all has.
fn reply_object(map: &Map<String, Value>) -> Option<&'static [Field]> {
    /// By the name of their alphabetically first field, the largest first.
    type Index = HashMap<&'static str, Vec<&'static [Field]>>;
    static INDEX: OnceLock<Index> = OnceLock::new();
    fn collect(fields: &'static [Field], index: &mut Index) {
        if let Some(first) = fields.iter().map(|field| field.name).min() {
            index.entry(first).or_default().push(fields);
        }
        for field in fields {
            if let Shape::Object(inner) | Shape::Objects(inner) = field.shape {
                collect(inner, index);
            }
        }
    }
    let index = INDEX.get_or_init(|| {
        let mut index = Index::new();
        catalogue::operations().for_each(|operation| collect(operation.reply, &mut index));
        for objects in index.values_mut() {
            objects.sort_by_key(|fields| std::cmp::Reverse(fields.len()));
        }
        index
    });
    map.keys()
        .filter_map(|key| index.get(key.as_str()))
        .flatten()
        .copied()
        .filter(|fields| fields.len() <= map.len() && fields.iter().all(|field| map.contains_key(field.name)))
        .max_by_key(|fields| fields.len())
}

/// Prints a line that a script made on stdout, without secrets.
///
/// # Errors
/// Whatever stdout says, a reader that went away included.
pub(crate) fn print(text: &str) -> io::Result<()> {
    streams::out(&format!("{}\n", REDACTOR.data(text)))
}

/// Prints what was [rendered](render) on stdout, or what jst says of itself.
///
/// # Errors
/// Whatever stdout says, a reader that went away included.
pub(crate) fn print_rendered(text: &str) -> io::Result<()> {
    streams::out(&format!("{}\n", REDACTOR.text(text)))
}

/// Says something on stderr, without secrets.
pub(crate) fn tell(text: &str) {
    streams::err(&format!("{}\n", REDACTOR.talk(text)));
}

#[cfg(test)]
mod tests;
