//! Loads the configuration: all sources, merged and checked.

use std::path::Path;
use std::{fs, io};

use super::built_in;
use super::files::{Files, IfMissing};
use super::loaded::{GitPreset, LoadRequest, Loaded};
use super::meaning;
use super::path::KeyPath;
use super::presets;
use super::problem::{Problem, did_you_mean};
use super::provenance::Provenance;
use super::sections::root::Config;
use super::source::{ConfigSource, Layer};
use super::tree::TomlNode;
use super::vars;
use crate::error::{Error, ErrorKind};

/// Reads, merges and checks all sources. Every problem of every source is in the error, one detail each.
pub fn load(request: &LoadRequest) -> Result<Loaded, Error> {
    let (loaded, problems) = load_what_can_be(request)?;
    problems.map_or(Ok(loaded), Err)
}

/// As [`load`], without what has problems, and the error that [`load`] gives. Only for what changes nothing: what a person
/// wrote is not all there.
pub fn load_what_can_be(request: &LoadRequest) -> Result<(Loaded, Option<Error>), Error> {
    let mut files = read_files(request);
    let base = std::mem::take(&mut files.sources);
    let chosen = request.profile.as_deref().map_or_else(Vec::new, |name| choose_profile(&mut files, name));
    let is_missing = request.profile.is_some() && chosen.is_empty();
    let mut sources = [base.clone(), chosen].concat();
    let so_far = Provenance::merge(sources.clone())?;
    let mut names = backends(&so_far);
    names.extend(so_far.names(&KeyPath::parse("account")));
    let mut above = vars::from_env(&request.env, &names, &mut files.problems);
    above.extend(vars::from_flags(&request.flags, &mut files.problems));
    sources.extend(above.iter().cloned());
    let provenance = Provenance::merge(with_built_in(sources)?)?;
    // where a whole file is missing, what is left may have problems that no person made
    let written = files.broken.then(|| error(&files.problems));
    let others = other_profiles(&files, request.profile.as_deref(), (&base, &above))?;
    let config = mean(&provenance, &mut files, if is_missing { &others } else { &[] });
    mistakes_of_others(&mut files, &others);
    let problems = written.or_else(|| (!files.problems.is_empty()).then(|| error(&files.problems)));
    let loaded = Loaded {
        config,
        provenance,
        profiles: profile_names(&files).into_iter().map(str::to_owned).collect(),
        files: files.paths,
        extends: files.extends,
        git_presets: files.git_presets,
        root: request.root.clone(),
    };
    Ok((loaded, problems))
}

/// The presets from repositories of git that the files name, as far as they can be read without fetching any.
#[must_use]
pub fn git_presets(request: &LoadRequest) -> Vec<GitPreset> {
    read_files(request).git_presets
}

fn read_files(request: &LoadRequest) -> Files<'_> {
    let mut files = Files::new(&request.root, &request.env);
    // the user's file, as the XDG rules say
    if let Some(folder) = files.user_folder.clone() {
        files.read(&folder.join("config.toml"), Layer::User, IfMissing::Ignore);
    }
    match &request.config_file {
        Some(file) if fs::symlink_metadata(file).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) => {
            files.fail("--config".to_owned(), missing(file, &request.root));
        }
        Some(file) => files.read(file, Layer::Repo, IfMissing::Blame("--config".to_owned())),
        None => files.read(&request.root.join("seqorch.toml"), Layer::Repo, IfMissing::Ignore),
    }
    files.read(&request.root.join("seqorch.local.toml"), Layer::Local, IfMissing::Ignore);
    files
}

/// What is said of a file that `--config` names and that is not there, with the way out.
fn missing(file: &Path, root: &Path) -> String {
    let shown = file.strip_prefix(root).unwrap_or(file).display();
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_config = |name: &String| {
        let name = Path::new(name);
        name.extension().is_some_and(|ending| ending == "toml")
            && name.to_string_lossy().starts_with("seqorch")
    };
    let mut there: Vec<String> = names.filter(is_config).collect();
    there.sort();
    let way_out = if there.is_empty() {
        "the project has no configuration file: `seqorch init` writes one, and without --config the defaults count"
            .to_owned()
    } else {
        format!("the project has {}; without --config, seqorch.toml counts if it is there", there.join(", "))
    };
    format!("{shown} does not exist ({way_out})")
}

/// The settings of a profile, which count more than those of the files.
fn choose_profile(files: &mut Files<'_>, wanted: &str) -> Vec<ConfigSource> {
    let chosen = sources_of(files, wanted);
    if chosen.is_empty() && !files.broken {
        let known = profile_names(files);
        let near = did_you_mean(wanted, known.iter().copied());
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let text = format!("there is no profile {wanted:?}{near} (known: {known})");
        files.problems.push(Problem { place: "--profile".to_owned(), key: KeyPath::default(), text });
    }
    chosen
}

/// The settings of a profile, of all files.
fn sources_of(files: &Files<'_>, profile: &str) -> Vec<ConfigSource> {
    let named = files.profiles.iter().filter(|(name, _)| name == profile);
    named.map(|(_, source)| source.clone()).collect()
}

/// A profile that was not chosen, as the files with it are.
struct OtherProfile {
    name: String,
    provenance: Provenance,
    /// What is wrong then.
    problems: Vec<Problem>,
}

/// The profiles that were not chosen: with what a person mistyped in one of them, it could not be chosen. `base` are the
/// files, `above` counts more than any profile.
fn other_profiles(
    files: &Files<'_>,
    chosen: Option<&str>,
    (base, above): (&[ConfigSource], &[ConfigSource]),
) -> Result<Vec<OtherProfile>, Error> {
    let names = profile_names(files).into_iter().filter(|name| Some(*name) != chosen);
    let other = |name: &str| {
        let sources = [base, &sources_of(files, name), above].concat();
        let provenance = Provenance::merge(with_built_in(sources)?)?;
        let (_, problems) = meaning_of(&provenance, files);
        Ok(OtherProfile { name: name.to_owned(), provenance, problems })
    };
    names.map(other).collect()
}

/// Adds the mistakes of profiles that were not chosen.
fn mistakes_of_others(files: &mut Files<'_>, others: &[OtherProfile]) {
    for other in others {
        for problem in &other.problems {
            let within = KeyPath::parse("profile").join(&other.name);
            let key = problem.key.parts().iter().fold(within, |path, part| path.join(part));
            let origin = other.provenance.current(&problem.key).map(|(origin, _)| origin);
            let Some(origin) = origin.filter(|origin| origin.layer == Layer::Profile.name()) else {
                continue;
            };
            if !files.problems.iter().any(|known| known.place == origin.place || known.key.covers(&key)) {
                files.problems.push(Problem { place: origin.place, ..problem.clone() });
            }
        }
    }
}

/// The names of the profiles in all files, sorted.
fn profile_names<'a>(files: &'a Files<'_>) -> Vec<&'a str> {
    let mut known: Vec<&str> = files.profiles.iter().map(|(name, _)| name.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// The backends that are named so far, and the built-in ones.
fn backends(provenance: &Provenance) -> Vec<String> {
    let mut names = provenance.names(&KeyPath::parse("backend"));
    names.extend(presets::NAMES.iter().map(|name| (*name).to_owned()));
    names.sort();
    names.dedup();
    names
}

/// Puts below all that a user wrote what is built in, which depends on the presets that the user chose.
fn with_built_in(written: Vec<ConfigSource>) -> Result<Vec<ConfigSource>, Error> {
    let provenance = Provenance::merge(written.clone())?;
    let tree = provenance.tree();
    let names = backends(&provenance);
    let presets = names.iter().map(|name| {
        let preset = tree.get(&KeyPath::parse("backend").join(name).join("preset"));
        (name.as_str(), preset.and_then(TomlNode::text))
    });
    let mut sources = built_in::sources(presets);
    sources.extend(written);
    Ok(sources)
}

/// What the merged settings mean, and the mistakes that show in it.
fn meaning_of(provenance: &Provenance, files: &Files<'_>) -> (Config, Vec<Problem>) {
    let (config, mut problems) = meaning::resolve(&provenance.tree(), files.root());
    if let Some(template) = config.prompt.template.as_ref().filter(|file| !file.is_file()) {
        let text = format!("there is no file {}", files.label(template));
        problems.push(Problem::of_key(KeyPath::parse("prompt.template"), text));
    }
    (config, problems)
}

/// What the merged settings mean. The mistakes that show in it are added to those of the files, but those that one of
/// `profiles` corrects.
fn mean(provenance: &Provenance, files: &mut Files<'_>, profiles: &[OtherProfile]) -> Config {
    let (config, mut problems) = meaning_of(provenance, files);
    problems.retain(|problem| profiles.iter().all(|profile| profile.problems.contains(problem)));
    let reported = files.problems.len();
    for problem in problems {
        // what was reported was left out, which must not cause a second message
        if files.problems[..reported].iter().any(|known| known.key.covers(&problem.key)) {
            continue;
        }
        let origin = provenance.current(&problem.key).or_else(|| provenance.current(&problem.key.parent()));
        let place = origin.map(|(origin, _)| origin.place).unwrap_or_default();
        files.problems.push(Problem { place, ..problem });
    }
    config
}

fn error(problems: &[Problem]) -> Error {
    let message = match problems.len() {
        1 => "the configuration has a problem".to_owned(),
        count => format!("the configuration has {count} problems"),
    };
    let error = Error::new(ErrorKind::Config, message);
    problems.iter().fold(error, |error, problem| error.detail(problem.render()))
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
