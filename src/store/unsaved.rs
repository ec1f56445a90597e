//! Reads that are in memory only, until the disk takes them.

use std::collections::VecDeque;

use super::database::Row;

/// Messages in memory, bytes: some ten thousand reads.
const MOST: usize = 16 << 20;

/// In order. Their numbers are higher than those on the disk.
#[derive(Default)]
pub struct Unsaved {
    rows: VecDeque<Row>,
    bytes: usize,
}

impl Unsaved {
    pub fn push(&mut self, row: Row) {
        self.bytes += row.payload.len();
        self.rows.push_back(row);
    }

    pub fn pop(&mut self) -> Option<Row> {
        let row = self.rows.pop_front()?;
        self.bytes -= row.payload.len();
        Some(row)
    }

    /// The oldest, if there are more than memory should hold. The broker has those first that it has, so they go first.
    pub fn pop_surplus(&mut self) -> Option<Row> {
        (self.bytes > MOST).then(|| self.pop()).flatten()
    }

    /// Puts what a damaged file held before the others.
    pub fn put_before(&mut self, salvaged: Vec<Row>) {
        let first = self.rows.front().map_or(i64::MAX, |row| row.sequence);
        for row in salvaged.into_iter().rev() {
            if row.sequence < first {
                self.bytes += row.payload.len();
                self.rows.push_front(row);
            }
        }
    }

    /// The oldest ones: at most so many, and so many bytes, but one at least.
    pub fn batch(&self, count: usize, bytes: usize) -> usize {
        let mut sum = 0;
        let fits = self.rows.iter().take(count).take_while(|row| {
            sum += row.payload.len();
            sum <= bytes
        });
        fits.count().max(1).min(self.rows.len())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub fn after(&self, sequence: i64) -> impl Iterator<Item = &Row> {
        let begin = self.rows.partition_point(|row| row.sequence <= sequence);
        self.rows.range(begin..)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }
}
