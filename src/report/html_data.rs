//! The numbers below a chart of a page.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::html::{Column, Mark, Row, Table, write_table};
use crate::chart::DataTable;

/// Rows of the numbers below a chart; of more, every n-th is shown, and the extremes.
const DATA_ROW_COUNT_MAX: usize = 240;

/// The numbers as a table of the page.
pub fn data_table(data: &DataTable) -> String {
    let every = data.rows.len().div_ceil(DATA_ROW_COUNT_MAX).max(1);
    let extremes = extreme_rows(data);
    let column = |title: &String| Column {
        title: title.clone(),
        is_number: true,
    };
    let row = |cells: &Vec<String>| Row {
        cells: cells.clone(),
        mark: Mark::None,
    };
    let mut table = Table {
        caption: String::new(),
        columns: data.columns.iter().map(column).collect(),
        rows: (0..data.rows.len())
            .filter(|place| place.is_multiple_of(every) || extremes.contains(place))
            .map(|place| row(&data.rows[place]))
            .collect(),
    };
    if let Some(first) = table.columns.first_mut() {
        first.is_number = false;
    }
    let mut html = String::new();
    if 1 < every {
        let _ = writeln!(
            html,
            "<p class=\"note\">One of every {every} rows, and those with the least and the largest \
             number of each column; {} in all.</p>",
            super::format::count(data.rows.len() as u64)
        );
    }
    write_table(&mut html, &table);
    html
}

/// The first rows with the least and with the largest number of each column but the first.
fn extreme_rows(data: &DataTable) -> BTreeSet<usize> {
    let mut extremes = BTreeSet::new();
    for column in 1..data.columns.len() {
        let numbers = data.rows.iter().enumerate().filter_map(|(place, cells)| {
            let number: f64 = cells[column].replace(',', "").parse().ok()?;
            number.is_finite().then_some((place, number))
        });
        let numbers: Vec<(usize, f64)> = numbers.collect();
        // Of equal numbers both keep the first row.
        let least = numbers.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = numbers.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1));
        extremes.extend([least, most].into_iter().flatten().map(|found| found.0));
    }
    extremes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_data_keep_the_extremes_of_every_column() {
        let mut data = DataTable::new(["n", "a", "b"]);
        let cell = |n: usize, peak: usize| match n {
            _ if n == peak => "1,234.5".to_string(),
            _ if n == peak + 2 => "–".to_string(),
            _ if n == peak + 3 => "0.001".to_string(),
            _ => "7".to_string(),
        };
        (0..1_000).for_each(|n| data.push(vec![n.to_string(), cell(n, 123), cell(n, 871)]));
        let html = data_table(&data);
        for row in [
            "<td>123</td>",
            "<td>126</td>",
            "<td>871</td>",
            "<td>874</td>",
        ] {
            assert!(html.contains(row), "{row}");
        }
        // Every fifth, and four more.
        assert_eq!(html.matches("<tr><td>").count(), 204);
    }

    #[test]
    fn long_data_are_thinned_evenly() {
        let mut data = DataTable::new(["n"]);
        (0..1_000).for_each(|n| data.push(vec![n.to_string()]));
        // 1,000 rows of which 240 may be shown: every fifth.
        let html = data_table(&data);
        assert!(html.contains("One of every 5 rows, and"));
        assert!(html.contains("1,000 in all."));
        assert_eq!(html.matches("<td>").count(), 200);
    }
}
