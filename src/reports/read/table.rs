//! Tables: CSV by header names, whatever the order, the case, the delimiter or a byte order mark.

use std::collections::HashMap;

use crate::reports::error::ParseError;

/// Most rows read.
pub const ROW_LIMIT: usize = 500_000;
/// Most columns of a row.
const COLUMN_LIMIT: usize = 10_000;
/// Most bytes of the header.
const HEADER_LIMIT: usize = 1 << 20;
/// How much of the first line is looked at to recognise a format.
const SNIFFED_BYTES: usize = 64 << 10;

/// A table whose rows are read by column name.
pub struct Table<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    delimiter: u8,
    columns: HashMap<String, usize>,
}

/// A row of a [`Table`].
pub struct Row<'t> {
    columns: &'t HashMap<String, usize>,
    record: csv::StringRecord,
}

impl<'a> Table<'a> {
    /// Reads the header of a text.
    ///
    /// # Errors
    /// `Malformed` when the header cannot be read, `Unfit` for more columns than any tool writes.
    pub fn new(text: &'a str) -> Result<Self, ParseError> {
        let text = text.trim_start_matches('\u{feff}');
        let delimiter = delimiter(text);
        check_width(text, delimiter)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::Headers)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| malformed(&error))?;
        if header.iter().all(|name| name.trim().is_empty()) {
            return Err(ParseError::unfit("line 1", "there is no header"));
        }
        let mut columns = HashMap::new();
        for (index, name) in header.iter().enumerate() {
            columns.entry(normalised(name)).or_insert(index);
        }
        Ok(Self { text, reader, delimiter, columns })
    }

    /// Whether there is a column of this name.
    #[must_use]
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.contains_key(&normalised(name))
    }

    /// Hands each row with its line number to `take`.
    ///
    /// # Errors
    /// What `take` gives, or `Malformed` for a file whose rows end in the middle of a quote.
    pub fn each(
        mut self,
        mut take: impl FnMut(u64, Result<&Row<'_>, String>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let width = self.reader.headers().map_err(|error| malformed(&error))?.len();
        let mut row = Row { columns: &self.columns, record: csv::StringRecord::new() };
        let (mut rows, mut last) = (0, None);
        loop {
            let line = line_at(self.text, self.reader.position());
            match self.reader.read_record(&mut row.record) {
                Ok(false) => return last.map_or(Ok(()), |(begin, fields)| self.expect_whole(&begin, fields < width)),
                Ok(true) => last = row.record.position().map(|begin| (begin.clone(), row.record.len())),
                Err(error) => return Err(malformed(&error)),
            }
            rows += 1;
            if rows > ROW_LIMIT {
                return Err(ParseError::unfit(format!("line {line}"), format!("more than {ROW_LIMIT} rows")));
            }
            if row.record.len() > width && row.record.iter().skip(width).any(|field| !field.trim().is_empty()) {
                take(line, Err(format!("{} fields under {width} columns", row.record.len())))?;
            } else if row.record.iter().any(|field| !field.trim().is_empty()) {
                take(line, Ok(&row))?;
            }
        }
    }
}

impl Table<'_> {
    /// That the last row is not cut off: in quotes that never close, or before its last column without a line's end.
    fn expect_whole(&self, begin: &csv::Position, is_short: bool) -> Result<(), ParseError> {
        let from = usize::try_from(begin.byte()).unwrap_or(usize::MAX);
        let row = self.text.as_bytes().get(from..).unwrap_or_default();
        let is_open = !row.ends_with(b"\n") && !row.ends_with(b"\r");
        // By hand, the last quote is sometimes doubled.
        let is_closed = row.trim_ascii_end().ends_with(b"\"");
        if is_short && is_open || !is_closed && ends_in_quotes(row, self.delimiter) {
            let place = format!("line {}", line_at(self.text, begin));
            return Err(ParseError::malformed(place, "the file ends in the middle of a row"));
        }
        Ok(())
    }
}

/// That no row has more columns than fit into a little memory. The reader below holds one row at a time, and a column
/// costs it many times the byte that stands for it.
fn check_width(text: &str, delimiter: u8) -> Result<(), ParseError> {
    use csv_core::ReadRecordResult::{End, InputEmpty, OutputEndsFull, OutputFull, Record};
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let mut output = vec![0; SNIFFED_BYTES];
    let mut ends = vec![0; COLUMN_LIMIT + 1];
    let (mut input, mut columns, mut header) = (text.as_bytes(), 0, Some(0));
    loop {
        let (result, read, written, ended) = reader.read_record(input, &mut output, &mut ends[columns..]);
        input = &input[read..];
        columns += ended;
        header = header.map(|bytes| bytes + written);
        let line = || format!("line {}", reader.line());
        if header.is_some_and(|bytes| bytes > HEADER_LIMIT) {
            return Err(ParseError::unfit(line(), format!("a header of more than {HEADER_LIMIT} bytes")));
        }
        match result {
            OutputEndsFull => {
                return Err(ParseError::unfit(line(), format!("more than {COLUMN_LIMIT} columns")));
            }
            Record => (columns, header) = (0, None),
            End => return Ok(()),
            InputEmpty | OutputFull => {}
        }
    }
}

/// Whether quotes that open a field never close.
fn ends_in_quotes(row: &[u8], delimiter: u8) -> bool {
    let (mut is_quoted, mut begins_field) = (false, true);
    for byte in row {
        // Doubled quotes inside a field close and open it again.
        is_quoted = match byte {
            b'"' if is_quoted => false,
            b'"' => begins_field || is_quoted,
            _ => is_quoted,
        };
        begins_field = matches!(byte, b'\n' | b'\r' | b'"') || *byte == delimiter;
    }
    is_quoted
}

impl Row<'_> {
    /// The value under a column; empty when the column or the field is missing.
    #[must_use]
    pub fn get(&self, column: &str) -> &str {
        // Most columns are asked for by their normal name; one that is missing is so in every row.
        let is_normal = || !column.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'-');
        let index = self.columns.get(column);
        let index = if index.is_some() || is_normal() { index } else { self.columns.get(&normalised(column)) };
        index.and_then(|index| self.record.get(*index)).map_or("", str::trim)
    }

    /// The first value that is not empty.
    #[must_use]
    pub fn first(&self, columns: &[&str]) -> &str {
        columns.iter().map(|column| self.get(column)).find(|value| !value.is_empty()).unwrap_or("")
    }
}

/// The line on which the next row begins. The reader stops before the line feed of `\r\n` and before empty lines.
fn line_at(text: &str, position: &csv::Position) -> u64 {
    let rest = text.as_bytes().get(usize::try_from(position.byte()).unwrap_or(usize::MAX)..).unwrap_or_default();
    let breaks = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
    position.line() + breaks as u64
}

fn malformed(error: &csv::Error) -> ParseError {
    let line = error.position().map_or(1, csv::Position::line);
    ParseError::malformed(format!("line {line}"), error.to_string())
}

/// Column names compare without case, and with `_`, `-` and spaces alike.
fn normalised(name: &str) -> String {
    name.trim().trim_matches('"').to_lowercase().replace(['_', '-'], " ")
}

/// The delimiter of a text: the one that its first line holds most often outside quotes.
fn delimiter(text: &str) -> u8 {
    let first = first_line(text);
    let count = |delimiter: u8| {
        let mut quoted = false;
        first
            .bytes()
            .filter(|byte| {
                quoted ^= *byte == b'"';
                *byte == delimiter && !quoted
            })
            .count()
    };
    // On a tie the first listed wins: `max_by_key` keeps the last.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn first_line(text: &str) -> &str {
    let line = text.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    &line[..line.floor_char_boundary(SNIFFED_BYTES)]
}

/// The column names of a text's first line, in lower case.
#[must_use]
pub fn header(text: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter(text))
        .flexible(true)
        .from_reader(first_line(text).as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(normalised).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, String)> {
        let mut rows = Vec::new();
        let take = |line, row: Result<&Row<'_>, String>| {
            rows.push((
                line,
                row.map_or_else(|fault| fault, |row| format!("{}/{}", row.get("title"), row.get("cwe id"))),
            ));
            Ok(())
        };
        Table::new(text).unwrap().each(take).unwrap();
        rows
    }

    #[test]
    fn reads_by_name_whatever_order_case_delimiter_or_mark() {
        for text in [
            "Title,CWE_ID\na,79\n",
            "\u{feff}cwe id;TITLE\r\n79;a\r\n",
            "cwe-id\ttitle\n79\ta",
            "\"Title\"|\"x\"|\"CWE ID\"\na||79\n\n",
        ] {
            assert_eq!(read(text), [(2, "a/79".to_owned())], "{text:?}");
        }
    }

    #[test]
    fn knows_a_file_that_is_cut_off_in_the_middle_of_a_row() {
        let end = |text: &str| Table::new(text).unwrap().each(|_, _| Ok(())).map_err(|error| error.to_string());
        for whole in
            ["title,cwe id\na,1", "title,cwe id\na\n", "title,cwe id\n5\" disk,1\n", "title,cwe id\n\"a \"\"b\"\"\",1"]
        {
            assert_eq!(end(whole), Ok(()), "{whole}");
        }
        for cut in [
            "title,cwe id\na,1\nb",
            "title,cwe id\na,1\n\"b",
            "title,cwe id\na,1\n\"b\"\"",
            "title,cwe id\na,1\n\"b,\n",
        ] {
            assert_eq!(end(cut), Err("line 3: the file ends in the middle of a row".to_owned()), "{cut}");
        }
    }

    /// S-21: a byte for a column must not cost many.
    #[test]
    fn refuses_more_columns_than_any_tool_writes() {
        let fault = |text: &str| Table::new(text).err().map(|error| error.to_string());
        let wide = |columns: usize| format!("title,cwe id\na,1\n{}\n", ",".repeat(columns - 1));
        assert_eq!(fault(&wide(COLUMN_LIMIT)), None);
        assert_eq!(fault(&wide(COLUMN_LIMIT + 2)), Some("line 3: more than 10000 columns".to_owned()));
        // Breaks in quotes end no row.
        let quoted = format!("title,cwe id\n{}", "\"\n\",".repeat(COLUMN_LIMIT + 2));
        assert!(fault(&quoted).is_some_and(|fault| fault.contains("more than 10000 columns")));
        let long = format!("{},cwe id\na,1\n", "t".repeat(HEADER_LIMIT));
        assert!(fault(&long).is_some_and(|fault| fault.contains("a header of more than")));
        // Only the header must be short.
        assert_eq!(fault(&format!("title,cwe id\n{},1\n", "t".repeat(2 * HEADER_LIMIT))), None);
    }

    #[test]
    fn names_the_line_of_a_row_that_does_not_fit() {
        assert_eq!(
            read("title,cwe id\n\"two\nlines\",1\na,b,c\n"),
            [(2, "two\nlines/1".to_owned()), (4, "3 fields under 2 columns".to_owned())]
        );
    }
}
