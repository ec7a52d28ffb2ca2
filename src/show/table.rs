//! Rows in columns, and which columns there is room for. Cells are text that steers nothing.

use comfy_table::{LineStyle, Table, TableStyle};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A column as it came: its name, its cells, and whether any of them holds lists or maps.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub name: String,
    pub cells: Vec<String>,
    pub is_nested: bool,
}

/// Columns as a table, as wide as they are.
pub(super) fn wide(columns: &[Column]) -> String {
    let columns: Vec<&Column> = columns.iter().collect();
    draw(Some(&columns), &columns, |text, _| text.to_owned())
}

/// Columns as a table no wider than `width`, and the names of those that were left out for it: first those that
/// carry nothing, then the least telling. Cells go over several lines rather than out of the table; a word is
/// broken only where it is wider than all the room there is.
pub(super) fn fitted(columns: &[Column], width: usize) -> (String, Vec<String>) {
    let needs: Vec<Need> = columns.iter().map(Need::of).collect();
    if needs.iter().map(|need| need.natural + PADDING).sum::<usize>() <= width {
        return (wide(columns), Vec::new());
    }
    let kept = chosen(columns, &needs, width);
    let (shown, needs): (Vec<&Column>, Vec<Need>) =
        columns.iter().zip(&needs).zip(&kept).filter(|(_, kept)| **kept).map(|(both, _)| both).unzip();
    let widths = shared(&needs, width);
    let text = draw(Some(&shown), &shown, |text, n| wrapped(text, widths.get(n).copied().unwrap_or(1)));
    let left_out = columns.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(column, _)| column.name.clone());
    (text, left_out.collect())
}

/// The fields of one record, a line each, no wider than `width` where it is known.
pub(super) fn record(fields: Vec<(String, String)>, width: Option<usize>) -> String {
    let (names, values): (Vec<String>, Vec<String>) = fields.into_iter().unzip();
    let [names, values] = [names, values].map(|cells| Column { cells, ..Column::default() });
    let widths = width.map(|width| shared(&[Need::of(&names), Need::of(&values)], width));
    draw(None, &[&names, &values], |text, n| match widths.as_ref().and_then(|widths| widths.get(n)) {
        Some(width) => wrapped(text, *width),
        None => text.to_owned(),
    })
}

/// A space before and after each cell.
const PADDING: usize = 2;

/// What a column of long texts gets at least, where there is a choice.
const COMFORTABLE: usize = 16;

/// How wide a column wants to be.
#[derive(Clone, Copy, Debug)]
struct Need {
    /// With every cell on one line.
    natural: usize,
    /// With no word broken.
    least: usize,
}

impl Need {
    fn of(column: &Column) -> Self {
        let texts = || column.cells.iter().chain([&column.name]);
        let natural = texts().map(|text| text.width()).max().unwrap_or(0);
        let least = texts().flat_map(|text| words(text)).map(|word| word.trim_end().width()).max().unwrap_or(0);
        Self { natural, least: least.max(natural.min(COMFORTABLE)) }
    }
}

/// Which columns are shown: the most telling that find room, the first of them always.
fn chosen(columns: &[Column], needs: &[Need], width: usize) -> Vec<bool> {
    let mut order: Vec<(u8, usize)> =
        columns.iter().enumerate().map(|(n, column)| (dullness(column, n == 0), n)).collect();
    order.sort_unstable();
    let mut kept = vec![false; columns.len()];
    let mut room = width;
    for (rank, (dullness, n)) in order.into_iter().enumerate() {
        let need = needs.get(n).map_or(0, |need| need.least + PADDING);
        let has_room = need <= room && dullness < NOTHING;
        if let (true, Some(kept)) = (has_room || rank == 0, kept.get_mut(n)) {
            *kept = true;
            room = room.saturating_sub(need);
        }
    }
    kept
}

/// The dullness of a column without any value.
const NOTHING: u8 = 5;

/// How little a column tells: nothing at all, the same in every row, lists and maps, long texts, the rest, and
/// what rows are known by.
fn dullness(column: &Column, is_first: bool) -> u8 {
    const KNOWN_BY: [&str; 6] = ["Name", "Title", "Id", "ID", "Status", "State"];
    const LONG: usize = 40;
    let mut cells = column.cells.iter();
    let first = cells.next();
    if column.cells.iter().all(|cell| cell.is_empty() || cell == "[]" || cell == "{}") {
        NOTHING
    } else if is_first {
        0
    } else if column.cells.len() > 1 && cells.all(|cell| Some(cell) == first) {
        4
    } else if column.is_nested {
        3
    } else if column.cells.iter().any(|cell| cell.width() > LONG) {
        2
    } else {
        u8::from(!KNOWN_BY.iter().any(|ending| column.name.ends_with(ending)))
    }
}

/// The width of each column in a table of this width: what it needs, and of the rest a fair share.
fn shared(needs: &[Need], width: usize) -> Vec<usize> {
    let room = width.saturating_sub(needs.len() * PADDING);
    let mut widths: Vec<usize> = needs.iter().map(|need| need.least.min(room).max(1)).collect();
    let mut left = room.saturating_sub(widths.iter().sum());
    // Those that want least first: what they leave is for the others.
    let mut order: Vec<(usize, usize)> = needs.iter().map(|need| need.natural).zip(0..).collect();
    order.sort_unstable();
    let mut waiting = order.len();
    for (natural, n) in order {
        if let Some(width) = widths.get_mut(n) {
            let more = natural.saturating_sub(*width).min(left / waiting);
            *width += more;
            left -= more;
        }
        waiting -= 1;
    }
    // Where even the least is too much, the widest gives way.
    give_way(&mut widths, room);
    widths
}

/// Makes the widest columns narrower until all find room.
fn give_way(widths: &mut [usize], room: usize) {
    let mut over = widths.iter().sum::<usize>().saturating_sub(room);
    while over > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > 1) else { return };
        *widest -= 1;
        over -= 1;
    }
}

/// The pieces of a text that stay together: up to a space or a mark that ends a part, and each wide character by
/// itself, as such writing has no spaces.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| matches!(c, ' ' | ',' | ';' | '/' | '|') || c.width() == Some(2);
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        let (_, first) = chars.next()?;
        let mut end = rest.len();
        let mut before = first;
        for (at, c) in chars {
            let is_break = (ends(before) && c != ' ' && !ends(c))
                || (c.width() == Some(2))
                || (before.width() == Some(2) && c != ' ');
            if is_break {
                end = at;
                break;
            }
            before = c;
        }
        let (word, others) = rest.split_at_checked(end)?;
        rest = others;
        Some(word)
    })
}

/// A text on lines of this width at most.
fn wrapped(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words(text) {
        if used > 0 && used + word.trim_end().width() > width {
            lines.push(String::new());
            used = 0;
        }
        // All of it fits now, or nothing could hold it.
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if c == ' ' && used + wide > width {
                continue;
            }
            if used > 0 && used + wide > width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += wide;
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

/// Lines no wider than `width` where it is known.
pub(super) fn lines(text: &str, width: Option<usize>) -> String {
    width.map_or_else(|| text.to_owned(), |width| wrapped(text, width))
}

fn draw(header: Option<&[&Column]>, columns: &[&Column], cell: impl Fn(&str, usize) -> String) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    if let Some(header) = header {
        table.set_header(header.iter().enumerate().map(|(n, column)| cell(&column.name, n)).collect::<Vec<_>>());
    }
    let rows = columns.iter().map(|column| column.cells.len()).max().unwrap_or(0);
    table.add_rows((0..rows).map(|row| {
        let text = |column: &&Column| column.cells.get(row).cloned().unwrap_or_default();
        columns.iter().enumerate().map(|(n, column)| cell(&text(column), n)).collect::<Vec<_>>()
    }));
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
