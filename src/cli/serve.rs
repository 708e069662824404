//! `seqorch serve`: shows the specs of a project as a page, to look and answer from a phone.

use std::ffi::OsString;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::global::{ColorChoice, Global, stdout};
use super::overview::{Overview, SpecLook, Urgency};
use super::project::Project;
use super::report::spec_report;
use super::values;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::project::discovery::FoundSpec;
use crate::report::run_report::RunReport;
use crate::report::text::{plural, sanitise_line};
use crate::report::view::{Standing, tone_of};
use crate::serve::{
    AccessRules, BoundPage, KnownAddress, ListenScope, ServeRequest, ServedProject, ServedSpec, SpecTile,
    qr_lines,
};
use crate::sys::digest::digest;

/// The heading of the flags about access in the help.
const ACCESS: &str = "Who reaches it";

#[derive(Debug, Args)]
#[command(
    after_help = "The address that is printed has a secret key: who has it can do what the page can. It stays the same for \
the project, so a page on a phone works again after this program was ended and started. Runs do not need it.\n\n\
From a phone, keep it on this machine and lead there: `ssh -L 7878:127.0.0.1:7878 HOST`, `tailscale serve 7878` with \
--url https://HOST.TAILNET.ts.net, or a reverse proxy with --url. `seqorch help page` says how."
)]
pub(super) struct ServeArgs {
    /// Specs: their names, folders or files [default: all of the project].
    specs: Vec<PathBuf>,
    /// Address and port to listen at; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878", value_parser = values::address)]
    listen: SocketAddr,
    /// Print the address as a QR code, too.
    #[arg(long)]
    qr: bool,
    /// Only show; change nothing.
    #[arg(help_heading = ACCESS, long)]
    read_only: bool,
    /// The address under which a proxy or a tunnel shows the page, such as https://box.example.
    #[arg(help_heading = ACCESS, long, value_name = "URL", value_parser = known_address)]
    url: Option<KnownAddress>,
    /// Listen at an address that other machines reach, without encryption.
    #[arg(help_heading = ACCESS, long)]
    public: bool,
    /// Make a new key: addresses that were printed before lead nowhere any more.
    #[arg(help_heading = ACCESS, long)]
    new_key: bool,
}

fn known_address(text: &str) -> Result<KnownAddress, String> {
    KnownAddress::parse(text)
        .ok_or_else(|| "it is like https://box.example or http://192.168.1.5:7878".to_owned())
}

pub(super) fn serve(global: &Global, args: &ServeArgs) -> Result<u8> {
    let scope = if args.listen.ip().is_loopback() { ListenScope::Loopback } else { ListenScope::Public };
    if scope == ListenScope::Public && !args.public {
        return Err(not_public(args.listen));
    }
    // a run that is started from here says itself what is wrong with its configuration
    let project = Project::open_to_look(global, args.specs.first().map(PathBuf::as_path))?;
    let found = found_specs(&project, &args.specs)?;
    let (root, count) = (project.root.clone(), found.len());
    let served = ServedFolder {
        global: global.clone(),
        asked: args.specs.clone(),
        name: root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned(),
    };
    let page = BoundPage::bind(ServeRequest {
        listen: args.listen,
        rules: AccessRules { scope, read_only: args.read_only },
        root: root.clone(),
        new_key: args.new_key,
        known: args.url.clone(),
        project: Arc::new(served),
    })?;
    print(&page, args, &sanitise_line(&root.display().to_string()), count);
    page.serve()?;
    Ok(0)
}

fn print(page: &BoundPage, args: &ServeArgs, root: &str, count: usize) {
    let here = format!("http://{}", reachable(page.address()));
    let origin = args.url.as_ref().map_or(here, |known| format!("{}://{}", known.scheme, known.authority));
    let link = page.link(&origin);
    let mut out = stdout();
    let only = if args.read_only { ", which can only be looked at" } else { "" };
    let _ = writeln!(out, "{} of {root}{only}:\n\n  {link}\n", plural(count, "spec"));
    if let Some(lines) = args.qr.then(|| qr_lines(&link)).flatten() {
        for line in lines {
            let _ = writeln!(out, "  {line}");
        }
        let _ = writeln!(out);
    }
    if args.url.is_some() {
        let _ = writeln!(out, "It listens at {}.", page.address());
    }
    let _ = writeln!(out, "The address has the key. Ctrl-C ends the page; runs do not notice.");
    let _ = out.flush();
}

/// The address of a server as a browser can reach it: one that listens everywhere is reached at one of its addresses.
fn reachable(listens: SocketAddr) -> SocketAddr {
    if !listens.ip().is_unspecified() {
        return listens;
    }
    // nothing is sent: the system only says which of its addresses it would send from
    let from = |own: IpAddr, far: IpAddr| {
        let socket = UdpSocket::bind((own, 0)).ok()?;
        socket.connect((far, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let found = from(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into());
    let local = if listens.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    SocketAddr::new(found.unwrap_or(local), listens.port())
}

fn not_public(listen: SocketAddr) -> Error {
    let port = listen.port();
    let text = format!("{listen} is reached by other machines, and what is sent there is not encrypted");
    Error::new(ErrorKind::Usage, text)
        .hint(format!("Through ssh, from the phone or another machine: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"))
        .hint(format!("Through Tailscale: tailscale serve {port}, and seqorch serve --url https://THIS-MACHINE.TAILNET.ts.net"))
        .hint("Through a reverse proxy with TLS: seqorch serve --url https://its.name")
        .hint("In a network that you trust, add --public.")
}

/// The specs that were named, or all.
fn found_specs(project: &Project, asked: &[PathBuf]) -> Result<Vec<FoundSpec>> {
    if asked.is_empty() {
        let all = project.specs();
        if !all.is_empty() && !project.works_in_a_spec() {
            return Ok(all);
        }
        return Ok(vec![found(project, project.spec(None)?)]);
    }
    asked.iter().map(|asked| project.spec(Some(asked)).map(|path| found(project, path))).collect()
}

fn found(project: &Project, path: PathBuf) -> FoundSpec {
    let known = project.specs().into_iter().find(|spec| spec.dir == path);
    known.unwrap_or_else(|| FoundSpec {
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        shown: path.strip_prefix(&project.root).unwrap_or(&path).display().to_string(),
        dir: path,
    })
}

/// The parts of the addresses of these specs: their names, or their folders where two have the same name.
fn addresses(all: &[FoundSpec]) -> Vec<String> {
    let is_one = |name: &str| all.iter().filter(|spec| spec.name == name).count() == 1;
    let path = |spec: &FoundSpec| if is_one(&spec.name) { spec.name.clone() } else { spec.shown.clone() };
    let paths: Vec<String> = all.iter().map(path).collect();
    // names that are not UTF-8 may be shown alike
    let is_shared = |path: &str| paths.iter().filter(|other| *other == path).count() > 1;
    let mark = |spec: &FoundSpec| digest(spec.dir.as_os_str().as_encoded_bytes());
    let one = |(path, spec): (&String, &FoundSpec)| {
        if is_shared(path) { format!("{path}~{}", mark(spec)) } else { path.clone() }
    };
    paths.iter().zip(all).map(one).collect()
}

/// A project that is read afresh for each page.
struct ServedFolder {
    global: Global,
    asked: Vec<PathBuf>,
    name: String,
}

impl ServedFolder {
    fn open(&self) -> Result<(Project, Vec<FoundSpec>)> {
        // one whose configuration was broken since is still shown
        let asked: Option<&Path> = self.asked.first().map(PathBuf::as_path);
        let project = Project::open_silently(&self.global, asked)?;
        let found = found_specs(&project, &self.asked)?;
        Ok((project, found))
    }
}

impl ServedProject for ServedFolder {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn places(&self) -> Result<Vec<(String, SpecPlace)>> {
        let (project, found) = self.open()?;
        let place = |(spec, address): (&FoundSpec, String)| {
            Some((address, project.place(&spec.dir, Selection::default()).ok()?))
        };
        Ok(found.iter().zip(addresses(&found)).filter_map(place).collect())
    }

    fn tiles(&self) -> Result<Vec<SpecTile>> {
        let (project, found) = self.open()?;
        let addresses = addresses(&found);
        let looks = Overview::of(&project, found).specs;
        let mut tiles: Vec<_> =
            looks.iter().zip(addresses).map(|(look, address)| (rank(look), tile(look, address))).collect();
        tiles.sort_by_key(|(rank, _)| *rank);
        Ok(tiles.into_iter().map(|(_, tile)| tile).collect())
    }

    fn spec(&self, address: &str) -> Result<Option<ServedSpec>> {
        let (mut project, found) = self.open()?;
        let known: Vec<_> = found.iter().zip(addresses(&found)).collect();
        // a message names a spec as a person types it
        let wanted = known.iter().find(|(_, known)| known == address);
        let wanted = wanted.or_else(|| known.iter().find(|(spec, _)| spec.shown == address)).cloned();
        let Some((spec, address)) = wanted else { return Ok(None) };
        let place = project.place(&spec.dir, Selection::default())?;
        project.follow(&place);
        Ok(Some(ServedSpec { address, place, config: project.loaded.config }))
    }

    fn report(&self, spec: &ServedSpec) -> Result<Option<RunReport>> {
        let (mut project, _) = self.open()?;
        project.follow(&spec.place);
        spec_report(&project, (&spec.place, None), false, true)
    }

    fn globals(&self) -> Vec<OsString> {
        Global { color: ColorChoice::Never, ..self.global.clone() }.argv()
    }
}

/// What needs a person comes first, then what works, and so on.
fn rank(look: &SpecLook) -> (bool, Urgency) {
    let needs = look.standing.is_some_and(Standing::needs_human) || look.command.is_some();
    (!needs, look.urgency)
}

fn tile(look: &SpecLook, address: String) -> SpecTile {
    SpecTile {
        address,
        name: sanitise_line(&look.typed),
        tone: look.standing.map_or("failed", tone_of),
        done: look.counts.done,
        total: look.counts.all,
        words: look.words.clone(),
    }
}
