//! Tab-separated tables, parsed by the compiler: as many fields in every row, lines with # in front are comments.

/// Rows of a table.
pub(super) const fn count(table: &str) -> usize {
    let bytes = table.as_bytes();
    let (mut at, mut rows) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'#' {
            rows += 1;
        }
        at = after(bytes, at, b'\n');
    }
    rows
}

/// The rows of a table; `ROWS` is its [`count`].
pub(super) const fn rows<const FIELDS: usize, const ROWS: usize>(
    table: &'static str,
) -> [[&'static str; FIELDS]; ROWS] {
    let bytes = table.as_bytes();
    let mut rows = [[""; FIELDS]; ROWS];
    let (mut at, mut row) = (0, 0);
    while at < bytes.len() {
        let next = after(bytes, at, b'\n');
        if bytes[at] != b'#' {
            let mut field = 0;
            while field < FIELDS {
                let last = field == FIELDS - 1;
                let end = if last { next } else { after(bytes, at, b'\t') };
                rows[row][field] = part(table, at, end - 1);
                at = end;
                field += 1;
            }
            row += 1;
        }
        at = next;
    }
    rows
}

/// Where what follows the next `end` begins.
const fn after(bytes: &[u8], mut at: usize, end: u8) -> usize {
    while at < bytes.len() && bytes[at] != end {
        at += 1;
    }
    at + 1
}

const fn part(text: &'static str, from: usize, to: usize) -> &'static str {
    text.split_at(to).0.split_at(from).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_is_no_comment() {
        const TABLE: &str = "# code\tsource\tname\n1A\tx\tOne, Inc.\n# more\n2B\t\tTwo\n";
        const ROWS: [[&str; 3]; count(TABLE)] = rows(TABLE);
        assert_eq!(ROWS, [["1A", "x", "One, Inc."], ["2B", "", "Two"]]);
    }
}
