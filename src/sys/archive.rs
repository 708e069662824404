//! Writes text files into one compressed archive (`.tar.gz`), and unpacks plain ones (`.tar`).

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Component, Path};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

/// An archive that is being written.
pub struct Archive<W: Write> {
    tar: Builder<GzEncoder<W>>,
    /// Seconds since 1970, for all files.
    time: u64,
}

impl<W: Write> Archive<W> {
    /// An archive whose files all have this time, in seconds since 1970.
    pub fn new(out: W, time: u64) -> Self {
        Self { tar: Builder::new(GzEncoder::new(out, Compression::default())), time }
    }

    /// Adds a text.
    pub fn text(&mut self, name: &Path, text: &str) -> io::Result<()> {
        self.append(name, text.len() as u64, text.as_bytes())
    }

    /// Adds what `change` makes of the pieces of a file, its end included: `change(None)`. A piece is at most 64 KiB and
    /// ends with a line where it can.
    pub fn changed_file(
        &mut self,
        name: &Path,
        file: File,
        mut change: impl FnMut(Option<&[u8]>) -> String,
    ) -> io::Result<()> {
        // the size of a file stands before its content, so the content has to be there first
        let mut whole = tempfile::tempfile()?;
        let mut input = BufReader::new(file);
        let mut piece = Vec::with_capacity(PIECE);
        loop {
            piece.clear();
            input.by_ref().take(PIECE as u64).read_until(b'\n', &mut piece)?;
            let text = change((!piece.is_empty()).then_some(piece.as_slice()));
            whole.write_all(text.as_bytes())?;
            if piece.is_empty() {
                break;
            }
        }
        let size = whole.stream_position()?;
        whole.rewind()?;
        self.append(name, size, whole)
    }

    fn append(&mut self, name: &Path, size: u64, content: impl Read) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(self.time);
        self.tar.append_data(&mut header, name, content)
    }

    /// Ends the archive.
    pub fn finish(self) -> io::Result<W> {
        self.tar.into_inner()?.finish()
    }
}

/// Unpacks the regular files of an archive (`.tar`) that have at most `largest` bytes. Links, devices and names that lead out of
/// the folder are left out.
pub fn unpack_files(archive: impl Read, folder: &Path, largest: u64) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let is_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        if entry.header().entry_type() != EntryType::Regular || !is_inside || entry.size() > largest {
            continue;
        }
        let path = folder.join(&name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        io::copy(&mut entry, &mut File::create(path)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_holds_texts_and_changed_files() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(b"one\ntwo\nthree").unwrap();
        source.rewind().unwrap();
        let mut archive = Archive::new(Vec::new(), 7);
        archive.text(Path::new("a/about.txt"), "hello").unwrap();
        let upper = |piece: Option<&[u8]>| match piece {
            Some(bytes) => String::from_utf8_lossy(bytes).to_uppercase(),
            None => "!".to_owned(),
        };
        archive.changed_file(Path::new("a/log"), source, upper).unwrap();
        let bytes = archive.finish().unwrap();
        let mut read = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let found: Vec<(String, String, u64)> = read
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                let name = entry.path().unwrap().to_string_lossy().into_owned();
                (name, text, entry.header().mtime().unwrap())
            })
            .collect();
        let of = |name: &str, text: &str| (name.to_owned(), text.to_owned(), 7);
        assert_eq!(found, [of("a/about.txt", "hello"), of("a/log", "ONE\nTWO\nTHREE!")]);
    }

    #[test]
    fn only_small_regular_files_inside_the_folder_are_unpacked() {
        let mut made = Builder::new(Vec::new());
        let mut add = |name: &str, kind: EntryType, bytes: &[u8]| {
            let mut header = Header::new_gnu();
            // the library refuses such a name where it writes
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(kind);
            if kind == EntryType::Symlink {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            made.append(&header, bytes).unwrap();
        };
        add("a/good.toml", EntryType::Regular, b"x = 1");
        add("a/large.toml", EntryType::Regular, &[b'#'; 100]);
        add("a/link.toml", EntryType::Symlink, b"");
        add("../out.toml", EntryType::Regular, b"x");
        add("/abs.toml", EntryType::Regular, b"x");
        let bytes = made.into_inner().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("in");
        fs::create_dir(&folder).unwrap();
        unpack_files(bytes.as_slice(), &folder, 50).unwrap();
        let names = |folder: &Path| -> Vec<_> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(&folder.join("a")), ["good.toml"]);
        assert_eq!((names(&folder).len(), names(dir.path()).len()), (1, 1));
    }
}
