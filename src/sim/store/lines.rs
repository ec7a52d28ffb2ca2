//! The lines of a state's file: `NUMBER CHECKSUM JSON`. The number counts from 1, the checksum is the CRC-32
//! of number and JSON, in hexadecimal. So a changed byte, a line that is lost, doubled or in another place
//! is noticed, and a line that a kill cut short is told from one that was damaged. The first line says how many
//! there are, so that the last one is missed, too.

use flate2::Crc;

/// A line, with its end.
pub(super) fn written(number: u64, json: &[u8]) -> Vec<u8> {
    let mut line = format!("{number} {:08x} ", checksum(number, json)).into_bytes();
    line.extend_from_slice(json);
    line.push(b'\n');
    line
}

/// The first line of a file with so many lines. It always has the same length, so that it is written over.
pub(super) fn head(lines: u64) -> Vec<u8> {
    written(1, format!("{lines:20}").as_bytes())
}

/// What a line at the place of `number` holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held<'a> {
    /// This JSON.
    Json(&'a [u8]),
    /// The beginning of a line that was never written to its end: nobody was told that it was.
    CutShort,
}

/// Reads a line; only the last one of a file may lack its end.
///
/// # Errors
/// What does not add up.
pub(super) fn read(number: u64, line: &[u8]) -> Result<Held<'_>, String> {
    let Some(whole) = line.strip_suffix(b"\n") else {
        // All of it may be there, or all of it and another end than it should have.
        let all_but_one = line.get(..line.len().saturating_sub(1)).unwrap_or_default();
        return match (json(number, line), json(number, all_but_one)) {
            (Ok(json), _) => Ok(Held::Json(json)),
            (_, Ok(_)) => Err("its end was changed".to_owned()),
            _ => Ok(Held::CutShort),
        };
    };
    json(number, whole).map(Held::Json)
}

fn json(number: u64, line: &[u8]) -> Result<&[u8], String> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut word = || parts.next().and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default();
    let (found, sum) = (word(), word());
    let json = parts.next().ok_or("it is no line of a state file")?;
    if found != number.to_string() {
        return Err(format!("it should be number {number} and says {}", found.chars().take(20).collect::<String>()));
    }
    if sum != format!("{:08x}", checksum(number, json)) {
        return Err("its checksum does not fit".to_owned());
    }
    Ok(json)
}

fn checksum(number: u64, json: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&number.to_le_bytes());
    crc.update(json);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_no_changed_byte_goes_unnoticed() {
        let line = written(7, b"{\"a\":1}");
        assert_eq!(read(7, &line), Ok(Held::Json(b"{\"a\":1}")));
        for at in 0..line.len() {
            for change in [1, 0x20, 0x80] {
                let mut changed = line.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= change;
                }
                assert!(read(7, &changed).is_err(), "byte {at}: {:?}", String::from_utf8_lossy(&changed));
            }
            let cut = line.get(..at).unwrap_or_default();
            let expected = if at == line.len() - 1 { Held::Json(b"{\"a\":1}") } else { Held::CutShort };
            assert_eq!(read(7, cut), Ok(expected), "cut at {at}");
        }
        assert_eq!(read(8, &line), Err("it should be number 8 and says 7".to_owned()));
    }
}
