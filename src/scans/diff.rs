//! Known against reported: what is new, seen again, found again, gone. Pure: no database, no clock.

use super::fingerprint::{Print, PrintMap, Prints};

/// What the database knows of one observation of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The computed print.
    pub computed: Print,
    /// The tool's print.
    pub tool: Option<Print>,
    /// Of all that the last scan wrote.
    pub content: i64,
    /// Does the newest scan report it?
    pub is_present: bool,
    /// The rank of the severity that the scan gave.
    pub scan_severity: i16,
}

/// How far a scan may speak of what it does not report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What is not reported is gone.
    pub resolve_missing: bool,
    /// What is reported again is open again.
    pub reopen: bool,
    /// The scan was filtered: what is known with a lower rank is left alone.
    pub minimum_severity: i16,
}

/// The difference, by index into what is known and what is reported.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Reported, not known: with the computed print to store, which no known one has.
    pub new: Vec<(usize, Print)>,
    /// Known (first) and reported (second) with other content or other prints.
    pub updated: Vec<Matched>,
    /// Known as gone, and reported again.
    pub reopened: Vec<Matched>,
    /// Known as present, and not reported.
    pub gone: Vec<usize>,
    /// How many are as they were.
    pub unchanged: usize,
}

/// A known observation and the finding that is it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// Index into what is known.
    pub known: usize,
    /// Index into what is reported.
    pub reported: usize,
    /// The computed print to store.
    pub computed: Print,
    /// Has what the scan writes changed?
    pub is_changed: bool,
}

/// Compares what is known of a source with what a scan of it reports.
///
/// The tool's print decides first: among equals only the tool knows which one went.
#[must_use]
pub fn compare(known: &[Known], reported: &[Prints], terms: Terms) -> Diff {
    let mut matching = Matching::new(known);
    let mut partner: Vec<Option<usize>> = reported.iter().map(|prints| matching.take_by_tool(prints)).collect();
    for (prints, partner) in reported.iter().zip(&mut partner) {
        if partner.is_none() {
            *partner = matching.take_by_place(prints);
        }
    }
    let mut diff = Diff::default();
    for (index, (prints, partner)) in reported.iter().zip(partner).enumerate() {
        match partner {
            None => diff.new.push((index, matching.free_print(prints.computed))),
            Some(known_index) => {
                let row = &known[known_index];
                let computed = matching.print_to_keep(row, prints);
                let is_changed = row.content != prints.content || row.computed != computed || row.tool != prints.tool;
                let matched = Matched { known: known_index, reported: index, computed, is_changed };
                match (row.is_present, is_changed) {
                    (false, _) if terms.reopen => diff.reopened.push(matched),
                    (true, true) => diff.updated.push(matched),
                    (true | false, _) => diff.unchanged += 1,
                }
            }
        }
    }
    if terms.resolve_missing {
        let missing = |(index, row): &(usize, &Known)| {
            row.is_present && !matching.taken[*index] && row.scan_severity >= terms.minimum_severity
        };
        diff.gone = known.iter().enumerate().filter(missing).map(|(index, _)| index).collect();
    }
    diff
}

struct Matching<'a> {
    known: &'a [Known],
    by_tool: PrintMap<usize>,
    by_place: PrintMap<usize>,
    taken: Vec<bool>,
}

impl<'a> Matching<'a> {
    fn new(known: &'a [Known]) -> Self {
        let by_tool = known.iter().enumerate().filter_map(|(index, row)| Some((row.tool?, index))).collect();
        let by_place = known.iter().enumerate().map(|(index, row)| (row.computed, index)).collect();
        Self { known, by_tool, by_place, taken: vec![false; known.len()] }
    }

    fn take_by_tool(&mut self, prints: &Prints) -> Option<usize> {
        let index = *self.by_tool.get(&prints.tool?)?;
        self.take(index)
    }

    /// For what no print of the tool matched.
    fn take_by_place(&mut self, prints: &Prints) -> Option<usize> {
        let index = *self.by_place.get(&prints.computed)?;
        self.take(index)
    }

    fn take(&mut self, index: usize) -> Option<usize> {
        let free = !std::mem::replace(&mut self.taken[index], true);
        free.then_some(index)
    }

    /// The computed print for a matched row: the new one, unless another row has it.
    fn print_to_keep(&mut self, row: &Known, prints: &Prints) -> Print {
        if row.computed == prints.computed || self.by_place.contains_key(&prints.computed) {
            return row.computed;
        }
        self.by_place.insert(prints.computed, self.known.len());
        prints.computed
    }

    /// A computed print that no row of the source has.
    fn free_print(&mut self, wanted: Print) -> Print {
        let mut ordinal = 0;
        loop {
            let print = wanted.nth(ordinal);
            if let std::collections::hash_map::Entry::Vacant(place) = self.by_place.entry(print) {
                place.insert(self.known.len());
                return print;
            }
            ordinal += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Terms = Terms { resolve_missing: true, reopen: true, minimum_severity: 0 };

    fn print(number: u8) -> Print {
        Print::of(&[number])
    }

    fn known(computed: Print, tool: Option<u8>, content: i64, is_present: bool) -> Known {
        Known { computed, tool: tool.map(print), content, is_present, scan_severity: 3 }
    }

    fn reported(computed: Print, tool: Option<u8>, content: i64) -> Prints {
        Prints { computed, tool: tool.map(print), content }
    }

    /// What of a diff the tables below compare: (new, updated, reopened, gone, unchanged).
    fn counts(diff: &Diff) -> (usize, usize, usize, usize, usize) {
        (diff.new.len(), diff.updated.len(), diff.reopened.len(), diff.gone.len(), diff.unchanged)
    }

    #[test]
    fn every_case_of_known_against_reported() {
        let (present, gone) = (known(print(1), None, 7, true), known(print(1), None, 7, false));
        for (name, rows, findings, terms, expected) in [
            ("first scan", vec![], vec![reported(print(1), None, 7)], ALL, (1, 0, 0, 0, 0)),
            ("the same again", vec![present], vec![reported(print(1), None, 7)], ALL, (0, 0, 0, 0, 1)),
            ("other content", vec![present], vec![reported(print(1), None, 8)], ALL, (0, 1, 0, 0, 0)),
            ("not found", vec![present], vec![], ALL, (0, 0, 0, 1, 0)),
            ("still not found", vec![gone], vec![], ALL, (0, 0, 0, 0, 0)),
            ("found again", vec![gone], vec![reported(print(1), None, 7)], ALL, (0, 0, 1, 0, 0)),
            (
                "found again, not asked to reopen",
                vec![gone],
                vec![reported(print(1), None, 7)],
                Terms { reopen: false, ..ALL },
                (0, 0, 0, 0, 1),
            ),
            (
                "nothing may be resolved",
                vec![present],
                vec![],
                Terms { resolve_missing: false, ..ALL },
                (0, 0, 0, 0, 0),
            ),
            ("below the filter", vec![present], vec![], Terms { minimum_severity: 4, ..ALL }, (0, 0, 0, 0, 0)),
        ] {
            assert_eq!(counts(&compare(&rows, &findings, terms)), expected, "{name}");
        }
    }

    #[test]
    fn either_print_may_match() {
        let rows = [known(print(1), Some(100), 7, true)];
        let moved = compare(&rows, &[reported(print(2), Some(100), 7)], ALL);
        assert_eq!((moved.updated.len(), moved.updated[0].computed), (1, print(2)));
        let reprinted = compare(&rows, &[reported(print(1), Some(200), 7)], ALL);
        assert_eq!(counts(&reprinted), (0, 1, 0, 0, 0));
    }

    #[test]
    fn among_equals_the_one_that_the_tool_no_longer_names_is_gone() {
        let (first, second) = (print(1), print(1).nth(1));
        let rows = [known(first, Some(100), 7, true), known(second, Some(200), 7, true)];
        let diff = compare(&rows, &[reported(first, Some(200), 7)], ALL);
        assert_eq!(
            (diff.gone, diff.unchanged),
            (vec![0], 1),
            "the stored print of the second is kept: the first has the other"
        );
    }

    #[test]
    fn a_new_finding_never_takes_the_print_of_a_known_one() {
        let rows = [known(print(1), Some(100), 7, true)];
        let diff = compare(&rows, &[reported(print(5), Some(100), 7), reported(print(1), Some(30), 7)], ALL);
        assert_eq!(counts(&diff), (1, 1, 0, 0, 0));
        assert_ne!(diff.new[0].1, print(1));
    }
}
