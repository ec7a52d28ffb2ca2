//! Tests of `table`.

use super::*;

fn column(name: &str, cells: &[&str]) -> Column {
    let cells = cells.iter().map(|cell| (*cell).to_owned()).collect();
    Column { name: name.to_owned(), cells, is_nested: false }
}

#[test]
fn what_fits_is_shown_as_it_is() {
    let columns = [column("Id", &["1", "2"]), column("Nothing", &["", ""])];
    assert_eq!(fitted(&columns, 15), (wide(&columns), Vec::new()));
}

#[test]
fn columns_without_values_are_left_out_first_and_the_least_telling_then() {
    let nested = Column { is_nested: true, ..column("Ports", &["[80,81]", "[443]"]) };
    let columns = [
        column("Key", &["a", "b"]),
        column("Nothing", &["", "[]"]),
        column("Region", &["cn-1", "cn-1"]),
        nested,
        column("Note", &["a text of very many words that goes on and on", "short"]),
        column("Replicas", &["1", "2"]),
        column("EnvName", &["main", "test"]),
    ];
    for (width, left_out) in [
        (200, &[][..]),
        (59, &["Nothing"]),
        (58, &["Nothing", "Region"]),
        // What there is no room for makes room for what is narrower.
        (50, &["Nothing", "Ports"]),
        (42, &["Nothing", "Region", "Ports"]),
        (24, &["Nothing", "Region", "Ports", "Note"]),
        (15, &["Nothing", "Region", "Ports", "Note", "Replicas"]),
        (8, &["Nothing", "Region", "Ports", "Note", "Replicas", "EnvName"]),
        (1, &["Nothing", "Region", "Ports", "Note", "Replicas", "EnvName"]),
    ] {
        let (text, found) = fitted(&columns, width);
        assert_eq!(found, left_out, "{width}\n{text}");
        if width > 5 {
            assert!(text.lines().all(|line| line.width() <= width), "{width}\n{text}");
        }
    }
}

#[test]
fn no_word_is_broken_when_it_need_not_be() {
    for (text, width, expected) in [
        ("one two three", 7, "one two\nthree"),
        ("one two three", 8, "one two\nthree"),
        ("one  two", 4, "one\ntwo"),
        ("abcdefgh", 3, "abc\ndef\ngh"),
        ("to abcdefgh", 4, "to\nabcd\nefgh"),
        (r#"{"a":1,"b":2}"#, 8, "{\"a\":1,\n\"b\":2}"),
        ("商城前台 main", 4, "商城\n前台\nmain"),
        ("a商b", 1, "a\n商\nb"),
        ("", 3, ""),
    ] {
        assert_eq!(wrapped(text, width), expected, "{text} on {width}");
    }
}

#[test]
fn a_record_finds_room_for_its_names() {
    let fields = [("RequestId", "R-1"), ("Message", "the words of a long message")];
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let narrow = " RequestId  R-1\n Message    the words of a\n            long message";
    assert_eq!(record(fields.clone(), Some(30)), narrow);
    assert_eq!(record(fields, None), " RequestId  R-1\n Message    the words of a long message");
}
