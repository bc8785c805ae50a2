//! The seed form of a state, which stands for the state of a segment until that is expanded: `{"seed_id": 123}` and nothing else.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::Object;
use crate::tasks::SeedId;

/// The segment that a state in the seed form stands for; None for any other state. An id above 2^53 may be a text, as the
/// functions write it.
pub fn seed_of(state: &str) -> Option<SeedId> {
    const LARGEST_NUMBER: u64 = 1 << 53;
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct SeedForm<'a> {
        #[serde(borrow)]
        seed_id: &'a RawValue,
    }
    let Object(form) = serde_json::from_str::<Object<SeedForm>>(state).ok()?;
    let id = form.seed_id.get();
    match id.strip_prefix('"').and_then(|id| id.strip_suffix('"')) {
        None => id.parse().ok(),
        Some(id) => id.parse().ok().filter(|number: &u64| *number > LARGEST_NUMBER && number.to_string() == id),
    }
    .map(SeedId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_but_an_id_is_the_seed_form() {
        for state in [
            "",
            "null",
            "5",
            "{}",
            "[]",
            "[5]",
            r#"{"seed_id": null}"#,
            r#"{"seed_id": true}"#,
            r#"{"seed_id": -1}"#,
            r#"{"seed_id": 5.0}"#,
            r#"{"seed_id": 5.5}"#,
            r#"{"seed_id": 18446744073709551616}"#,
            r#"{"seed_id": [5]}"#,
            r#"{"seed_id": "5"}"#,
            r#"{"seed_id": "9007199254740992"}"#,
            r#"{"seed_id": "18446744073709551616"}"#,
            r#"{"seed_id": "+9007199254740993"}"#,
            r#"{"seed_id": "09007199254740993"}"#,
            r#"{"seed_id": 5, "layers": []}"#,
            r#"{"layers": [], "seed_id": 5}"#,
            r#"{"Seed_id": 5}"#,
        ] {
            assert_eq!(seed_of(state), None, "{state}");
        }
        assert_eq!(seed_of(r#"{"seed_id": "9007199254740993"}"#), Some(SeedId(9_007_199_254_740_993)));
        assert_eq!(seed_of(r#"{"seed_id": 0}"#), Some(SeedId(0)));
    }

    #[test]
    fn deep_nesting_is_not_the_seed_form() {
        let deep = format!(r#"{{"seed_id": {}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(seed_of(&deep), None);
    }

    proptest! {
        #[test]
        fn every_id_is_a_seed(id: u64) {
            let state = format!(r#"{{"seed_id": {id}}}"#);
            prop_assert_eq!(seed_of(&state), Some(SeedId(id)));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = seed_of(&text);
        }
    }
}
