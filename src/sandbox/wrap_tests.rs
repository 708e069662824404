use std::path::PathBuf;

use super::*;
use crate::config::{GitAccess, SandboxNetwork};

fn places() -> SandboxPlaces {
    let all = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    SandboxPlaces {
        cwd: "/home/u/p/app".into(),
        home: Some("/home/u".into()),
        write: all(&["/home/u/p", "/home/u/.claude"]),
        read: all(&["/home/u/.gitconfig", "/home/u/p/secret"]),
        programs: all(&["/home/u/p/node_modules/.bin", "/opt2/bin"]),
        git: all(&["/home/u/p/.git"]),
        closed: all(&["/home/u/p/.git/hooks"]),
        system: all(&["/usr"]),
        links: vec![("/bin".into(), "usr/bin".into())],
        hidden: all(&["/etc/shadow"]),
    }
}

fn command(settings: &Sandbox, user: u32) -> WrappedCommand {
    let argv = ["agent".to_owned(), "--go {prompt}".to_owned()];
    let variables = ["PATH", "KEY_A", "SECRET"].map(str::to_owned);
    let allowed = ["KEY_*".to_owned()];
    let places = places();
    let request = WrapRequest {
        settings,
        argv: &argv,
        places: &places,
        variables: &variables,
        allowed: &[&allowed],
        name: "seqorch-1",
        ids: PersonIds { user, group: user },
    };
    wrap(&request).unwrap()
}

fn line(settings: &Sandbox, user: u32) -> String {
    command(settings, user).argv.join(" ")
}

fn of(mode: SandboxMode) -> Sandbox {
    Sandbox { mode, image: Some("img".to_owned()), ..Sandbox::default() }
}

/// Checks that the line has these parts in this order; other words may stand between them.
#[track_caller]
fn has(line: &str, parts: &[&str]) {
    let mut rest = line;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { panic!("no {part:?} in {rest:?} of {line}") };
        rest = after;
    }
}

#[test]
fn without_a_sandbox_nothing_is_wrapped() {
    let places = places();
    let settings = Sandbox::default();
    let ids = PersonIds { user: 0, group: 0 };
    let request = WrapRequest {
        settings: &settings,
        argv: &[],
        places: &places,
        variables: &[],
        allowed: &[],
        name: "x",
        ids,
    };
    assert_eq!(wrap(&request), None);
}

#[test]
fn bubblewrap_gets_inner_places_behind_the_outer_ones() {
    let line = line(&of(SandboxMode::Bwrap), 1000);
    has(
        &line,
        &[
            "bwrap ",
            "--unshare-pid",
            "--die-with-parent",
            "--ro-bind /usr /usr",
            "--symlink usr/bin /bin",
            "--ro-bind /dev/null /etc/shadow",
            "--proc /proc",
            "--tmpfs /tmp",
            "--tmpfs /home/u ",
            "--bind /home/u/p /home/u/p ",
            "--ro-bind /home/u/p/secret /home/u/p/secret",
            "--bind /home/u/p/.git /home/u/p/.git",
            "--ro-bind /home/u/p/.git/hooks",
            "--chdir /home/u/p/app -- agent --go {prompt}",
        ],
    );
    has(&line, &["--ro-bind /opt2/bin /opt2/bin"]);
    for absent in ["node_modules", "--cap-drop", "--unshare-net", "systemd-run"] {
        assert!(!line.contains(absent), "{absent}: {line}");
    }
    has(&self::line(&of(SandboxMode::Bwrap), 0), &["--cap-drop ALL"]);
}

#[test]
fn only_allowed_variables_pass_by_their_names() {
    let used = command(&of(SandboxMode::Bwrap), 1000).used;
    for (name, passes) in [("PATH", true), ("KEY_A", true), ("SECRET", false), ("SEQORCH_DIR", true)] {
        assert_eq!(used.passes(name.as_ref()), passes, "{name}");
    }
    let line = line(&of(SandboxMode::Podman), 1000);
    has(&line, &["--env KEY_A"]);
    assert!(!line.contains("SECRET") && !line.contains("--env PATH"), "{line}");
}

#[test]
fn what_is_set_becomes_arguments_of_each_mode() {
    let all = |mode| Sandbox {
        network: SandboxNetwork::None,
        git: GitAccess::ReadOnly,
        memory: Some(1 << 30),
        processes: Some(50),
        args: vec!["--more".to_owned()],
        engine_args: vec!["--cgroup-manager=cgroupfs".to_owned()],
        ..of(mode)
    };
    has(
        &line(&all(SandboxMode::Bwrap), 1000),
        &[
            "systemd-run --scope",
            "--user -p MemoryMax=1073741824 -p MemorySwapMax=0 -p TasksMax=50 -- bwrap",
            "--unshare-net",
            "--ro-bind /home/u/p/.git /home/u/p/.git",
        ],
    );
    has(
        &line(&all(SandboxMode::Podman), 1000),
        &[
            "podman --cgroup-manager=cgroupfs run --rm",
            "--name seqorch-1",
            "--pull never",
            "--network none",
            "--userns keep-id",
            "--memory 1073741824",
            "--pids-limit 50",
            "type=bind,source=/home/u/p/.git,target=/home/u/p/.git,readonly",
            "--workdir /home/u/p/app",
            "--more img agent",
        ],
    );
    has(&line(&all(SandboxMode::Docker), 1000), &["docker ", "--user 1000:1000"]);
    assert!(!line(&all(SandboxMode::Docker), 0).contains("--user "));
}

#[test]
fn a_command_of_the_person_gets_the_whole_command_line() {
    let settings = Sandbox {
        command: ["box", "--in={workdir}", "{argv}", "--end"].map(str::to_owned).to_vec(),
        ..of(SandboxMode::Command)
    };
    assert_eq!(
        command(&settings, 1000).argv,
        ["box", "--in=/home/u/p/app", "agent", "--go {prompt}", "--end"]
    );
}

#[test]
fn a_comma_in_a_path_is_no_second_field() {
    let mut places = places();
    places.write.push("/a,readonly=\"x".into());
    let settings = of(SandboxMode::Docker);
    let argv = [String::new()];
    let ids = PersonIds { user: 0, group: 0 };
    let request = WrapRequest {
        settings: &settings,
        argv: &argv,
        places: &places,
        variables: &[],
        allowed: &[],
        name: "x",
        ids,
    };
    let argv = wrap(&request).unwrap().argv;
    let wanted = "type=bind,\"source=/a,readonly=\"\"x\",\"target=/a,readonly=\"\"x\"";
    assert!(argv.iter().any(|arg| arg == wanted), "{argv:?}");
}
