//! A line of the log that `pgbench --log` writes: one execution of the script.

use anyhow::{Context, Result};

/// One task or batch of tasks, taken and completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub client: u32,
    pub latency_us: u64,
    /// Unix time of the end.
    pub finished_us: u64,
}

impl Entry {
    /// Parses `client_id transaction_no time script_no time_epoch time_us`; a failed transaction has no time.
    pub fn parse(line: &str) -> Result<Self> {
        let mut fields = line.split_ascii_whitespace();
        let mut number = |name: &str| -> Result<u64> {
            let field = fields.next().with_context(|| format!("pgbench log line \"{line}\" has no {name}"))?;
            field.parse().with_context(|| format!("{name} of pgbench log line \"{line}\" is \"{field}\""))
        };
        let client = number("client_id")?;
        number("transaction_no")?;
        let latency_us = number("time")?;
        number("script_no")?;
        let seconds = number("time_epoch")?;
        let microseconds = number("time_us")?;
        Ok(Self { client: u32::try_from(client)?, latency_us, finished_us: seconds * 1_000_000 + microseconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_execution() {
        let entry = Entry::parse("31 250 2412 0 1795249890 598497").unwrap();
        assert_eq!(entry, Entry { client: 31, latency_us: 2_412, finished_us: 1_795_249_890_598_497 });
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let failed = Entry::parse("0 1 failed 0 1795249890 598497").unwrap_err();
        assert_eq!(failed.to_string(), "time of pgbench log line \"0 1 failed 0 1795249890 598497\" is \"failed\"");
        let short = Entry::parse("0 1 1285 0").unwrap_err();
        assert_eq!(short.to_string(), "pgbench log line \"0 1 1285 0\" has no time_epoch");
    }
}
