//! Files that tell what became of a run: written aside and put in their place, so that whoever reads them never
//! sees half of one.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes a file anew; others may read it.
///
/// # Errors
/// In words, with the path; the file is then as it was.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    let cannot = |why: String| format!("cannot write {}: {why}", path.display());
    // Only a regular file, or none, gives way: a device or a folder stays.
    match fs::symlink_metadata(path).map(|found| found.file_type()) {
        Ok(found) if found.is_dir() => return Err(cannot("it is a folder".to_owned())),
        Ok(found) if !found.is_file() => return Err(cannot("it is no regular file".to_owned())),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(cannot(error.to_string())),
        _ => {}
    }
    let name = path.file_name().ok_or_else(|| cannot("it names no file".to_owned()))?;
    // With a dot and another ending: no collector takes it for one of its files.
    let aside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = || -> std::io::Result<()> {
        let _ = fs::remove_file(&aside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    written().map_err(|error| {
        let _ = fs::remove_file(&aside);
        let missing = error.kind() == ErrorKind::NotFound;
        cannot(if missing { "its folder is missing".to_owned() } else { error.to_string() })
    })
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
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert!(write(&folder.path().join("link"), "x").unwrap_err().ends_with("it is no regular file"));
    }
}
