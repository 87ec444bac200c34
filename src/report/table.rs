//! Tables for people.

/// Lines of left-aligned columns with two blanks between them, and none at their ends. Rows that are short leave the rest
/// empty.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let lines = || std::iter::once(&header).chain(rows);
    let width = |column: usize| {
        let cells = lines().filter_map(|line| line.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    for line in lines() {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            row.push_str(cell);
            let blanks = width.saturating_sub(cell.chars().count()) + 2;
            row.extend(std::iter::repeat_n(' ', blanks));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [
            vec!["ä".to_owned(), "long name".to_owned(), "x".to_owned()],
            vec!["abc".to_owned()],
        ];
        let expected = "A    NAME       C\nä    long name  x\nabc\n";
        assert_eq!(table(&["A", "NAME", "C"], &rows), expected);
    }
}
