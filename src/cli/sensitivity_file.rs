//! What `sensitivity --format json` found, for a report.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::CliError;
use crate::report::run_dir::open_regular;

/// Larger files are none of ours.
const BYTES_MAX: u64 = 16 << 20;

/// The sentences of a file, which must be about this scenario.
pub fn sentences(path: &Path, scenario: &str) -> Result<Vec<String>, CliError> {
    let file_error = |source| CliError::Input {
        path: path.display().to_string(),
        source,
    };
    let usage = |what: &str| CliError::Usage(format!("{}: {what}", path.display()));
    let file = open_regular(path).map_err(file_error)?;
    let mut bytes = Vec::new();
    let mut reader = file.take(BYTES_MAX + 1);
    reader.read_to_end(&mut bytes).map_err(file_error)?;
    if BYTES_MAX < bytes.len() as u64 {
        return Err(usage("is too large to be what `sensitivity` found"));
    }
    let help = "is not what `sensitivity --format json` writes";
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| usage(help))?;
    let found = |key: &str| value.get(key);
    let (Some(name), Some(measure), Some(count), Some(sentences)) = (
        found("scenario").and_then(Value::as_str),
        found("measure").and_then(Value::as_str),
        found("replication_count").and_then(Value::as_u64),
        found("sentences").and_then(Value::as_array),
    ) else {
        return Err(usage(help));
    };
    if name != scenario {
        return Err(usage(&format!(
            "is about `{name}`, this scenario is `{scenario}`"
        )));
    }
    let texts = sentences.iter().map(|text| text.as_str().map(capital));
    let mut texts: Vec<String> = texts.collect::<Option<_>>().ok_or_else(|| usage(help))?;
    texts.insert(
        0,
        format!("Sensitivity of {measure}, {count} replications at each end of each input."),
    );
    Ok(texts)
}

/// A sentence with a capital and a full stop.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
