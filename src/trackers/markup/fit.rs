//! Cutting a document to a tracker's limit: whole blocks first, then the beginning of the one that is too long.

use super::document::{Block, Inline, Link};

/// What is said where text was cut.
pub const CUT_NOTE: &str = "This text was cut, because it is longer than the tracker allows. Patchbay has all of it.";

/// The blocks that fit into `room`, and whether something was cut. `size` says how much a block takes, separators
/// included. The last block kept may be a beginning only.
#[must_use]
pub fn fit(blocks: &[Block], room: usize, size: impl Fn(&Block) -> usize) -> (Vec<Block>, bool) {
    let mut kept = Vec::new();
    let mut left = room;
    for block in blocks {
        let needed = size(block);
        if needed <= left {
            left -= needed;
            kept.push(block.clone());
            continue;
        }
        kept.extend(longest_beginning(block, left, &size));
        return (kept, true);
    }
    (kept, false)
}

/// The longest beginning of a block that fits, found by halving.
fn longest_beginning(block: &Block, room: usize, size: impl Fn(&Block) -> usize) -> Option<Block> {
    let (mut fits, mut too_long) = (0, room.min(length(block)) + 1);
    while too_long - fits > 1 {
        let middle = fits.midpoint(too_long);
        if size(&beginning(block, middle)) <= room {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    (fits > 0).then(|| beginning(block, fits))
}

/// How many characters of text a block holds.
fn length(block: &Block) -> usize {
    let line = |parts: &[Inline]| parts.iter().map(|part| text_of(part).chars().count()).sum::<usize>();
    match block {
        Block::Heading(text) | Block::Code { text, .. } => text.chars().count(),
        Block::Paragraph(parts) => line(parts),
        Block::List { items, .. } => items.iter().map(|item| line(item)).sum(),
        Block::Table { rows, .. } => rows.iter().flatten().map(|cell| line(cell)).sum(),
    }
}

fn text_of(part: &Inline) -> &str {
    match part {
        Inline::Text(text) | Inline::Strong(text) | Inline::Code(text) | Inline::Link(Link { text, .. }) => text,
    }
}

/// The block with only the first `chars` characters of its text; lines and rows that would be empty go.
fn beginning(block: &Block, chars: usize) -> Block {
    let mut left = chars;
    match block {
        Block::Heading(text) => Block::Heading(take(text, &mut left)),
        Block::Paragraph(parts) => Block::Paragraph(take_line(parts, &mut left)),
        Block::List { ordered, items } => Block::List { ordered: *ordered, items: take_lines(items, &mut left) },
        Block::Table { header, rows } => {
            let rows = rows.iter().map(|row| take_lines(row, &mut left)).filter(|row| !row.is_empty()).collect();
            Block::Table { header: header.clone(), rows }
        }
        Block::Code { language, text } => Block::Code { language: language.clone(), text: take(text, &mut left) },
    }
}

fn take(text: &str, left: &mut usize) -> String {
    let taken: String = text.chars().take(*left).collect();
    *left -= taken.chars().count();
    taken
}

fn take_lines(lines: &[Vec<Inline>], left: &mut usize) -> Vec<Vec<Inline>> {
    lines.iter().map(|line| take_line(line, left)).filter(|line| !line.is_empty()).collect()
}

fn take_line(parts: &[Inline], left: &mut usize) -> Vec<Inline> {
    let mut line = Vec::new();
    for part in parts {
        if *left == 0 {
            break;
        }
        line.push(match part {
            Inline::Text(text) => Inline::Text(take(text, left)),
            Inline::Strong(text) => Inline::Strong(take(text, left)),
            Inline::Code(text) => Inline::Code(take(text, left)),
            Inline::Link(Link { text, url }) => Inline::Link(Link { text: take(text, left), url: url.clone() }),
        });
    }
    line
}
