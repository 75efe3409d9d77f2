//! From what was uploaded to plain report texts: gzip, zstd and zip unpacked, UTF-16 turned into UTF-8.
//!
//! What is inside is counted while it is unpacked, never believed: sizes in headers may lie. Names of zip members are
//! only shown, never opened, so they may say what they like.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::reports::error::ParseError;
use crate::reports::read::text;

/// Default limit of all decoded bytes of one upload.
pub const TOTAL_LIMIT: u64 = 1 << 30;
/// Limit of one zip member's decoded bytes.
pub const MEMBER_LIMIT: u64 = 512 << 20;
/// Most members of an upload's zips: an FPR has every source file that was scanned.
pub const MEMBERS_LIMIT: u64 = 50_000;
/// Most of them that are read.
pub const REPORTS_LIMIT: usize = 1_000;
/// How many times larger than packed something may become. Below a megabyte nobody counts.
pub const RATIO_LIMIT: u64 = 100;
const RATIO_FREE: u64 = 1 << 20;
/// Packings inside one another (a gzip in a zip).
const DEPTH_LIMIT: usize = 3;

/// Where the upload is.
#[derive(Debug)]
pub enum Source {
    /// In a file, read from its beginning.
    File(File),
    /// In memory.
    Bytes(Vec<u8>),
}

/// A plain report text.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// The name of the zip member, for messages.
    pub member: Option<String>,
    /// The text, UTF-8 without byte order mark (other bytes are left as they are).
    pub bytes: Vec<u8>,
}

/// Hands each document of an upload to `take`, one at a time, so that a zip is never wholly in memory.
///
/// # Errors
/// `TooLarge` beyond `limit_bytes` decoded bytes or the limits of zips; `Unsupported` for encrypted or deeply nested
/// archives; `Malformed` for broken ones; `Unrecognised` for empty ones; or what `take` gives.
pub fn documents(
    source: Source,
    limit_bytes: u64,
    take: &mut dyn FnMut(Document) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let (members_left, reports_left) = (MEMBERS_LIMIT, REPORTS_LIMIT);
    let mut unpacker = Unpacker { limit_bytes, left: limit_bytes, members_left, reports_left, take };
    match source {
        Source::Bytes(bytes) => unpacker.bytes(None, bytes, 0),
        Source::File(file) => unpacker.file(file),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Zip,
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            _ => Self::Plain,
        }
    }
}

struct Unpacker<'t> {
    limit_bytes: u64,
    /// Decoded bytes that may still come.
    left: u64,
    /// Members that may still come.
    members_left: u64,
    /// Members that may still be read.
    reports_left: usize,
    take: &'t mut dyn FnMut(Document) -> Result<(), ParseError>,
}

impl Unpacker<'_> {
    fn file(&mut self, mut file: File) -> Result<(), ParseError> {
        let packed = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let mut head = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut head)?;
        file.rewind()?;
        match Packing::of(&head) {
            Packing::Zip => self.zip(file, 0),
            Packing::Plain => {
                let bytes = self.read(file, packed, packed.saturating_add(1))?;
                self.document(None, bytes)
            }
            packing => {
                let bytes = self.stream(packing, file, packed)?;
                self.bytes(None, bytes, 1)
            }
        }
    }

    fn bytes(&mut self, member: Option<String>, bytes: Vec<u8>, depth: usize) -> Result<(), ParseError> {
        let packing = Packing::of(&bytes);
        if packing != Packing::Plain && depth == DEPTH_LIMIT {
            return Err(ParseError::Unsupported {
                detail: format!("more than {DEPTH_LIMIT} archives inside one another"),
            });
        }
        match packing {
            Packing::Plain if depth == 0 && bytes.len() as u64 > self.limit_bytes => Err(self.too_large()),
            Packing::Plain => self.document(member, bytes),
            Packing::Zip => self.zip(Cursor::new(bytes), depth),
            packing => {
                let unpacked = self.stream(packing, bytes.as_slice(), bytes.len() as u64)?;
                drop(bytes);
                self.bytes(member, unpacked, depth + 1)
            }
        }
    }

    fn document(&mut self, member: Option<String>, bytes: Vec<u8>) -> Result<(), ParseError> {
        (self.take)(Document { member, bytes: to_utf8(bytes) })
    }

    fn stream(&mut self, packing: Packing, packed: impl Read, packed_bytes: u64) -> Result<Vec<u8>, ParseError> {
        let cap = packed_bytes.saturating_mul(RATIO_LIMIT).max(RATIO_FREE);
        match packing {
            Packing::Gzip => self.read(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(packed)), 0, cap),
            _ => self.read(zstd::Decoder::new(packed)?, 0, cap),
        }
    }

    fn zip(&mut self, mut source: impl Read + Seek, depth: usize) -> Result<(), ParseError> {
        let declared = declared_members(&mut source)?;
        let most = declared.iter().copied().max().unwrap_or(0);
        self.members_left = self.members_left.checked_sub(most).ok_or_else(|| too_many(MEMBERS_LIMIT, "members"))?;
        let mut archive = ZipArchive::new(source).map_err(zip_error)?;
        // Of members with one name the library keeps the last.
        if !declared.contains(&(archive.len() as u64)) {
            return Err(ParseError::malformed("zip", "two members have the same name"));
        }
        if archive.has_overlapping_files().map_err(zip_error)? {
            return Err(ParseError::malformed("zip", "members overlap"));
        }
        if archive.is_empty() {
            return Err(ParseError::Unrecognised { detail: "the archive is empty".to_owned() });
        }
        for index in 0..archive.len() {
            let member = archive.by_index(index).map_err(zip_error)?;
            let name = text::title(&String::from_utf8_lossy(member.name_raw()));
            if member.is_symlink() || !is_report(&name) {
                continue;
            }
            let left = self.reports_left.checked_sub(1);
            self.reports_left = left.ok_or_else(|| too_many(REPORTS_LIMIT as u64, "reports"))?;
            let (declared, packed) = (member.size(), member.compressed_size());
            let cap = packed.saturating_mul(RATIO_LIMIT).clamp(RATIO_FREE, MEMBER_LIMIT);
            let bytes = self.read(member, 0, cap)?;
            if bytes.len() as u64 != declared {
                return Err(ParseError::malformed(name, format!("declares {declared} bytes and has {}", bytes.len())));
            }
            self.bytes(Some(name), bytes, depth + 1)?;
        }
        Ok(())
    }

    /// Reads all, at most what is left of the limit and at most `cap` bytes.
    fn read(&mut self, source: impl Read, expected: u64, cap: u64) -> Result<Vec<u8>, ParseError> {
        let most = self.left.min(cap);
        let mut bytes = Vec::with_capacity(usize::try_from(expected.min(most)).unwrap_or(0));
        source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(if cap < self.left { ParseError::TooLarge { limit_bytes: cap } } else { self.too_large() });
        }
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    fn too_large(&self) -> ParseError {
        ParseError::TooLarge { limit_bytes: self.limit_bytes }
    }
}

/// How many members the archive says it has, before the library reads their names into memory. There may be several
/// answers: a record of two counts, and what only looks like one, which the library tries in turn.
fn declared_members(source: &mut (impl Read + Seek)) -> Result<Vec<u64>, ParseError> {
    /// End records with the longest comment, and what zip64 puts before them.
    const TAIL: u64 = 22 + 65_535 + 20 + 56;
    let size = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    source.take(TAIL).read_to_end(&mut tail)?;
    source.rewind()?;
    let records = |signature: &'static [u8]| tail.windows(40).filter(move |bytes| bytes.starts_with(signature));
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let large: Vec<u64> = records(b"PK\x06\x06").flat_map(|r| [number(&r[24..32]), number(&r[32..40])]).collect();
    if large.is_empty() && records(b"PK\x06\x07").next().is_some() {
        return Err(ParseError::Unsupported { detail: "a zip64 whose end is not at its end".to_owned() });
    }
    let ends = tail.windows(12).filter(|bytes| bytes.starts_with(b"PK\x05\x06"));
    let small = ends.flat_map(|r| [number(&r[8..10]), number(&r[10..12])]);
    // All ones stand for what only the larger record can hold.
    let small = small.filter(|members| large.is_empty() || *members != u64::from(u16::MAX));
    Ok(small.chain(large.iter().copied()).collect())
}

fn too_many(limit: u64, what: &str) -> ParseError {
    ParseError::Unsupported { detail: format!("zips with more than {limit} {what}") }
}

/// Folders, what macOS adds and the sources in Fortify's archives are not reports, nor are links, whose content is where
/// they lead.
fn is_report(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    let is_beside = ["__MACOSX/", "src-archive/"].iter().any(|folder| name.starts_with(folder));
    !file.is_empty() && !file.starts_with("._") && file != ".DS_Store" && !is_beside
}

fn zip_error(error: ZipError) -> ParseError {
    match error {
        ZipError::UnsupportedArchive(detail) => ParseError::Unsupported { detail: format!("zip: {detail}") },
        ZipError::Io(error) => error.into(),
        other => ParseError::malformed("zip", other.to_string()),
    }
}

/// UTF-16, by its mark or by the zero bytes of its ASCII, as UTF-8; everything else as it is, without its mark.
fn to_utf8(mut bytes: Vec<u8>) -> Vec<u8> {
    let (is_little, skip) = match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => {
            bytes.drain(..3);
            return bytes;
        }
        [0xff, 0xfe, ..] => (true, 2),
        [0xfe, 0xff, ..] => (false, 2),
        [first, 0, _, 0, ..] if *first != 0 => (true, 0),
        [0, first, 0, _, ..] if *first != 0 => (false, 0),
        _ => return bytes,
    };
    let units = bytes[skip..]
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| if is_little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    let decoded: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    decoded.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn unpack(bytes: Vec<u8>, limit_bytes: u64) -> Result<Vec<Document>, ParseError> {
        let mut found = Vec::new();
        documents(Source::Bytes(bytes), limit_bytes, &mut |document| {
            found.push(document);
            Ok(())
        })?;
        Ok(found)
    }

    fn texts(bytes: Vec<u8>) -> Vec<String> {
        let found = unpack(bytes, TOTAL_LIMIT).unwrap();
        found.into_iter().map(|document| String::from_utf8(document.bytes).unwrap()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn unpacks_what_pipelines_send() {
        let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let unmarked: Vec<u8> = "{\"a\"".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            (b"{}".to_vec(), "{}"),
            (b"\xef\xbb\xbf{}".to_vec(), "{}"),
            (utf16, "{}"),
            (unmarked, "{\"a\""),
            (gzip(b"{}"), "{}"),
            (zstd::encode_all(&b"{}"[..], 3).unwrap(), "{}"),
            (zip(&[("report.json", b"{}")]), "{}"),
            (zip(&[("report.json.gz", &gzip(b"{}"))]), "{}"),
        ] {
            assert_eq!(texts(bytes), [expected]);
        }
    }

    #[test]
    fn reads_a_file_like_memory() {
        for bytes in [b"{}".to_vec(), gzip(b"{}"), zip(&[("a", b"{}")])] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut found = 0;
            documents(Source::File(file), TOTAL_LIMIT, &mut |document| {
                assert_eq!(document.bytes, b"{}");
                found += 1;
                Ok(())
            })
            .unwrap();
            assert_eq!(found, 1);
        }
    }

    /// S-20: a member's name is a label, whatever it says.
    #[test]
    fn gives_every_member_of_a_zip_and_skips_what_is_no_report() {
        let packed =
            zip(&[("../../etc/passwd", b"{1}"), ("dir/", b""), ("__MACOSX/._a", b"x"), ("C:\\b.json", b"{2}")]);
        let found = unpack(packed, TOTAL_LIMIT).unwrap();
        let names: Vec<_> = found.iter().map(|document| document.member.as_deref().unwrap()).collect();
        assert_eq!(names, ["../../etc/passwd", "C:\\b.json"]);
    }

    /// S-21
    #[test]
    fn refuses_bombs_and_too_much() {
        let zeros = vec![b' '; 20 << 20];
        for bytes in [gzip(&zeros), zip(&[("a", &zeros)]), zstd::encode_all(zeros.as_slice(), 3).unwrap()] {
            assert!(matches!(unpack(bytes, TOTAL_LIMIT), Err(ParseError::TooLarge { .. })));
        }
        for bytes in [b"{   }".to_vec(), gzip(b"{   }"), zip(&[("a", b"{}"), ("b", b"{}")])] {
            assert_eq!(unpack(bytes, 3), Err(ParseError::TooLarge { limit_bytes: 3 }));
        }
        let many: Vec<String> = (0..=REPORTS_LIMIT).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        let error = unpack(zip(&many), TOTAL_LIMIT).expect_err("too many").to_string();
        assert!(error.contains("more than 1000 reports"), "{error}");
        let within = zip(&[("a", &zip(&many[..600])), ("b", &zip(&many[..600]))]);
        assert!(matches!(unpack(within, TOTAL_LIMIT), Err(ParseError::Unsupported { .. })));
    }

    #[test]
    fn leaves_the_sources_in_an_archive_of_fortify_alone() {
        let sources: Vec<String> = (0..=REPORTS_LIMIT).map(|n| format!("src-archive/{n}")).collect();
        let mut members: Vec<(&str, &[u8])> = sources.iter().map(|name| (name.as_str(), &b"{}"[..])).collect();
        members.push(("audit.fvdl", b"<FVDL/>"));
        assert_eq!(texts(zip(&members)), ["<FVDL/>"]);
    }

    #[test]
    fn refuses_archives_in_archives_in_archives() {
        let nested = (0..4).fold(b"{}".to_vec(), |inner, _| gzip(&inner));
        assert!(matches!(unpack(nested, TOTAL_LIMIT), Err(ParseError::Unsupported { .. })));
    }

    /// The central directory of an archive with two members: where each one's record begins, and the end record.
    fn records(archive: &[u8]) -> [usize; 3] {
        let all = |signature: &[u8]| -> Vec<usize> {
            (0..archive.len()).filter(|at| archive[*at..].starts_with(signature)).collect()
        };
        [all(b"PK\x01\x02")[0], all(b"PK\x01\x02")[1], all(b"PK\x05\x06")[0]]
    }

    /// S-21
    #[test]
    fn refuses_archives_whose_members_hide_behind_others() {
        let honest = zip(&[("a.json", b"{1}"), ("b.json", b"{2}")]);
        let [first, second, end] = records(&honest);
        // The name stands 46 bytes behind the record's beginning, and where its data begins at 42.
        let mut same_name = honest.clone();
        same_name[second + 46] = b'a';
        let mut overlapping = honest.clone();
        overlapping.copy_within(first + 42..first + 46, second + 42);
        // How many members this disk has, and how many all have: libraries differ in which they believe.
        let mut countless = honest.clone();
        countless[end + 9] = 0xf0;
        let mut far_away = honest.clone();
        far_away.splice(end..end, [b"PK\x06\x07".as_slice(), &[0; 36]].concat());
        for (archive, detail) in [
            (same_name, "same name"),
            (overlapping, "overlap"),
            (countless, "more than 50000 members"),
            (far_away, "zip64"),
        ] {
            let error = unpack(archive, TOTAL_LIMIT).expect_err(detail).to_string();
            assert!(error.contains(detail), "{error}");
        }
    }

    #[test]
    fn follows_no_link() {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("report.json", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        assert!(texts(writer.finish().unwrap().into_inner()).is_empty());
    }

    #[test]
    fn refuses_broken_lying_and_encrypted_archives() {
        let whole = gzip(b"{\"some\": \"report\"}");
        assert!(matches!(unpack(whole[..whole.len() - 9].to_vec(), TOTAL_LIMIT), Err(ParseError::Malformed { .. })));
        let honest = zip(&[("a", b"{}")]);
        assert!(matches!(unpack(honest[..honest.len() - 5].to_vec(), TOTAL_LIMIT), Err(ParseError::Malformed { .. })));
        // The central directory holds flags at 8 and the decoded size at 24, counted from its signature.
        let central = honest.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let mut lying = honest.clone();
        lying[central + 24] = 1;
        assert!(unpack(lying, TOTAL_LIMIT).is_err());
        let mut encrypted = honest;
        encrypted[central + 8] |= 1;
        encrypted[6] |= 1;
        assert!(matches!(unpack(encrypted, TOTAL_LIMIT), Err(ParseError::Unsupported { .. })));
    }
}
