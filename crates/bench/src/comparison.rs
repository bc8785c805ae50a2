//! Calls beside a bare statement, or beside the same call in an easier case, timed one right after the other in one database.

use std::time::Instant;

use anyhow::Result;
use postgres::Client;

use crate::options::Settings;
use crate::server::{self, Server};
use crate::template::Templates;
use crate::{ingestion, lanes, loading, peers, statistics, traces};

/// What is compared.
#[derive(Clone, Copy)]
pub enum Subject {
    Loading,
    Traces,
    Lanes,
    Ingestion,
    Statistics,
    Peers,
}

/// What one run found. The others are set against the first.
pub struct Comparison {
    pub run: u32,
    pub sides: Vec<Side>,
}

/// How long it took to do something so many times, or with so many rows.
#[derive(Clone)]
pub struct Side {
    pub what: &'static str,
    pub times: u32,
    pub seconds: f64,
}

impl Subject {
    /// Measures all sides, each on what it says: most on fresh copies of a database without tasks.
    pub fn measure(
        self,
        server: &mut Server,
        templates: &mut Templates,
        settings: &Settings,
        run: u32,
    ) -> Result<Comparison> {
        let template = templates.prepare_empty(server)?;
        let sides = match self {
            Self::Loading => loading::measure(server, &template),
            Self::Traces => traces::measure(server, &template),
            Self::Lanes => lanes::measure(server, &template),
            Self::Ingestion => ingestion::measure(server, &template),
            Self::Statistics => statistics::measure(server, templates, settings),
            Self::Peers => peers::measure(server, templates, settings),
        };
        Ok(Comparison { run, sides: sides? })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Loading => "d: loading tasks in one call",
            Self::Traces => "e: 100 ends in a state of 200 kB",
            Self::Lanes => "f: claiming from many lanes",
            Self::Ingestion => "g: loading segments in one call",
            Self::Statistics => "k: statistics of the large backlog",
            Self::Peers => "l: other queues",
        }
    }
}

impl Comparison {
    /// The rate of a side as a share of that of the first.
    pub fn ratio(&self, side: &Side) -> f64 {
        side.rate() / self.sides.first().map_or(f64::NAN, Side::rate)
    }
}

impl Side {
    /// How many in a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.times) / self.seconds
    }
}

/// The seconds that a statement takes on a server at rest.
pub fn time(database: &mut Client, statement: &str) -> Result<f64> {
    server::settle(database)?;
    let begin = Instant::now();
    database.batch_execute(statement)?;
    Ok(begin.elapsed().as_secs_f64())
}

/// Adds what `act` takes to `seconds`.
pub fn add_time<T>(seconds: &mut f64, act: impl FnOnce() -> Result<T, postgres::Error>) -> Result<T> {
    let begin = Instant::now();
    let result = act()?;
    *seconds += begin.elapsed().as_secs_f64();
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_compared_with_the_first() {
        let sides = [10.0, 20.0, 5.0].map(|seconds| Side { what: "", times: 100, seconds });
        let comparison = Comparison { run: 1, sides: sides.to_vec() };
        let ratios: Vec<f64> = sides.iter().map(|side| comparison.ratio(side)).collect();
        assert_eq!(ratios, [1.0, 0.5, 2.0]);
    }
}
