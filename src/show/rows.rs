//! Rows as a script prints them, in the form that the run asks for: as they come, where the form can be begun without
//! the last of them. A table cannot, as its columns are as wide as their widest cell.

use serde_json::{Map, Value};

use crate::error::Result;
use crate::show::data::{self, Dialect, Format};
use crate::show::redaction::REDACTOR;
use crate::show::visible;

/// Rows on their way to stdout. What [`Rows::more`] and [`Rows::end`] give is printed as it is, a line break behind it.
pub(crate) struct Rows<'a> {
    function: &'static str,
    wanted: Option<&'a [String]>,
    format: Format,
    /// The columns, from the first rows on.
    names: Option<Vec<String>>,
    /// The last element of a JSON list: what comes behind it shows whether there is a comma.
    last: Option<String>,
}

impl<'a> Rows<'a> {
    /// Rows that `function` was given, with all columns or those wanted, in a form that is no table.
    pub(crate) fn new(function: &'static str, wanted: Option<&'a [String]>, format: Format) -> Self {
        Self { function, wanted, format, names: None, last: None }
    }

    /// The text of the next rows, without secrets; `None` where there is nothing to print yet.
    ///
    /// # Errors
    /// `invalid` for rows that are no maps, and for wanted columns that the first rows do not have.
    pub(crate) fn more(&mut self, rows: Vec<Value>) -> Result<Option<String>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let mut rows = data::ordered(self.function, rows)?;
        let is_first = self.names.is_none();
        if is_first {
            let names = data::wanted_columns(self.function, &rows, self.wanted)?;
            self.names = Some(names.into_iter().map(str::to_owned).collect());
        }
        if let (Some(_), Some(names)) = (self.wanted, &self.names) {
            rows = rows.iter().map(|row| part(row, names)).collect();
        }
        let rows: Vec<Value> = rows.into_iter().map(|row| REDACTOR.value(row)).collect();
        match self.format {
            Format::Csv => self.csv(&rows, is_first).map(Some),
            Format::Json => Ok(Some(self.json(&rows, is_first))),
            Format::Jsonl | Format::Table => data::rendered(&Value::Array(rows), self.format, None).map(Some),
        }
    }

    /// What stands behind the last row, or in the place of rows where there were none.
    ///
    /// # Errors
    /// As [`Rows::more`].
    pub(crate) fn end(self) -> Result<Option<String>> {
        match (self.format, self.last, self.names) {
            (Format::Json, Some(last), _) => Ok(Some(format!("{last}\n]"))),
            (Format::Json, None, _) => Ok(Some("[]".to_owned())),
            (Format::Csv, _, None) => {
                let names: Vec<&str> = self.wanted.unwrap_or_default().iter().map(String::as_str).collect();
                let header = data::write_csv(&[], &names, Dialect::USUAL, true)?;
                Ok((!header.is_empty()).then_some(header))
            }
            _ => Ok(None),
        }
    }

    /// What is left where the rest cannot be had: the list stays open, so nobody takes it for whole.
    pub(crate) fn broken_off(self) -> Option<String> {
        self.last
    }

    /// The elements of a list, but for the last one.
    fn json(&mut self, rows: &[Value], is_first: bool) -> String {
        let mut lines = if is_first { "[".to_owned() } else { String::new() };
        for row in rows {
            if let Some(before) = self.last.take() {
                lines.push_str(&format!("{}{before},", if lines.is_empty() { "" } else { "\n" }));
            }
            let element = format!("{row:#}").replace('\n', "\n  ");
            self.last = Some(format!("  {}", visible::json(&element)));
        }
        lines
    }

    /// Lines of CSV. A column that no line of names can tell of any more is not left out silently.
    fn csv(&self, rows: &[Value], is_first: bool) -> Result<String> {
        let names: Vec<&str> = self.names.iter().flatten().map(String::as_str).collect();
        let late = data::columns(rows).into_iter().filter(|name| !names.contains(name));
        for name in late.take(if self.wanted.is_none() { usize::MAX } else { 0 }) {
            tracing::warn!(
                "{}: the column `{name}` came behind the line of names and is left out; name the columns to have it",
                self.function
            );
        }
        data::write_csv(rows, &names, Dialect::USUAL, is_first)
    }
}

/// The wanted fields of a row.
fn part(row: &Value, names: &[String]) -> Value {
    let field = |name: &String| (name.clone(), row.get(name).cloned().unwrap_or_default());
    Value::Object(names.iter().map(field).collect::<Map<_, _>>())
}
