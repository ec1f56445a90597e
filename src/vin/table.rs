//! Tab-separated tables, parsed by the compiler: three fields a row, lines with # in front are comments.

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
pub(super) const fn rows<const ROWS: usize>(table: &'static str) -> [[&'static str; 3]; ROWS] {
    let bytes = table.as_bytes();
    let mut rows = [[""; 3]; ROWS];
    let (mut at, mut row) = (0, 0);
    while at < bytes.len() {
        let next = after(bytes, at, b'\n');
        if bytes[at] != b'#' {
            let second = after(bytes, at, b'\t');
            let third = after(bytes, second, b'\t');
            rows[row] = [
                part(table, at, second - 1),
                part(table, second, third - 1),
                part(table, third, next - 1),
            ];
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
