//! What may be said of a fact.

pub mod search;

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::{
    Invalid, check_name, check_names, or_default, parse_object, parse_objects, parse_patch, present,
};
use crate::times::Timestamp;

/// Where a fact is that names no namespace.
pub const DEFAULT_NAMESPACE: &str = "default";

/// The `data` of `create_fact`. Payloads pass through as text, so that no number loses a digit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFact<'a> {
    pub fact_id: Option<String>,
    pub text: String,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    #[serde(default, borrow)]
    pub metadata: Option<&'a RawValue>,
    pub namespace: Option<String>,
    pub subject: Option<String>,
    pub predicate: Option<String>,
    #[serde(default, borrow)]
    pub object_data: Option<&'a RawValue>,
    pub valid_from: Option<Timestamp>,
    pub valid_to: Option<Timestamp>,
    pub rule_id: Option<String>,
    pub created_by: Option<String>,
    /// The task that has found it out.
    pub produced_by_task: Option<String>,
}

/// The `data` of `update_fact`: an absent key keeps the value, null clears it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactPatch<'a> {
    #[serde(deserialize_with = "present")]
    pub text: Option<String>,
    #[serde(deserialize_with = "present")]
    pub tags: Option<Option<Vec<String>>>,
    #[serde(borrow, deserialize_with = "present")]
    pub metadata: Option<Option<&'a RawValue>>,
    #[serde(deserialize_with = "present")]
    pub namespace: Option<String>,
    #[serde(deserialize_with = "present")]
    pub subject: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub predicate: Option<Option<String>>,
    #[serde(borrow, deserialize_with = "present")]
    pub object_data: Option<Option<&'a RawValue>>,
    #[serde(deserialize_with = "present")]
    pub valid_from: Option<Option<Timestamp>>,
    #[serde(deserialize_with = "present")]
    pub valid_to: Option<Option<Timestamp>>,
    #[serde(deserialize_with = "present")]
    pub rule_id: Option<Option<String>>,
}

/// How a fact stands to a moment.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FactStatus {
    Permanent,
    NotYetValid,
    Valid,
    Expired,
}

/// The `filters` of `list_facts`; a fact must fit all that are given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactFilters<'a> {
    /// A part of the text or of the metadata as text, in upper or lower case.
    pub q: Option<String>,
    pub tag: Option<String>,
    pub tags: Option<Vec<String>>,
    #[serde(borrow)]
    pub metadata: Option<&'a RawValue>,
    pub namespace: Option<String>,
    pub subject: Option<String>,
    pub predicate: Option<String>,
    pub status: Option<FactStatus>,
    /// Only what is in effect at this moment.
    pub at: Option<Timestamp>,
    pub produced_by: Option<String>,
    pub read_by: Option<String>,
}

impl<'a> NewFact<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let fact: Self = parse_object("data", text)?;
        fact.check(format_args!("data"))?;
        Ok(fact)
    }

    /// Parses the array of `create_facts`.
    pub fn parse_all(text: &'a str) -> Result<Vec<Self>, Invalid> {
        let facts: Vec<Self> = parse_objects("data", text)?;
        facts.iter().enumerate().try_for_each(|(index, fact)| fact.check(format_args!("data[{index}]")))?;
        Ok(facts)
    }

    /// Makes it as an update wants it to be. Errors: what it would be is refused as something new would.
    pub fn change(&mut self, patch: FactPatch<'a>) -> Result<(), Invalid> {
        fn set<T>(value: &mut T, new: Option<T>) {
            if let Some(new) = new {
                *value = new;
            }
        }
        set(&mut self.text, patch.text);
        set(&mut self.tags, patch.tags.map(Option::unwrap_or_default));
        set(&mut self.metadata, patch.metadata);
        set(&mut self.namespace, patch.namespace.map(Some));
        set(&mut self.subject, patch.subject);
        set(&mut self.predicate, patch.predicate);
        set(&mut self.object_data, patch.object_data);
        set(&mut self.valid_from, patch.valid_from);
        set(&mut self.valid_to, patch.valid_to);
        set(&mut self.rule_id, patch.rule_id);
        self.check(format_args!("data"))
    }

    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
    }

    pub fn metadata(&self) -> &'a str {
        self.metadata.map_or("{}", RawValue::get)
    }

    fn check(&self, argument: fmt::Arguments) -> Result<(), Invalid> {
        let names = [
            ("fact_id", &self.fact_id),
            ("namespace", &self.namespace),
            ("subject", &self.subject),
            ("predicate", &self.predicate),
            ("rule_id", &self.rule_id),
            ("created_by", &self.created_by),
            ("produced_by_task", &self.produced_by_task),
        ];
        for (key, name) in names {
            name.as_ref().map_or(Ok(()), |name| check_not_blank(format_args!("{argument}.{key}"), name))?;
        }
        if self.text.is_empty() {
            return Err(Invalid(format!("{argument}.text must not be empty")));
        }
        check_names(format_args!("{argument}.tags"), &self.tags)?;
        check_object(format_args!("{argument}.metadata"), self.metadata)?;
        let parts = [self.subject.is_some(), self.predicate.is_some(), self.object_data.is_some()];
        let is_triple = parts.iter().all(|is_given| *is_given);
        if !is_triple && parts.contains(&true) {
            return Err(Invalid(format!(
                "{argument}.subject, predicate and object_data must be given together or not at all"
            )));
        }
        if self.rule_id.is_some() && !is_triple {
            return Err(Invalid(format!("{argument}.rule_id needs subject, predicate and object_data")));
        }
        match (self.valid_from, self.valid_to) {
            (Some(Timestamp(from)), Some(Timestamp(to))) if from > to => {
                Err(Invalid(format!("{argument}.valid_from must not be after valid_to")))
            }
            _ => Ok(()),
        }
    }
}

impl<'a> FactPatch<'a> {
    const FIXED: [(&'static str, &'static str); 5] = [
        ("fact_id", "a fact keeps its id"),
        ("status", "it follows from valid_from and valid_to"),
        ("created_by", "create_fact sets it"),
        ("created_at", "create_fact sets it"),
        ("updated_at", "every change sets it"),
    ];

    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        parse_patch(text, &Self::FIXED)
    }
}

impl FactStatus {
    pub fn name(self) -> &'static str {
        match self {
            FactStatus::Permanent => "permanent",
            FactStatus::NotYetValid => "not_yet_valid",
            FactStatus::Valid => "valid",
            FactStatus::Expired => "expired",
        }
    }
}

impl<'a> FactFilters<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let filters: Self = parse_object("filters", text)?;
        check_object(format_args!("filters.metadata"), filters.metadata)?;
        for (key, task) in [("produced_by", &filters.produced_by), ("read_by", &filters.read_by)] {
            task.as_ref().map_or(Ok(()), |task| check_name(format_args!("filters.{key}"), task))?;
        }
        Ok(filters)
    }

    /// All tags that are asked for; none if any will do.
    pub fn tags(&self) -> Vec<String> {
        self.tag.iter().chain(self.tags.iter().flatten()).cloned().collect()
    }
}

fn check_not_blank(argument: fmt::Arguments, name: &str) -> Result<(), Invalid> {
    check_name(argument, name)?;
    match name.trim().is_empty() {
        true => Err(Invalid(format!("{argument} must not be blank"))),
        false => Ok(()),
    }
}

fn check_object(argument: fmt::Arguments, value: Option<&RawValue>) -> Result<(), Invalid> {
    match value {
        Some(value) if !value.get().starts_with('{') => Err(Invalid(format!("{argument} must be an object"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        NewFact::parse(text).unwrap_err().0
    }

    #[test]
    fn only_the_text_is_required() {
        let fact = NewFact::parse(r#"{"text": "t"}"#).unwrap();
        assert_eq!((fact.namespace(), fact.metadata(), fact.tags.len()), (DEFAULT_NAMESPACE, "{}", 0));
        assert_eq!(refusal("{}"), "data: missing field `text`");
        assert_eq!(refusal(r#"{"text": ""}"#), "data.text must not be empty");
        assert!(refusal(r#"{"text": null}"#).starts_with("data.text: invalid type: null"));
    }

    #[test]
    fn null_is_as_if_absent_in_a_new_fact() {
        let nulls = r#"{"text": "t", "fact_id": null, "tags": null, "metadata": null, "namespace": null, "subject": null,
            "predicate": null, "object_data": null, "valid_from": null, "valid_to": null, "rule_id": null, "created_by": null,
            "produced_by_task": null}"#;
        let fact = format!("{:?}", NewFact::parse(nulls).unwrap());
        assert_eq!(fact, format!("{:?}", NewFact::parse(r#"{"text": "t"}"#).unwrap()));
    }

    #[test]
    fn a_triple_is_whole() {
        assert!(
            NewFact::parse(r#"{"text": "t", "subject": "s", "predicate": "p", "object_data": 1, "rule_id": "r"}"#)
                .is_ok()
        );
        assert!(refusal(r#"{"text": "t", "subject": "s"}"#).contains("together or not at all"));
        assert!(refusal(r#"{"text": "t", "rule_id": "r"}"#).contains("rule_id needs"));
    }

    #[test]
    fn an_interval_does_not_end_before_it_begins() {
        let fact = |from: &str, to: &str| {
            let (from, to) = (format!("2030-01-0{from}T00:00:00Z"), format!("2030-01-0{to}T00:00:00Z"));
            NewFact::parse(&format!(r#"{{"text": "t", "valid_from": "{from}", "valid_to": "{to}"}}"#)).map(|_| ())
        };
        assert!(fact("1", "2").is_ok() && fact("1", "1").is_ok());
        assert_eq!(fact("2", "1").unwrap_err().0, "data.valid_from must not be after valid_to");
    }

    #[test]
    fn an_update_is_checked_as_a_whole() {
        let mut fact = NewFact::parse(r#"{"text": "t", "tags": ["a"], "metadata": {"a": 1}}"#).unwrap();
        fact.change(FactPatch::parse(r#"{"tags": null, "metadata": null, "text": "u"}"#).unwrap()).unwrap();
        assert_eq!((fact.text.as_str(), fact.tags.len(), fact.metadata()), ("u", 0, "{}"));
        let subject = FactPatch::parse(r#"{"subject": "s"}"#).unwrap();
        assert!(fact.change(subject).unwrap_err().0.contains("together or not at all"));
        for key in ["text", "namespace"] {
            let error = FactPatch::parse(&format!(r#"{{"{key}": null}}"#)).unwrap_err();
            assert!(error.0.starts_with(&format!("data.{key}: invalid type: null, expected")), "{error}");
        }
    }

    #[test]
    fn metadata_is_an_object() {
        assert_eq!(refusal(r#"{"text": "t", "metadata": [1]}"#), "data.metadata must be an object");
        let error = FactFilters::parse(r#"{"metadata": 1}"#).map(|_| ()).unwrap_err();
        assert_eq!(error.0, "filters.metadata must be an object");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = NewFact::parse(&text);
            let _ = NewFact::parse_all(&text);
            let _ = FactPatch::parse(&text);
            let _ = FactFilters::parse(&text);
        }
    }
}
