//! Points in time as programs write them.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Microseconds since 1970, from a text in ISO 8601 with an offset from UTC, such as `2026-01-31T12:00:00.5+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "\"{text}\" is not a time such as 2026-01-31T12:00:00+00:00, of the years 1 to 9999"
            ))
        })
    }
}

impl Timestamp {
    fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text);
        let year = reader.number(4)?;
        reader.skip(&['-'])?;
        let month = reader.number(2)?;
        reader.skip(&['-'])?;
        let day = reader.number(2)?;
        reader.skip(&['T', ' '])?;
        let second = reader.clock()?;
        let microsecond = match reader.skip(&['.']) {
            Some(_) => reader.fraction()?,
            None => 0,
        };
        let offset = reader.offset()?;
        let is_date = year >= 1 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !is_date || !reader.0.is_empty() {
            return None;
        }
        Some(Self((days_since_1970(year, month, day) * 86_400 + second - offset) * 1_000_000 + microsecond))
    }
}

/// What is left to read.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    /// A number of so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
    }

    /// One of the characters.
    fn skip(&mut self, choice: &[char]) -> Option<char> {
        let found = self.0.chars().next().filter(|character| choice.contains(character))?;
        self.0 = &self.0[found.len_utf8()..];
        Some(found)
    }

    /// Hours, minutes and seconds, in seconds.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.skip(&[':'])?;
        let minute = self.number(2)?;
        self.skip(&[':'])?;
        let second = self.number(2)?;
        (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
    }

    /// One to six digits, in microseconds.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let scale = 6_u32.checked_sub(u32::try_from(digits).ok()?)?;
        Some(self.number(digits)? * 10_i64.pow(scale))
    }

    /// `Z`, or a sign with hours and, if need be, minutes and seconds, in seconds.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.skip(&['Z', '+', '-'])? {
            'Z' => return Some(0),
            '+' => 1,
            _ => -1,
        };
        let mut offset = self.number(2)? * 3600;
        for unit in [60, 1] {
            if self.skip(&[':']).is_some() {
                offset += self.number(2)? * unit;
            }
        }
        Some(sign * offset)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Years are counted from March on, so that the leap day is their last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_TO_1970: i64 = 719_468;
    let year = if month > 2 { year } else { year - 1 };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn microseconds(text: &str) -> Option<i64> {
        Timestamp::parse(text).map(|Timestamp(microseconds)| microseconds)
    }

    #[test]
    fn times_are_read_in_utc() {
        assert_eq!(microseconds("1970-01-01T00:00:00+00:00"), Some(0));
        assert_eq!(microseconds("2001-09-09 01:46:40.5Z"), Some(1_000_000_000_500_000));
        assert_eq!(microseconds("2001-09-09T03:16:40.000001+01:30"), Some(1_000_000_000_000_001));
        assert_eq!(microseconds("1969-12-31T22:59:59-01"), Some(-1_000_000));
        assert_eq!(microseconds("2024-02-29T00:00:00+00:00"), Some(1_709_164_800_000_000));
        assert_eq!(microseconds("0001-01-01T00:00:00Z"), Some(-62_135_596_800_000_000));
        assert_eq!(microseconds("1890-01-01T00:19:32+00:19:32"), microseconds("1890-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00.1234567Z",
            "2026-01-31T12:00:00Zx",
            "2026-01-31T12:00:00+1",
            "+026-01-31T12:00:00Z",
        ] {
            assert_eq!(microseconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_day_follows_the_day_before(year in 1..9999_i64, month in 1..=12_i64, day in 1..=31_i64) {
            prop_assume!(day <= days_in_month(year, month));
            let next = if day < days_in_month(year, month) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
            prop_assert_eq!(days_since_1970(year, month, day) + 1, days_since_1970(next.0, next.1, next.2));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Timestamp::parse(&text);
        }
    }
}
