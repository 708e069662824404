use regex::Regex;

use super::*;
use crate::config::check::check;
use crate::config::key::ConfigType;
use crate::config::problem::Problem;
use crate::config::sections::root::ROOT;
use crate::config::tree::TomlNode;
use crate::config::{built_in, duration, lookup, pages, presets};

/// What is wrong with a value, by the rules of JSON Schema for the keywords that are used; another keyword is an error
/// of the schema, so that none is passed over.
fn problems(whole: &Value, shape: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let shape = shape.as_object().unwrap_or_else(|| panic!("{at}: a schema is an object"));
    let mut say = |good: bool, word: &str| {
        if !good {
            found.push(format!("{at}: {word}"));
        }
    };
    let mut inner = Vec::new();
    let named = shape.get("properties").and_then(Value::as_object);
    for (word, rule) in shape {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                inner.extend(problems(whole, whole.pointer(pointer).unwrap(), value, at));
            }
            "type" => say(
                match rule.as_str().unwrap() {
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("{at}: type {other}"),
                },
                word,
            ),
            "enum" => say(rule.as_array().unwrap().contains(value), word),
            "minimum" => say(value.as_f64().is_none_or(|v| v >= rule.as_f64().unwrap()), word),
            "exclusiveMinimum" => say(value.as_f64().is_none_or(|v| v > rule.as_f64().unwrap()), word),
            "maximum" => say(value.as_f64().is_none_or(|v| v <= rule.as_f64().unwrap()), word),
            "minItems" => {
                say(value.as_array().is_none_or(|v| v.len() as u64 >= rule.as_u64().unwrap()), word);
            }
            "pattern" => {
                let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
                say(value.as_str().is_none_or(|v| pattern.is_match(v)), word);
            }
            "anyOf" => say(
                rule.as_array().unwrap().iter().any(|one| problems(whole, one, value, at).is_empty()),
                word,
            ),
            "required" => {
                for name in rule.as_array().unwrap() {
                    say(value.get(name.as_str().unwrap()).is_some(), word);
                }
            }
            "items" => {
                for (index, one) in value.as_array().into_iter().flatten().enumerate() {
                    inner.extend(problems(whole, rule, one, &format!("{at}[{index}]")));
                }
            }
            "properties" => {
                for (name, one) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        inner.extend(problems(whole, one, value, &format!("{at}.{name}")));
                    }
                }
            }
            "propertyNames" => {
                for (name, _) in value.as_object().into_iter().flatten() {
                    inner.extend(problems(whole, rule, &json!(name), &format!("{at}.{name}")));
                }
            }
            "additionalProperties" => {
                for (name, one) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}.{name}");
                    match rule {
                        _ if named.is_some_and(|named| named.contains_key(name)) => {}
                        Value::Bool(false) => inner.push(format!("{at}: unknown")),
                        rule => inner.extend(problems(whole, rule, one, &at)),
                    }
                }
            }
            other => panic!("{at}: keyword {other}"),
        }
    }
    found.extend(inner);
    found
}

fn judge(toml: &str) -> Vec<String> {
    let schema = json_schema();
    let value = TomlNode::parse(toml).unwrap_or_else(|e| panic!("{}", e.message)).to_json();
    problems(&schema, &schema, &value, "")
}

#[test]
fn the_example_is_valid_with_and_without_its_comments() {
    let example = pages::example();
    assert_eq!(judge(&example), [""; 0]);
    let all = pages::switched_on(&example);
    assert_ne!(all, example);
    assert_eq!(judge(&all), [""; 0]);
}

#[test]
fn all_that_is_built_in_fits_the_schema() {
    let schema = json_schema();
    for source in built_in::sources(presets::NAMES.iter().map(|name| (*name, None))) {
        assert_eq!(problems(&schema, &schema, &source.tree.to_json(), ""), [""; 0], "{}", source.label);
    }
}

#[test]
fn every_key_is_in_the_schema_with_meaning_and_default() {
    let whole = json_schema();
    for (key, declared) in lookup::leaves() {
        let mut shape = &whole;
        for part in key.split('.') {
            // into the items of a list or the tables with free names, and through references
            if let Some(items) = shape.get("items") {
                shape = items;
            }
            shape = if part == "NAME" { &shape["additionalProperties"] } else { &shape["properties"][part] };
            if let Some(pointer) = shape.get("$ref") {
                shape = whole.pointer(&pointer.as_str().unwrap()[1..]).unwrap();
            }
        }
        assert_eq!(shape["description"], declared.doc(), "{key}");
        let default = declared.default_value().map(|node| node.to_json());
        assert_eq!(shape.get("default"), default.as_ref(), "{key}");
    }
    // the section itself says what it is for, and a profile holds the same sections as a file
    assert_eq!(whole["$defs"]["run"]["description"], "How a run goes through the tasks of a spec.");
    let profile = &whole["properties"]["profile"]["additionalProperties"]["properties"];
    for key in SETTINGS {
        assert_eq!(profile[key.name], whole["properties"][key.name], "{}", key.name);
    }
    assert!(profile.get("extends").is_none() && profile.get("profile").is_none());
}

#[test]
fn the_schema_accepts_exactly_what_the_check_of_a_file_accepts() {
    for text in [
        "[run]\ndealy = 3",
        "[rnu]",
        "[run]\nmax_iterations = 0",
        "[run]\nmax_iterations = 5000000000",
        "[run]\ngranularity = \"units\"",
        "[run]\ninclude_optional = \"yes\"",
        "[run]\nbackend = \" \"",
        "[run]\ndelay = -1",
        "[run]\ndelay = 1.5",
        "[done]\nnudges = -1",
        "[tmux]\nsize = \"big\"",
        "[tmux]\nsize = \"0x50\"",
        "[prompt]\nskills = [{ name = \"x\" }]",
        "[verify]\ncommands = [\"cargo\"]",
        "[verify]\ncommands = [[]]",
        "[backend.\"a.b\"]\ncommand = \"x\"",
        "[backend.mine.env]\nX = 1",
        "[backend.mine.permission_args]\nall = []",
        "[profile.night]\nextends = []",
        "[profile.night.run]\ndealy = \"1s\"",
        "extends = \"one\"",
        "[tmux]\nlayout = \"tild\"",
        "[tmux]\nkeep = \"some\"",
        "[tmux]\nwindow = 3",
        "[[tmux.pane]]\nevery = \"5s\"",
        "[[tmux.pane]]\ncommand = []",
        "[[tmux.pane]]\ncommand = \"git diff\"",
        "[[tmux.pane]]\ncommand = [\"x\"]\nsize = \"0%\"",
        "[[tmux.pane]]\ncommand = [\"x\"]\nsize = \"100%\"",
        "[[tmux.pane]]\ncommand = [\"x\"]\nsize = 0",
        "[[tmux.pane]]\ncommand = [\"x\"]\nside = \"left\"",
        "[[tmux.window]]\ncommand = [\"x\"]",
        "[[tmux.windows]]\nname = \"x\"",
    ] {
        assert!(!mistakes(text).is_empty(), "the check takes {text}");
        assert!(!judge(text).is_empty(), "the schema takes {text}");
    }
    for text in [
        "[run]\ndelay = 30",
        "[run]\ndelay = \"30\"",
        "[done]\nnudges = 0",
        "[tmux]\nsize = \"80x24\"",
        "[verify]\ncommands = []",
        "[backend.mine-2]\ncommand = \"x\"\nenv = { A = \"\" }",
        "[profile.night.timeout]\nidle = \"0s\"",
        "[[assign.rule]]\ntasks = [\"3\"]\nbackend = \"x\"",
        "[tmux]\nlayout = \"main-vertical-mirrored\"\nkeep = \"failed\"",
        "[[tmux.pane]]\ncommand = [\"x\"]\nsize = 12",
        "[[tmux.pane]]\ncommand = [\"x\"]\nsize = \" 30 %\"\nevery = 5\nside = \"below\"",
        "[[tmux.window]]\nname = \"x\"\ncommand = [\"x\"]",
        "[tmux]\nwindow = \"{id}\"\n[[tmux.windows]]\nname = \"x\"\ncommand = [\"x\"]",
        "[[profile.night.tmux.window]]\nname = \"x\"\ncommand = [\"x\"]",
    ] {
        assert!(mistakes(text).is_empty(), "the check refuses {text}: {:?}", mistakes(text));
        assert_eq!(judge(text), [""; 0], "{text}");
    }
}

fn mistakes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    check(&TomlNode::parse(text).unwrap(), ROOT, &|_| String::new(), &mut found);
    found.iter().map(Problem::render).collect()
}

#[test]
fn the_schema_accepts_the_durations_that_seqorch_accepts() {
    let units = "nanos nsec ns usec us µs millis msec ms seconds second secs sec s minutes minute min mins m hours hour hr \
                 hrs h days day d weeks week wk wks w months month M years year yr yrs y nsecs hs x S D";
    let mut texts: Vec<String> = units.split(' ').map(|unit| format!("2{unit}")).collect();
    texts.extend(
        [
            "", " ", "0", "15", " 15 ", "1m 30s", "1m30s", "1 m 30 s", "1m,30s", "1.5h", "1.5", "-5s", "5",
            "s", "1m30", "2h\n",
        ]
        .map(str::to_owned),
    );
    let KeyShape::Value(format) = <std::time::Duration as ConfigType>::SHAPE else { unreachable!() };
    let shape = (format.schema)();
    for text in texts {
        let valid = problems(&shape, &shape, &json!(text), "").is_empty();
        assert_eq!(valid, duration::parse(&text).is_ok(), "{text:?}");
    }
}
