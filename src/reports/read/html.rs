//! Text out of HTML: some tools write their descriptions for a browser.

use super::text::TEXT_LIMIT;

/// Longest tag looked for. A flood of lone `<` would otherwise search to the end of the text each time.
const TAG_LIMIT: usize = 1024;

/// Tags that begin a new line.
const BLOCKS: [&str; 19] = [
    "br", "p", "div", "li", "ul", "ol", "tr", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "hr",
    "section",
];

/// HTML as plain text: tags go, blocks begin a line, list items a dash, references become their characters. What is longer
/// than any text that is kept ends somewhere behind that.
#[must_use]
pub fn to_text(html: &str) -> String {
    let mut plain = Plain::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']).filter(|_| plain.text.len() <= TEXT_LIMIT) {
        plain.words(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('<') { plain.tag(rest) } else { plain.reference(rest) };
        rest = &rest[taken..];
    }
    if plain.text.len() <= TEXT_LIMIT {
        plain.words(rest);
    }
    plain.text.trim_end().to_owned()
}

/// The links that HTML holds, in order.
#[must_use]
pub fn links(html: &str) -> Vec<String> {
    // In lower case letters stay where they are: only those of ASCII change.
    let lower = html.to_ascii_lowercase();
    let values = lower.match_indices("href=").map(|(at, attribute)| &html[at + attribute.len()..]);
    let quoted = values.filter_map(|value| {
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        value[1..].split_once(quote).map(|(link, _)| link)
    });
    quoted.filter(|link| link.starts_with("http")).map(|link| link.replace("&amp;", "&")).collect()
}

#[derive(Default)]
struct Plain {
    text: String,
    /// White space was seen since the last word.
    is_apart: bool,
}

impl Plain {
    fn words(&mut self, raw: &str) {
        for part in raw.split_inclusive(char::is_whitespace) {
            let word = part.trim_end();
            if !word.is_empty() {
                self.word(word);
            }
            self.is_apart |= word.len() < part.len();
        }
    }

    fn word(&mut self, word: &str) {
        if self.is_apart && !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
            self.text.push(' ');
        }
        self.is_apart = false;
        self.text.push_str(word);
    }

    /// Begins a line; two breaks leave one empty, however many blocks end and begin in between.
    fn line(&mut self, is_break: bool) {
        self.is_apart = false;
        let is_begun = self.text.is_empty() || self.text.ends_with("\n\n");
        if !is_begun && (is_break || !self.text.ends_with('\n')) {
            self.text.push('\n');
        }
    }

    /// Takes what begins with `<`; says how much of it.
    fn tag(&mut self, rest: &str) -> usize {
        let inside = &rest[1..];
        let end = inside
            .bytes()
            .take(TAG_LIMIT)
            .position(|byte| byte == b'>')
            .filter(|_| inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!'));
        let Some(end) = end else {
            self.word("<");
            return 1;
        };
        let is_closing = inside.starts_with('/');
        let name = inside[..end].trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        if BLOCKS.contains(&name.as_str()) {
            self.line(name == "br");
        }
        if name == "li" && !is_closing {
            self.text.push_str("- ");
        }
        end + 2
    }

    /// Takes what begins with `&`; says how much of it.
    fn reference(&mut self, rest: &str) -> usize {
        let end = rest.bytes().take(11).position(|byte| byte == b';');
        let Some((end, found)) = end.and_then(|end| Some((end, character(&rest[1..end])?))) else {
            self.word("&");
            return 1;
        };
        if found.is_whitespace() {
            self.is_apart = true;
        } else {
            self.word(found.encode_utf8(&mut [0; 4]));
        }
        end + 1
    }
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(number);
    }
    let known = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' ')];
    known.iter().find(|(known, _)| *known == name).map(|(_, character)| *character)
}

/// A table's rows, with the HTML of their cells.
pub type Table<'a> = Vec<Vec<&'a str>>;

/// The tables of a page, one after the other. Tables inside a cell are part of it.
#[must_use]
pub fn tables(html: &str) -> Vec<Table<'_>> {
    let (mut tables, mut depth, mut cell) = (Vec::<Table<'_>>::new(), 0usize, None);
    for (at, after, tag) in tags(html) {
        match (tag.to_ascii_lowercase().as_str(), depth) {
            ("table", _) => {
                if depth == 0 {
                    tables.push(Vec::new());
                }
                depth += 1;
            }
            ("/table", _) => depth = depth.saturating_sub(1),
            ("tr", 1) => tables.last_mut().into_iter().for_each(|table| table.push(Vec::new())),
            ("td" | "th", 1) => cell = Some(after),
            ("/td" | "/th", 1) => {
                let row = tables.last_mut().and_then(|table| table.last_mut());
                // A tag that is cut off reaches beyond the next.
                if let (Some(inside), Some(row)) = (cell.take().and_then(|from| html.get(from..at)), row) {
                    row.push(inside);
                }
            }
            _ => {}
        }
    }
    tables
}

/// The tags of a page: where each begins, where it ends, and its name, with a slash where it closes.
fn tags(html: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    html.match_indices('<').filter_map(|(at, _)| {
        let inside = &html[at + 1..];
        let length = inside.bytes().take(TAG_LIMIT).position(|byte| byte == b'>')?;
        let name = inside[..length].split(|c: char| !c.is_ascii_alphanumeric() && c != '/').next()?;
        Some((at, at + length + 2, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_plain_text_of_html() {
        for (html, expected) in [
            ("plain", "plain"),
            ("<p>One\n  <b>two</b></p><p>three</p>", "One two\nthree"),
            ("a<br><br><br>b", "a\n\nb"),
            ("a<br/>b<ul><li>c</li><li>d &amp; e</li></ul>", "a\nb\n- c\n- d & e"),
            ("if a < b && c&nbsp;> d", "if a < b && c > d"),
            ("&lt;script&gt;&#39;&#x41;&unknown;", "<script>'A&unknown;"),
            ("<!-- <b> -->x<unclosed", "-->x<unclosed"),
        ] {
            assert_eq!(to_text(html), expected, "{html}");
        }
    }

    /// S-19
    #[test]
    fn is_not_slowed_by_lone_brackets() {
        assert_eq!(to_text(&"<a".repeat(30_000)).len(), 60_000);
        assert_eq!(to_text(&"&a".repeat(30_000)).len(), 60_000);
    }

    #[test]
    fn finds_links() {
        let html = r#"<a href="https://a.example/?x=1&amp;y=2">a</a> <A HREF='http://b.example'>b</A> <a href="/c"> <a href=d>"#;
        assert_eq!(links(html), ["https://a.example/?x=1&y=2", "http://b.example"]);
    }

    #[test]
    fn takes_tables_apart_and_leaves_those_in_cells() {
        let html = "<TABLE id=a><tr><th>A</th><th class='b'>B</th></tr><tr><td>1 <b>x</b></td><td><table><tr><td>in</td>\
                    </tr></table></td></tr></table><p><table><tr><td>2</td></tr>";
        let expected: Vec<Table<'_>> =
            vec![vec![vec!["A", "B"], vec!["1 <b>x</b>", "<table><tr><td>in</td></tr></table>"]], vec![vec!["2"]]];
        assert_eq!(tables(html), expected);
    }
}
