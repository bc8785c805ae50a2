//! What is printed: the median of all runs for each cell, with the spread.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Row, Table};

use crate::cell::{Figures, Measurement};
use crate::comparison::{Comparison, Subject};
use crate::plan::{Cell, Group};

/// A cell's findings of all runs.
pub struct Summary {
    pub cell: Cell,
    pub tasks_per_second: Spread,
    pub ratio_to_limit: Spread,
    p50_ms: Spread,
    p99_ms: Spread,
    wal_bytes_per_task: Spread,
    dead_tuples_per_task: Spread,
}

/// The values of one figure in all runs, in the order of the runs.
pub struct Spread {
    pub values: Vec<f64>,
}

impl Spread {
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        Self { values: values.into_iter().collect() }
    }

    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
        }
    }

    /// The distance of the extremes, as a share of the median.
    pub fn relative(&self) -> f64 {
        let sorted = self.sorted();
        match (sorted.first(), sorted.last()) {
            (Some(least), Some(most)) => (most - least) / self.median(),
            _ => f64::NAN,
        }
    }

    /// `relative` in words; a single run has no spread.
    fn percent(&self) -> String {
        if self.values.len() < 2 { "-".into() } else { format!("{:.0} %", self.relative() * 100.0) }
    }

    /// Half the distance of the extremes.
    pub fn half_range(&self) -> f64 {
        self.relative() * self.median() / 2.0
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// Puts the runs of a group together, in the order of its cells.
pub fn summarise(group: &Group, measurements: &[Measurement]) -> Vec<Summary> {
    let summarise_cell = |cell: &Cell| {
        let of_cell: Vec<&Measurement> = measurements.iter().filter(|found| found.cell == *cell).collect();
        let spread = |figure: fn(&Figures) -> f64| Spread::new(of_cell.iter().map(|found| figure(&found.figures)));
        Summary {
            cell: *cell,
            tasks_per_second: spread(|figures| figures.tasks_per_second),
            ratio_to_limit: Spread::new(of_cell.iter().map(|found| found.ratio_to_limit)),
            p50_ms: spread(|figures| figures.p50_ms),
            p99_ms: spread(|figures| figures.p99_ms),
            wal_bytes_per_task: spread(|figures| figures.wal_bytes_per_task),
            dead_tuples_per_task: spread(|figures| figures.dead_tuples_per_task),
        }
    };
    group.cells.iter().map(summarise_cell).collect()
}

/// The cells, group by group.
pub fn table(groups: &[Vec<Summary>]) -> Table {
    let header = [
        "what",
        "clients",
        "backlog",
        "beside",
        "load",
        "tasks/s",
        "spread",
        "of limit",
        "p50 ms",
        "p99 ms",
        "WAL B/task",
        "dead/task",
    ];
    let mut table = new_table(&header, 5);
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            table.add_row(Row::new());
        }
        for summary in group {
            let Cell { work, clients, situation, mode } = summary.cell;
            table.add_row([
                work.to_string(),
                clients.to_string(),
                thousands(situation.backlog.into()),
                situation.beside.to_string(),
                mode.to_string(),
                thousands(summary.tasks_per_second.median()),
                summary.tasks_per_second.percent(),
                format!("{:.2}", summary.ratio_to_limit.median()),
                format!("{:.2}", summary.p50_ms.median()),
                format!("{:.2}", summary.p99_ms.median()),
                thousands(summary.wal_bytes_per_task.median()),
                format!("{:.2}", summary.dead_tuples_per_task.median()),
            ]);
        }
    }
    table
}

/// What is compared, subject by subject.
pub fn comparisons(comparisons: &[(Subject, Vec<Comparison>)]) -> Table {
    let mut table = new_table(&["what", "", "number", "per second", "spread", "of the first", "spread"], 2);
    for (index, (subject, runs)) in comparisons.iter().enumerate() {
        if index > 0 {
            table.add_row(Row::new());
        }
        let sides = runs.first().map_or(&[][..], |run| &run.sides);
        for (position, side) in sides.iter().enumerate() {
            let rate = Spread::new(runs.iter().map(|run| run.sides[position].rate()));
            let ratio = Spread::new(runs.iter().map(|run| run.ratio(&run.sides[position])));
            table.add_row([
                subject.name().to_owned(),
                side.what.to_owned(),
                thousands(side.times.into()),
                thousands(rate.median()),
                rate.percent(),
                format!("{:.2}", ratio.median()),
                ratio.percent(),
            ]);
        }
    }
    table
}

/// A table whose columns from `numbers` on are aligned to the right.
fn new_table(header: &[&str], numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_ones() {
        assert_eq!(Spread::new([3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Spread::new([4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert!(Spread::new([]).median().is_nan());
    }

    #[test]
    fn the_spread_is_relative_to_the_median() {
        assert_eq!(Spread::new([90.0, 110.0, 100.0]).relative(), 0.2);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(thousands(1_000_000.0), "1,000,000");
        assert_eq!(thousands(999.6), "1,000");
        assert_eq!(thousands(7.0), "7");
    }
}
