//! Files that tell what became of a run: written aside and put in their place, so that whoever reads them never
//! sees half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Looks whether a file can be written: makes one beside it, and takes that away.
///
/// # Errors
/// As for [`write`], but for a disk that is full.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let aside = replaceable(path)?;
    let made = create(&aside);
    let _ = fs::remove_file(&aside);
    match made {
        Err(error) if error.kind() != ErrorKind::StorageFull => Err(words(path, &error)),
        _ => Ok(()),
    }
}

/// Writes a file anew; others may read it.
///
/// # Errors
/// In words, with the path; the file is then as it was.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    let aside = replaceable(path)?;
    let written = || -> std::io::Result<()> {
        let mut file = create(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    written().map_err(|error| {
        let _ = fs::remove_file(&aside);
        words(path, &error)
    })
}

/// Where a file is written until it takes the place of what is at the path.
fn replaceable(path: &Path) -> Result<PathBuf, String> {
    let cannot = |why: String| format!("cannot write {}: {why}", path.display());
    // Only a regular file, or none, gives way: a device or a folder stays.
    match fs::symlink_metadata(path).map(|found| found.file_type()) {
        Ok(found) if found.is_dir() => return Err(cannot("it is a folder".to_owned())),
        Ok(found) if !found.is_file() => return Err(cannot("it is no regular file".to_owned())),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(words(path, &error)),
        _ => {}
    }
    let name = path.file_name().ok_or_else(|| cannot("it names no file".to_owned()))?;
    // With a dot and another ending: no collector takes it for one of its files.
    Ok(path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id())))
}

fn create(aside: &Path) -> std::io::Result<File> {
    let _ = fs::remove_file(aside);
    OpenOptions::new().write(true).create_new(true).mode(0o644).open(aside)
}

fn words(path: &Path, error: &std::io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::NotFound => "its folder is missing".to_owned(),
        ErrorKind::NotADirectory => "what should be its folder is a file".to_owned(),
        _ => error.to_string(),
    };
    format!("cannot write {}: {why}", path.display())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let inner = folder.path().join("folder");
        fs::create_dir(&inner).unwrap();
        assert_eq!(write(&inner, "x").unwrap_err(), format!("cannot write {}: it is a folder", inner.display()));
        let missing = folder.path().join("none/a.prom");
        assert_eq!(
            write(&missing, "x").unwrap_err(),
            format!("cannot write {}: its folder is missing", missing.display())
        );
        for path in [&inner, &missing, &path.join("b.prom")] {
            assert_eq!(check(path), write(path, "x"), "{}", path.display());
            assert!(check(path).is_err(), "{}", path.display());
        }
        assert_eq!(check(&path), Ok(()));
        assert_eq!(
            (fs::read_to_string(&path).unwrap().as_str(), fs::read_dir(folder.path()).unwrap().count()),
            ("two", 2)
        );
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert!(write(&folder.path().join("link"), "x").unwrap_err().ends_with("it is no regular file"));
    }
}
