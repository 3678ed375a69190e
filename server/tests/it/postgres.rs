//! A PostgreSQL of the test's own, where its programs are on the machine.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use innkeeper::config::DatabaseUrl;

use crate::rig::Folder;

/// The user that PostgreSQL runs as when the tests run as root, which it refuses.
const NOBODY: u32 = 65534;

/// A running PostgreSQL; stopped when dropped.
pub(crate) struct Cluster {
    folder: Folder,
    programs: PathBuf,
}

impl Cluster {
    /// Starts one; `None` where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("INNKEEPER_REQUIRE_POSTGRES").is_none(),
                "INNKEEPER_REQUIRE_POSTGRES is set, and PostgreSQL is not installed"
            );
            crate::rig::loudly(
                "SKIPPED: PostgreSQL is not installed; apt-get install postgresql runs these tests too",
            );
            return None;
        };
        let cluster = Self { folder: Folder::new(), programs };
        let home = cluster.folder.file("");
        if runs_as_root() {
            chown(&home, Some(NOBODY), Some(NOBODY)).expect("a folder for PostgreSQL");
        }
        let data = cluster.folder.file("data");
        cluster.run("initdb", &["-D", text(&data), "-A", "trust", "-U", "it", "--no-sync", "-E", "UTF8"]);
        let options = format!("-c listen_addresses='' -k {} -c fsync=off", home.display());
        let log = cluster.folder.file("log");
        cluster.run("pg_ctl", &["-D", text(&data), "-l", text(&log), "-w", "-o", &options, "start"]);
        Some(cluster)
    }

    /// Stops as a crash would, and starts again.
    pub(crate) fn restart(&self) {
        let data = self.folder.file("data");
        let log = self.folder.file("log");
        self.run("pg_ctl", &["-D", text(&data), "-l", text(&log), "-m", "immediate", "-w", "restart"]);
    }

    /// Makes an empty database and gives its address.
    pub(crate) fn database(&self, name: &str) -> DatabaseUrl {
        let socket = self.folder.file("");
        self.run("createdb", &["-h", text(&socket), "-U", "it", name]);
        let url = format!("postgres://it@localhost/{name}?host={}", socket.display());
        DatabaseUrl::parse(&url).expect("the address of a database")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.file("")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if runs_as_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let status = command.status().expect("a program of PostgreSQL");
        assert!(status.success(), "{program} failed");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.file("data");
        self.run("pg_ctl", &["-D", text(&data), "-m", "immediate", "-w", "stop"]);
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.flatten().map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists())
}

fn runs_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
