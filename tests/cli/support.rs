//! The command in a directory of its own, and what it says.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A small scenario that ends in a few milliseconds.
pub const SMALL: &str = r#"# Does a small thing work?
schema = 1
name = "small"
seed = 7
duration = "20s"

[expect]
users = "success_ratio >= 90%"

[service.web]
count = 3
workers = 2
service_time = { dist = "exponential", mean = "5ms" }

[client.shop]
count = 2
arrivals = { process = "poisson", rate = "100/s" }

[client.shop.call.web]
balancer = "round_robin"
attempt_timeout = "500ms"
deadline = "1s"

[fault.loss]
kind = "crash"
target = "instance:web/main/0"
at = "8s"
for = "4s"
"#;

/// The command in a directory of its own.
pub struct Stormglass {
    pub dir: TempDir,
}

/// What the command said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Stormglass {
    pub fn new() -> Self {
        Stormglass {
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    /// With a scenario file.
    pub fn with(name: &str, text: &str) -> Self {
        let command = Stormglass::new();
        fs::write(command.path(name), text).expect("written");
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.args(args).current_dir(self.dir.path());
        for variable in [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "COLUMNS",
            "RUST_BACKTRACE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    pub fn say(&self, args: &[&str]) -> Said {
        self.say_with_input(args, "")
    }

    pub fn say_with_input(&self, args: &[&str], input: &str) -> Said {
        let mut child = spawn(self.command(args).stdin(Stdio::piped()));
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("written");
        drop(stdin);
        said(child)
    }

    /// The only run directory below `stormglass-out`.
    pub fn run_dir(&self) -> PathBuf {
        let names = names_in(&self.path("stormglass-out"));
        assert_eq!(names.len(), 1, "{names:?}");
        self.path("stormglass-out").join(&names[0])
    }
}

pub fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

pub fn said(child: Child) -> Said {
    let output = child.wait_with_output().expect("the binary ends");
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Names in a directory, sorted; none where there is no directory.
pub fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// All files below a directory with their contents, without `manifest.json`.
pub fn contents_of(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut pending = vec![directory.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for name in names_in(&folder) {
            let path = folder.join(&name);
            if path.is_dir() {
                pending.push(path);
            } else if name != "manifest.json" {
                let place = path.strip_prefix(directory).expect("below it");
                files.push((
                    place.display().to_string(),
                    fs::read(&path).expect("a file"),
                ));
            }
        }
    }
    files.sort();
    files
}
