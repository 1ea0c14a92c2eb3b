//! Aligned columns without lines.

use crate::view::safe::safe;

/// Rows under a head; the last column is not padded.
pub(crate) fn draw(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| safe(cell).into_owned()).collect()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_stand_under_each_other() {
        let rows =
            vec![vec!["run_1".to_owned(), "FAILED".to_owned()], vec!["run_222".to_owned(), "ok".to_owned()]];
        assert_eq!(super::draw(&["RUN", "STATUS"], &rows), "RUN      STATUS\nrun_1    FAILED\nrun_222  ok\n");
    }
}
