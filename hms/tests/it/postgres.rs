//! One PostgreSQL server for the whole test program, started when first needed.
//!
//! A shell holds the server and reads from this program: when this program ends, however it ends,
//! the shell reads the end, stops the server and removes its files.

use std::io::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait, Database};

const SCRIPT: &str = r#"
trap '' INT TERM HUP
{
    "$2/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --locale=C --no-sync &&
    "$2/pg_ctl" -D "$1/data" -w -t 90 -l "$1/server.log" -o "-c listen_addresses= \
        -c unix_socket_directories=$1 -c fsync=off -c max_connections=400" start
} >"$1/start.log" 2>&1 && echo ready || { cat "$1"/*.log >&2; exit 1; }
cat >/dev/null
"$2/pg_ctl" -D "$1/data" -m immediate stop >/dev/null 2>&1
rm -rf "$1"
"#;

/// The server's socket folder; the child keeps it alive.
struct Server {
    folder: PathBuf,
    _shell: Child,
}

/// The address of a new, empty database; `None` where PostgreSQL is not installed.
pub(crate) async fn new_database() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(start).as_ref()?;
    let name = format!("hotel_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let address = |database: &str| {
        let folder = server.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/{database}")
    };
    let admin = Database::connect(address("postgres")).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    Some(address(&name))
}

fn start() -> Option<Server> {
    let Some(programs) = programs() else {
        assert!(!is_required(), "INNKEEPER_REQUIRE_POSTGRES is set, but initdb and pg_ctl were not found");
        // Past the test's own output, which nobody sees when it passes.
        let line = "\nSKIPPED: PostgreSQL: initdb and pg_ctl were not found; only SQLite is tested\n\n";
        std::io::stderr().write_all(line.as_bytes()).expect("standard error");
        return None;
    };
    let base = if Path::new("/tmp").is_dir() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
    let folder = base.join(format!("innkeeper-hms-pg-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut shell = match other_user() {
        None => Command::new("sh"),
        Some(user) => {
            // PostgreSQL refuses to run as root.
            assert!(Command::new("chown").arg(&user).arg(&folder).status().unwrap().success());
            let mut shell = Command::new("runuser");
            shell.args(["-u", &user, "--", "sh"]);
            shell
        }
    };
    let mut shell = shell
        .args(["-c", SCRIPT, "sh"])
        .args([&folder, &programs])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready", "PostgreSQL did not start");
    Some(Server { folder, _shell: shell })
}

/// The folder with the server's programs: beside the one on the path, or where Debian keeps them.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    folders.push("/usr/local/bin".into());
    folders.push("/usr/local/pgsql/bin".into());
    folders.push("/opt/homebrew/bin".into());
    folders.push("/usr/bin".into());
    let has = |folder: &PathBuf, program: &str| folder.join(program).is_file();
    folders.into_iter().rev().find(|folder| has(folder, "initdb") && has(folder, "pg_ctl"))
}

/// Whom to run the server as, when this program runs as root.
fn other_user() -> Option<String> {
    let answers = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if answers(&["-u"])? != "0" {
        return None;
    }
    ["postgres", "nobody"].into_iter().find(|user| answers(&["-u", user]).is_some()).map(str::to_owned)
}

#[expect(clippy::disallowed_methods, reason = "the one place where the tests read the environment")]
fn is_required() -> bool {
    std::env::var("INNKEEPER_REQUIRE_POSTGRES").is_ok_and(|value| value == "1")
}
