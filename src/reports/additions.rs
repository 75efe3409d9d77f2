//! What more is said of records that are packed already: put aside until the list is whole, then joined in one go.

use crate::reports::packed::{Pack, Packed, Record};

/// What more is said of the records of a list, as records in which only that is set.
#[derive(Debug)]
pub struct Additions<R> {
    /// Which record each is about, by its place in the list.
    places: Vec<u32>,
    records: Packed<R>,
}

impl<R> Default for Additions<R> {
    fn default() -> Self {
        Self { places: Vec::new(), records: Packed::default() }
    }
}

impl<R: Record> Additions<R> {
    /// Adds to what is said of the record at a place.
    pub fn push(&mut self, place: usize, more: &impl Pack) {
        self.places.extend(u32::try_from(place));
        self.records.push(more);
    }

    /// Hands each record that more is said of to `join`, with all of that in its order, and a new list for what becomes of
    /// it. The others stay as they are.
    pub fn join_to(
        &self,
        list: &mut Packed<R>,
        mut join: impl FnMut(R::View<'_>, &mut dyn Iterator<Item = R::View<'_>>, &mut Packed<R>),
    ) {
        if self.places.is_empty() {
            return;
        }
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.sort_by_key(|at| self.places[*at]);
        let mut rest = order.as_slice();
        list.rewrite(|index, record, kept| {
            let count = rest.iter().take_while(|at| self.places[**at] as usize == index).count();
            let (of_this, others) = rest.split_at(count);
            rest = others;
            if of_this.is_empty() {
                kept.push(&record);
            } else {
                join(record, &mut of_this.iter().map(|at| self.records.at(*at)), kept);
            }
        });
    }
}
