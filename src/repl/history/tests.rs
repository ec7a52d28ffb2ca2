//! Tests of `history`.

#![allow(clippy::unwrap_used)]

use super::*;

fn held(bytes: &[u8]) -> Held {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("history");
    fs::write(&path, bytes).unwrap();
    HistoryFile::new(&path).load().unwrap()
}

#[test]
fn entries_come_back_as_they_were() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = HistoryFile::new(&folder.path().join("state/jst/history"));
    assert_eq!(file.load().unwrap(), Held::default());
    let entries = ["let x = 1;", "fn f() {\n    2\n}", r#"print("a\n\\b")"#, "商城\\", "\\n"];
    entries.iter().for_each(|entry| file.append(entry).unwrap());
    assert_eq!(file.load().unwrap().entries, entries);
}

#[test]
fn what_is_no_text_costs_its_own_line_only() {
    for (bytes, entries, damaged) in [
        (&b"#V2\na\n\xff\xfe\nb\n"[..], &["a", "b"][..], 1),
        (b"#V2\n\xc3\n\xff\n\nb", &["b"], 2),
        (b"old\nb\\n\n", &["old", "b\\n"], 0),
        (b"", &[], 0),
        (b"#V2\nprint(\"\x1b]0;x\x07\")\n", &["print(\"\\u{1b}]0;x\\u{7}\")"], 0),
        ("#V2\na\u{9b}1m\u{202e}\r\n".as_bytes(), &["a\\u{9b}1m\\u{202e}\\r"], 0),
    ] {
        let entries = entries.iter().map(|entry| (*entry).to_owned()).collect();
        assert_eq!(held(bytes), Held { entries, damaged });
    }
}

#[test]
fn the_newest_are_kept() {
    let many: String = (0..KEPT + KEPT / 5).map(|n| format!("{n}\n")).collect();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("history");
    fs::write(&path, format!("#V2\n{many}")).unwrap();
    let file = HistoryFile::new(&path);
    for _ in 0..2 {
        let entries = file.load().unwrap().entries;
        assert_eq!(entries.len(), KEPT);
        assert_eq!(entries.last(), Some(&(KEPT + KEPT / 5 - 1).to_string()));
    }
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), KEPT + 1);
}

#[test]
fn what_is_no_file_is_said_and_not_waited_for() {
    let folder = tempfile::TempDir::new().unwrap();
    assert_eq!(HistoryFile::new(folder.path()).load().unwrap_err().to_string(), "it is no file");
    assert!(HistoryFile::new(&folder.path().join("a/b")).load().is_ok());
}
