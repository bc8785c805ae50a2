//! When something recurs: a cron expression in a time zone, also where clocks are changed.
//!
//! Local times that match are found without regard to the zone; what they are worth there is decided here. An expression with `*`
//! or `*/n` as its second, minute or hour is an interval: it is due at every moment whose local time matches. Any other one is a
//! list of times: each matching local time is due once, the first time if it comes twice, and when clocks jump over it, at
//! the moment of the jump.

use std::iter;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Moment, civil};

use crate::arguments::Invalid;
use crate::times::Timestamp;

/// The fields of an expression after that of the second.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

/// Longer expressions name nothing that shorter ones cannot.
const MAX_CRON_CHARS: usize = 200;

/// When something is due.
#[derive(Debug)]
pub struct Recurrence {
    cron: Cron,
    zone: TimeZone,
}

impl Recurrence {
    pub fn parse(cron: &str, timezone: &str) -> Result<Self, Invalid> {
        Ok(Self { cron: parse_cron(cron)?, zone: parse_zone(timezone)? })
    }

    /// The name of the time zone as the zone data spells it.
    pub fn timezone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first due time after a moment; none if there is none before the year 5000.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = Moment::from_microsecond(after.0).ok()?;
        let next = match self.is_interval() {
            true => self.next_of_interval(after),
            false => self.next_of_list(after),
        };
        Some(Timestamp(next?.as_microsecond()))
    }

    /// The first due times after a moment.
    pub fn following(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        iter::successors(self.next_after(after), |due| self.next_after(*due))
    }

    fn is_interval(&self) -> bool {
        let pattern = &self.cron.pattern;
        [&pattern.seconds, &pattern.minutes, &pattern.hours].iter().any(|field| field.from_wildcard)
    }

    /// Between two changes of the clocks local time is moments shifted by one offset.
    fn next_of_interval(&self, after: Moment) -> Option<Moment> {
        let (mut from, mut is_inclusive) = (after, false);
        loop {
            let offset = self.zone.to_offset(from);
            let local = self.cron.find_next_occurrence(&offset.to_datetime(from), is_inclusive).ok()?;
            let due = offset.to_timestamp(local).ok()?;
            match self.zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if change <= due => (from, is_inclusive) = (change, true),
                _ => return Some(due),
            }
        }
    }

    /// Later local times are never worth earlier moments, so the first one after `after` is what is looked for. Some may be worth
    /// no later ones: those that come again after they have been, and those that were jumped over together.
    fn next_of_list(&self, after: Moment) -> Option<Moment> {
        let mut local = self.zone.to_datetime(after);
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let due = self.moment_of(local)?;
            if due > after {
                return Some(due);
            }
        }
    }

    fn moment_of(&self, local: civil::DateTime) -> Option<Moment> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(local).ok()
            }
            AmbiguousOffset::Gap { before, .. } => {
                // By the clocks as they were it is the jump or a little later.
                let later = before.to_timestamp(local).ok()?.checked_add(SignedDuration::from_secs(1)).ok()?;
                self.zone.preceding(later).next().map(|jump| jump.timestamp())
            }
        }
    }
}

fn parse_cron(text: &str) -> Result<Cron, Invalid> {
    let length = text.chars().count();
    if length > MAX_CRON_CHARS {
        return Err(Invalid(format!("cron must have at most {MAX_CRON_CHARS} characters, found {length}")));
    }
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    let refuse = |reason: String| Invalid(format!("cron: {reason}, found {text:?}"));
    let fields: Vec<&str> = text.split_whitespace().collect();
    // The crate passes over a missing number, and looks for a long time for the minute that an empty list names.
    if fields.iter().any(|field| field.split(',').any(str::is_empty)) {
        return Err(refuse("a number is missing before or after a comma".into()));
    }
    if let Ok(cron) = parser.parse(text) {
        return Ok(cron);
    }
    let names = match fields.len() {
        5 => FIELDS.to_vec(),
        6 => [&["second"], FIELDS.as_slice()].concat(),
        _ => {
            return Err(refuse(
                "there must be 5 fields (minute, hour, day of month, month, day of week), a second before them, or one of \
                @hourly, @daily, @weekly, @monthly and @yearly"
                    .into(),
            ));
        }
    };
    for (place, (name, field)) in names.iter().zip(&fields).enumerate() {
        let alone: Vec<&str> = (0..fields.len()).map(|other| if other == place { field } else { "*" }).collect();
        if let Err(error) = parser.parse(&alone.join(" ")) {
            let reason = error.to_string();
            let reason = reason.split_once(": ").map_or(&*reason, |(_, reason)| reason).trim_end_matches('.');
            return Err(refuse(format!("the {name} {field:?} is not one ({reason})")));
        }
    }
    Err(refuse("the fields do not fit together".into()))
}

fn parse_zone(name: &str) -> Result<TimeZone, Invalid> {
    let zone = jiff::tz::db().get(name).ok().filter(|zone| !zone.is_unknown());
    zone.ok_or_else(|| {
        let start: String = name.chars().take(100).collect();
        Invalid(format!("timezone must be the name of an IANA time zone such as Europe/Berlin or UTC, found {start:?}"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const ZONES: [&str; 8] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "America/St_Johns",
    ];

    fn recurrence(cron: &str, timezone: &str) -> Recurrence {
        Recurrence::parse(cron, timezone).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<Moment>().unwrap().as_microsecond())
    }

    /// The first due times, in UTC and without what they all end with.
    fn due(cron: &str, timezone: &str, after: &str, count: usize) -> Vec<String> {
        let short = |due: Timestamp| {
            let text = Moment::from_microsecond(due.0).unwrap().to_string();
            text.trim_end_matches("Z").trim_end_matches(":00").to_owned()
        };
        recurrence(cron, timezone).following(at(after)).take(count).map(short).collect()
    }

    fn refusal(cron: &str, timezone: &str) -> String {
        Recurrence::parse(cron, timezone).unwrap_err().0
    }

    #[test]
    fn fields_names_and_nicknames() {
        let from = "2030-01-01T00:00:00Z"; // a Tuesday
        assert_eq!(due("30 4 * * *", "UTC", from, 2), ["2030-01-01T04:30", "2030-01-02T04:30"]);
        assert_eq!(due("0 9 * JAN,dec mon-FRI", "UTC", "2030-01-31T10:00:00Z", 1), ["2030-12-02T09"]);
        assert_eq!(due("@daily", "UTC", from, 1), ["2030-01-02T00"]);
        assert_eq!(due("@weekly", "UTC", from, 1), ["2030-01-06T00"]);
        assert_eq!(due("0 0 L * *", "UTC", "2032-02-01T00:00:00Z", 1), ["2032-02-29T00"]);
        assert_eq!(due("0 0 * * FRI#2", "UTC", from, 1), ["2030-01-11T00"]);
        assert_eq!(due("0 0 15W * *", "UTC", "2030-06-01T00:00:00Z", 1), ["2030-06-14T00"]);
        // A day of either kind is enough, unless + asks for both.
        assert_eq!(due("0 0 13 * FRI", "UTC", from, 3), ["2030-01-04T00", "2030-01-11T00", "2030-01-13T00"]);
        assert_eq!(due("0 0 13 * +FRI", "UTC", from, 1), ["2030-09-13T00"]);
        assert_eq!(due("*/20 59 23 * * *", "UTC", from, 2), ["2030-01-01T23:59", "2030-01-01T23:59:20"]);
    }

    #[test]
    fn the_moment_asked_from_is_not_due_again() {
        assert_eq!(due("0 0 * * *", "UTC", "2030-01-01T00:00:00Z", 1), ["2030-01-02T00"]);
        assert_eq!(due("0 0 * * *", "UTC", "2029-12-31T23:59:59.999999Z", 1), ["2030-01-01T00"]);
        assert_eq!(due("* * * * *", "UTC", "2030-01-01T00:00:00.5Z", 1), ["2030-01-01T00:01"]);
    }

    #[test]
    fn berlin_jumps_from_two_to_three() {
        let from = "2030-03-30T12:00:00Z";
        let list = ["2030-03-31T01", "2030-04-01T00:30"];
        assert_eq!(due("30 2 * * *", "Europe/Berlin", from, 2), list);
        assert_eq!(due("30 2,14 * * *", "Europe/Berlin", from, 3), ["2030-03-30T13:30", list[0], "2030-03-31T12:30"]);
        // Three due times that were jumped over, and the one of the jump itself, are one moment.
        assert_eq!(
            due("0,20,40 2,3 * * *", "Europe/Berlin", from, 3),
            ["2030-03-31T01", "2030-03-31T01:20", "2030-03-31T01:40"]
        );
        assert_eq!(
            due("*/30 * * * *", "Europe/Berlin", "2030-03-31T00:00:00Z", 3),
            ["2030-03-31T00:30", "2030-03-31T01", "2030-03-31T01:30"]
        );
        assert_eq!(due("*/15 2 * * *", "Europe/Berlin", from, 1), ["2030-04-01T00"]);
    }

    #[test]
    fn berlin_has_the_hour_from_two_to_three_twice() {
        let from = "2030-10-26T12:00:00Z";
        assert_eq!(due("30 2 * * *", "Europe/Berlin", from, 2), ["2030-10-27T00:30", "2030-10-28T01:30"]);
        assert_eq!(due("0 2,3 * * *", "Europe/Berlin", from, 3), ["2030-10-27T00", "2030-10-27T02", "2030-10-28T01"]);
        // Asked from within the second hour.
        assert_eq!(due("30 2 * * *", "Europe/Berlin", "2030-10-27T01:10:00Z", 1), ["2030-10-28T01:30"]);
        assert_eq!(
            due("*/30 * * * *", "Europe/Berlin", "2030-10-26T23:45:00Z", 6),
            [
                "2030-10-27T00",
                "2030-10-27T00:30",
                "2030-10-27T01",
                "2030-10-27T01:30",
                "2030-10-27T02",
                "2030-10-27T02:30"
            ]
        );
        assert_eq!(due("*/15 2 * * *", "Europe/Berlin", from, 9).len(), 9);
        assert_eq!(due("*/15 2 * * *", "Europe/Berlin", from, 9)[7], "2030-10-27T01:45");
    }

    #[test]
    fn new_york_and_utc() {
        assert_eq!(due("30 2 * * *", "America/New_York", "2030-03-10T00:00:00Z", 1), ["2030-03-10T07"]);
        assert_eq!(
            due("30 1 * * *", "America/New_York", "2030-11-03T00:00:00Z", 2),
            ["2030-11-03T05:30", "2030-11-04T06:30"]
        );
        assert_eq!(due("30 2 * * *", "UTC", "2030-03-31T00:00:00Z", 1), ["2030-03-31T02:30"]);
    }

    #[test]
    fn lord_howe_changes_by_half_an_hour() {
        // From 2:00 to 2:30 in October, back from 2:00 to 1:30 in April.
        assert_eq!(due("15 2 * * *", "Australia/Lord_Howe", "2030-10-05T12:00:00Z", 1), ["2030-10-05T15:30"]);
        assert_eq!(
            due("45 1 * * *", "Australia/Lord_Howe", "2030-04-06T12:00:00Z", 2),
            ["2030-04-06T14:45", "2030-04-07T15:15"]
        );
        assert_eq!(
            due("*/15 1 * * *", "Australia/Lord_Howe", "2030-04-06T13:30:00Z", 7),
            [
                "2030-04-06T14",
                "2030-04-06T14:15",
                "2030-04-06T14:30",
                "2030-04-06T14:45",
                "2030-04-06T15",
                "2030-04-06T15:15",
                "2030-04-07T14:30"
            ]
        );
    }

    #[test]
    fn a_day_without_midnight_and_a_day_that_never_was() {
        assert_eq!(due("0 0 * * *", "America/Havana", "2024-03-09T12:00:00Z", 2), ["2024-03-10T05", "2024-03-11T04"]);
        assert_eq!(
            due("0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3),
            ["2011-12-29T19", "2011-12-30T10", "2011-12-30T19"]
        );
    }

    #[test]
    fn what_never_comes_is_known() {
        for never in ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 31 2 +MON"] {
            assert_eq!(recurrence(never, "Europe/Berlin").next_after(at("2030-01-01T00:00:00Z")), None, "{never}");
        }
        assert_eq!(due("0 0 29 2 +MON", "Europe/Berlin", "2030-01-01T00:00:00Z", 1), ["2044-02-28T23"]);
        assert_eq!(recurrence("* * * * *", "UTC").next_after(Timestamp(i64::MAX)), None);
    }

    #[test]
    fn a_refusal_names_the_field() {
        assert_eq!(
            refusal("0 24 * * *", "UTC"),
            r#"cron: the hour "24" is not one (Number out of bounds), found "0 24 * * *""#
        );
        assert!(refusal("0 0 * * MONDAY", "UTC").starts_with(r#"cron: the day of week "MONDAY" is not one"#));
        assert!(refusal("61 0 0 * * *", "UTC").starts_with(r#"cron: the second "61" is not one"#));
        assert!(refusal("5/15 * * * *", "UTC").starts_with(r#"cron: the minute "5/15" is not one"#));
        for wrong in ["", "  ", "@noon", "* * * *", "* * * * * * *", "@daily *"] {
            assert!(refusal(wrong, "UTC").starts_with("cron: there must be 5 fields"), "{wrong}");
        }
        for wrong in [", * * * *", "1,,2 * * * *", "0 0 * * MON,"] {
            assert!(refusal(wrong, "UTC").starts_with("cron: a number is missing"), "{wrong}");
        }
        assert_eq!(refusal(&"1,".repeat(101), "UTC"), "cron must have at most 200 characters, found 202");
        for wrong in ["", "Europe/Atlantis", "CEST", "+02:00", "Etc/Unknown", "../../etc/passwd", "posix/UTC", "a\nb"] {
            assert!(
                refusal("* * * * *", wrong).starts_with("timezone must be the name of an IANA time zone"),
                "{wrong}"
            );
        }
        assert_eq!(recurrence("* * * * *", "europe/BERLIN").timezone(), "Europe/Berlin");
        assert_eq!(recurrence("* * * * *", "utc").timezone(), "UTC");
    }

    fn field(most: u32, least: u32) -> impl Strategy<Value = String> {
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => (1..=most).prop_map(|step| format!("*/{step}")),
            4 => prop::collection::vec(least..=most, 1..4)
                .prop_map(|numbers| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")),
            2 => (least..=most, least..=most)
                .prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other))),
        ]
    }

    fn expression() -> impl Strategy<Value = String> {
        (field(59, 0), field(23, 0), prop_oneof![4 => Just("*".to_owned()), 1 => field(31, 1)])
            .prop_map(|(minute, hour, day)| format!("{minute} {hour} {day} * *"))
    }

    /// Every minute of the window whose local time matches, judged one by one: for a list each local time only the first time, and
    /// what is jumped over at the jump.
    fn judged(recurrence: &Recurrence, from: Timestamp, minutes: i64) -> Vec<Timestamp> {
        let minute = 60_000_000;
        let first = from.0.div_euclid(minute) + 1;
        let mut found = vec![];
        for number in first..first + minutes {
            let moment = Moment::from_microsecond(number * minute).unwrap();
            let local = recurrence.zone.to_datetime(moment);
            let matches = |local: &civil::DateTime| recurrence.cron.is_time_matching(local).unwrap();
            let is_second_time = recurrence.zone.to_ambiguous_timestamp(local).earlier().unwrap() < moment;
            let before = moment.checked_sub(SignedDuration::from_secs(60)).unwrap();
            let last = recurrence.zone.to_datetime(before);
            let skipped = iter::successors(Some(last), |local| {
                local
                    .checked_add(SignedDuration::from_secs(60))
                    .ok()
                    .filter(|later| *later < recurrence.zone.to_datetime(moment))
            });
            let is_due = match recurrence.is_interval() {
                true => matches(&local),
                false => matches(&local) && !is_second_time || skipped.skip(1).any(|local| matches(&local)),
            };
            if is_due {
                found.push(Timestamp(number * minute));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn due_times_are_those_that_match(
            cron in expression(),
            zone in select(&ZONES),
            change in 0_usize..4,
            offset in -720_i64..720,
        ) {
            let recurrence = recurrence(&cron, zone);
            // Around a change of the clocks, where there is one.
            let start = "2030-01-01T00:00:00Z".parse::<Moment>().unwrap();
            let near = recurrence.zone.following(start).nth(change).map_or(start, |change| change.timestamp());
            let from = Timestamp(near.as_microsecond() + offset * 60_000_000);
            let window = 1440;
            let until = Timestamp(from.0 + window * 60_000_000);
            let found: Vec<_> = recurrence.following(from).take_while(|due| *due <= until).collect();
            prop_assert_eq!(found, judged(&recurrence, from, window));
        }

        #[test]
        fn it_makes_no_difference_where_one_asks_from(
            cron in expression(),
            zone in select(&ZONES),
            from in 1_800_000_000_i64..2_000_000_000,
            part in 0.0..1.0_f64,
        ) {
            let recurrence = recurrence(&cron, zone);
            let from = Timestamp(from * 1_000_000);
            if let Some(next) = recurrence.next_after(from) {
                prop_assert!(next > from);
                let between = Timestamp(from.0 + ((next.0 - 1 - from.0) as f64 * part) as i64);
                prop_assert_eq!(recurrence.next_after(between), Some(next));
            }
        }

        #[test]
        fn any_text_is_an_expression_or_refused(cron in "\\PC{0,30}", zone in "\\PC{0,20}") {
            let _ = Recurrence::parse(&cron, &zone);
            let _ = Recurrence::parse(&cron, "UTC").map(|recurrence| recurrence.next_after(at("2030-01-01T00:00:00Z")));
        }

        #[test]
        fn what_looks_like_an_expression_is_one_or_refused(cron in "[-0-9*/,#LW+?A-Z@ ]{0,30}") {
            if let Ok(recurrence) = Recurrence::parse(&cron, "Europe/Berlin") {
                let from = at("2030-01-01T00:00:00Z");
                prop_assert!(recurrence.next_after(from).is_none_or(|due| due > from));
            }
        }
    }
}
