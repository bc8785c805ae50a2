//! The part of a run that counts: from when every client is warm (connected, its plans made) until the first one ends.

use crate::entry::Entry;

/// What happened while all clients were warm and at work.
#[derive(Debug, Default, PartialEq)]
pub struct Window {
    pub seconds: f64,
    pub latencies_us: Vec<u64>,
}

impl Window {
    /// The first executions of a client do not count: they pay for what is paid once for a connection. None if some client did so
    /// little that all of them were never warm at once.
    pub fn find(entries: &[Entry], clients: u32, warm_up: usize) -> Option<Self> {
        let mut finished: Vec<Vec<u64>> = vec![vec![]; clients as usize];
        for entry in entries {
            finished.get_mut(entry.client as usize)?.push(entry.finished_us);
        }
        let (mut begin, mut end) = (0, u64::MAX);
        for times in &mut finished {
            times.sort_unstable();
            begin = begin.max(*times.get(warm_up - 1)?);
            end = end.min(*times.last()?);
        }
        if begin >= end {
            return None;
        }
        let counts = entries.iter().filter(|entry| begin < entry.finished_us && entry.finished_us <= end);
        let latencies_us = counts.map(|entry| entry.latency_us).collect();
        Some(Self { seconds: (end - begin) as f64 / 1e6, latencies_us })
    }

    pub fn add(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.latencies_us.extend(other.latencies_us);
    }

    pub fn executions_per_second(&self) -> f64 {
        self.latencies_us.len() as f64 / self.seconds
    }

    /// The latency in milliseconds that this share of the executions stayed within.
    pub fn percentile_ms(&mut self, share: f64) -> f64 {
        self.latencies_us.sort_unstable();
        let rank = (share * self.latencies_us.len() as f64).ceil() as usize;
        self.latencies_us.get(rank.saturating_sub(1)).map_or(f64::NAN, |latency| *latency as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARM_UP: usize = 20;

    /// Executions of one client, one every millisecond from a start on.
    fn client(client: u32, start_us: u64, count: u64) -> Vec<Entry> {
        (1..=count).map(|n| Entry { client, latency_us: 1_000, finished_us: start_us + n * 1_000 }).collect()
    }

    #[test]
    fn it_begins_with_the_last_warm_client_and_ends_with_the_first_that_stops() {
        let entries = [client(0, 0, 50), client(1, 10_000, 60)].concat();
        let window = Window::find(&entries, 2, WARM_UP).unwrap();
        assert_eq!(window.seconds, 0.020);
        assert_eq!(window.latencies_us.len(), 40);
        assert_eq!(window.executions_per_second(), 2_000.0);
    }

    #[test]
    fn without_a_time_when_all_are_warm_there_is_none() {
        assert_eq!(Window::find(&client(0, 0, 50), 2, WARM_UP), None);
        assert_eq!(Window::find(&[client(0, 0, 50), client(1, 40_000, 50)].concat(), 2, WARM_UP), None);
        assert_eq!(Window::find(&client(0, 0, WARM_UP as u64), 1, WARM_UP), None);
    }

    #[test]
    fn percentiles_are_latencies_that_occurred() {
        let mut window = Window { seconds: 1.0, latencies_us: (1..=200).rev().map(|n| n * 1_000).collect() };
        assert_eq!((window.percentile_ms(0.5), window.percentile_ms(0.99)), (100.0, 198.0));
    }
}
