//! How a state is written: as the text that Python's json.dumps makes of it, which links have had from the beginning, and as a
//! link, in which everything but letters, digits and `_.-~` is escaped.

use std::fmt::Write as _;
use std::io::{Result, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// The JSON of a state, or of layers, in ASCII. Errors: none for the types of this module.
pub fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = vec![];
    value.serialize(&mut Serializer::with_formatter(&mut bytes, AsPython))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The link that opens a state; `base` is the viewer up to where the state begins.
pub fn link(base: &str, json: &str) -> String {
    let mut link = String::with_capacity(base.len() + 2 * json.len());
    link.push_str(base);
    for byte in json.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => link.push(char::from(byte)),
            _ => write!(link, "%{byte:02X}").unwrap_or_default(),
        }
    }
    link
}

/// `, ` and `: ` between things, floats by repr(), and nothing but ASCII.
struct AsPython;

impl Formatter for AsPython {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        self.begin_array_value(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> Result<()> {
        writer.write_all(repr(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> Result<()> {
        fragment.chars().try_for_each(|character| match character {
            ' '..='~' => writer.write_all(&[character as u8]),
            _ => character.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(writer, "\\u{unit:04x}")),
        })
    }

    /// JSON that is passed through has characters that are not ASCII in texts only.
    fn write_raw_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> Result<()> {
        self.write_string_fragment(writer, fragment)
    }
}

/// The shortest digits that mean the number, with the exponent as Python writes it.
fn repr(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    /// What `link` escaped.
    fn unescape(text: &str) -> String {
        let mut bytes = text.bytes();
        let mut unescaped = vec![];
        while let Some(byte) = bytes.next() {
            let mut digit = || (bytes.next().unwrap() as char).to_digit(16).unwrap() as u8;
            unescaped.push(if byte == b'%' { digit() * 16 + digit() } else { byte });
        }
        String::from_utf8(unescaped).unwrap()
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.5, "0.5"),
            (4.0 * 1e-9, "4e-09"),
            (45.0 * 1e-9, "4.5000000000000006e-08"),
            (16.5 * 1e-9, "1.6500000000000002e-08"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123456789.125, "123456789.125"),
            (9007199254740993.0, "9007199254740992.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (-2.5e-100, "-2.5e-100"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(json(&value).unwrap(), text);
        }
        assert_eq!(json(&[f64::NAN, f64::INFINITY]).unwrap(), "[null, null]");
    }

    #[test]
    fn json_has_pythons_separators_and_escapes() {
        let value = json!({"a": [1, {"b": null}, []], "c": "\"\\/\n\u{1}\u{7f}é😀"});
        assert_eq!(
            json(&value).unwrap(),
            r#"{"a": [1, {"b": null}, []], "c": "\"\\/\n\u0001\u007f\u00e9\ud83d\ude00"}"#
        );
        let raw = RawValue::from_string(r#"{"b":"é",  "a": 1.50}"#.into()).unwrap();
        assert_eq!(json(&[raw]).unwrap(), r#"[{"b":"\u00e9",  "a": 1.50}]"#);
    }

    #[test]
    fn nothing_is_left_unescaped() {
        assert_eq!(
            link("base#!", r#"{"aZ0": "_.-~ /?#&+"}"#),
            "base#!%7B%22aZ0%22%3A%20%22_.-~%20%2F%3F%23%26%2B%22%7D"
        );
    }

    proptest! {
        #[test]
        fn a_link_leads_back_to_its_state(texts: Vec<String>, numbers: Vec<f64>) {
            let value = json!({"texts": texts, "numbers": numbers});
            let text = json(&value).unwrap();
            let link = link("https://viewer/#!", &text);
            let escaped = link.strip_prefix("https://viewer/#!").unwrap();
            prop_assert!(escaped.bytes().all(|byte| byte == b'%' || byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte)));
            prop_assert_eq!(unescape(escaped), text.clone());
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
