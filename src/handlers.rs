//! stub until merge
use crate::error::Error;
pub struct Verdict {
    pub passed: bool,
    pub message: String,
}
pub fn verify(_: &str, _: &str, _: &str, _: &str, _: &str) -> Result<Verdict, Error> {
    Ok(Verdict { passed: true, message: String::new() })
}
pub fn complete(_: &str, _: &str, _: &str, _: &str) -> Result<(), Error> {
    Ok(())
}
