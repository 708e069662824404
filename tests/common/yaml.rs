//! YAML as the values of JSON, for the files of other programs.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// A list or a table that is not closed yet, and the key that waits for its value.
struct Open {
    value: Value,
    key: Option<String>,
}

/// The only document of a text.
pub(crate) fn yaml(text: &str) -> Value {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let done = match event.unwrap().0 {
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => {
                open.push(Open { value: Value::Array(Vec::new()), key: None });
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open { value: Value::Object(Map::new()), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().unwrap().value,
            _ => continue,
        };
        match open.last_mut() {
            None => return done,
            Some(Open { value: Value::Array(all), .. }) => all.push(done),
            Some(Open { value: Value::Object(all), key }) => match key.take() {
                Some(key) => assert!(all.insert(key.clone(), done).is_none(), "{key} is there twice"),
                None => *key = Some(done.as_str().map_or_else(|| done.to_string(), str::to_owned)),
            },
            Some(_) => unreachable!("only lists and tables are open"),
        }
    }
    panic!("there is no document")
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        (ScalarStyle::Plain, "true") => true.into(),
        (ScalarStyle::Plain, "false") => false.into(),
        (ScalarStyle::Plain, number) => number.parse::<i64>().map_or_else(|_| number.into(), Into::into),
        _ => text.into(),
    }
}
