//! What the client tests share: a database of their own with the extension in it, connections, waiting on a condition, the
//! server's log. `load` makes random calls, `history` recounts from the events what must have come of them.
//! PGHOST, PGPORT, PGUSER and PGDATABASE lead to the server.

#![allow(clippy::unwrap_used)]

pub mod history;
pub mod hostile;
pub mod load;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use postgres::error::DbError;
use postgres::{Client, Config, NoTls, Row};

/// SQLSTATEs by which a function may refuse what it is asked: missing, duplicate, wrong state, held by another, not allowed,
/// bad argument, limit reached.
pub const REFUSALS: [&str; 7] = ["P0002", "42710", "55000", "55006", "42501", "22023", "53400"];

/// The SQLSTATE with which a strict isolation level says: try again.
pub const RETRY: &str = "40001";

/// A database that only one test uses.
pub struct Database {
    name: String,
}

impl Database {
    /// Makes the database anew, with the extension.
    pub fn create(name: &str) -> Self {
        let mut server = connect(&env::var("PGDATABASE").unwrap_or_else(|_| "postgres".into()));
        server.batch_execute(&format!("drop database if exists {name} with (force)")).unwrap();
        server.batch_execute(&format!("create database {name}")).unwrap();
        let database = Self { name: name.into() };
        database.connect().batch_execute("create extension task_mgmt").unwrap();
        database
    }

    pub fn connect(&self) -> Client {
        connect(&self.name)
    }

    /// Runs statements one by one, so that some may vacuum; none has a semicolon within.
    pub fn run(&self, statements: &str) {
        let mut client = self.connect();
        for statement in statements.split(';') {
            client.batch_execute(statement).unwrap_or_else(|error| panic!("{error:?}\nby {statement}"));
        }
    }

    /// As `connect`, with a function that is told what the server notes.
    pub fn connect_noticing(&self, notice: impl Fn(DbError) + Send + Sync + 'static) -> Client {
        config(&self.name).notice_callback(notice).connect(NoTls).unwrap()
    }

    /// As `connect`, while the server may be restarting.
    pub fn try_connect(&self) -> Result<Client, postgres::Error> {
        config(&self.name).connect(NoTls)
    }

    /// Waits until the server takes connections again.
    pub fn reconnect(&self) -> Client {
        let started = Instant::now();
        loop {
            match self.try_connect() {
                Ok(client) => return client,
                Err(error) if started.elapsed() > Duration::from_secs(120) => panic!("no connection: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// A project with the type `t` (Done, Failed) and these users, qualified for it.
    pub fn create_project(&self, project: &str, users: &[&str]) {
        let mut client = self.connect();
        client.execute("select create_project($1)", &[&project]).unwrap();
        client
            .execute(
                r#"select create_task_type($1, '{"task_type": "t", "completion_statuses": ["Done", "Failed"]}')"#,
                &[&project],
            )
            .unwrap();
        client
            .execute(
                "select create_user($1, jsonb_build_object('user_id', u, 'qualified_task_types', array['t']))
                from unnest($2::text[]) u",
                &[&project, &users],
            )
            .unwrap();
    }
}

fn connect(database: &str) -> Client {
    config(database).connect(NoTls).unwrap()
}

fn config(database: &str) -> Config {
    let mut config = Config::new();
    config
        .host(&env::var("PGHOST").expect("PGHOST is not set: run these tests by tests/run client"))
        .port(env::var("PGPORT").map_or(5432, |port| port.parse().unwrap()))
        .user(&env::var("PGUSER").unwrap_or_else(|_| "postgres".into()))
        .connect_timeout(Duration::from_secs(10))
        .dbname(database);
    config
}

/// The SQLSTATE of a refused call; panics if the connection broke instead.
pub fn sqlstate(error: &postgres::Error) -> String {
    error.code().unwrap_or_else(|| panic!("lost connection: {error}")).code().to_owned()
}

/// A number that a test takes from the environment, so that it can be run for longer.
pub fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Waits until a query that returns one boolean says true.
pub fn wait_until(client: &mut Client, condition: &str) {
    let started = Instant::now();
    while !client.query_one(condition, &[]).unwrap().get::<_, bool>(0) {
        assert!(started.elapsed() < Duration::from_secs(60), "never came true: {condition}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Fails with every broken invariant.
pub fn assert_invariants(client: &mut Client) {
    let broken: Vec<String> =
        client.query("select * from task_mgmt.check_invariants()", &[]).unwrap().iter().map(describe).collect();
    assert!(broken.is_empty(), "broken invariants:\n{}", broken.join("\n"));
}

fn describe(row: &Row) -> String {
    let texts: Vec<String> =
        (0..row.len()).map(|column| row.get::<_, Option<String>>(column).unwrap_or_default()).collect();
    texts.join(" | ")
}

/// One number for all that the extension's tables contain. Sequences are not part of it: they never go back.
pub fn fingerprint(client: &mut Client) -> String {
    let tables: Vec<String> = client
        .query(
            "select format('%I', relname) from pg_class
            where relnamespace = 'task_mgmt'::regnamespace and relkind = 'r' order by relname",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let hashes: Vec<String> = tables
        .iter()
        .map(|table| {
            let query = format!("select coalesce(sum(hashtextextended(r::text, 0)), 0)::text from task_mgmt.{table} r");
            format!("{table}: {}", client.query_one(&query, &[]).unwrap().get::<_, String>(0))
        })
        .collect();
    hashes.join("\n")
}

/// The part of the server's log that is written from now on, if it can be found: TASK_MGMT_LOG, or `log` beside the socket.
pub struct Log {
    path: Option<PathBuf>,
    start: usize,
}

impl Log {
    pub fn from_here() -> Self {
        let path = env::var("TASK_MGMT_LOG").map_or_else(
            |_| env::var("PGHOST").ok().map(|host| PathBuf::from(host).join("log")),
            |path| Some(PathBuf::from(path)),
        );
        let path = path.filter(|path| fs::read(path).is_ok());
        let start = path.as_ref().map_or(0, |path| fs::read(path).unwrap().len());
        Self { path, start }
    }

    /// Fails if the server wrote of anything worse than a refused statement.
    pub fn assert_nothing_worse_than_errors(&self) {
        const WORSE: [&str; 6] = ["PANIC:", "FATAL:", "WARNING:", " XX000", "panicked at", "was terminated by signal"];
        let Some(path) = &self.path else { return };
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes[self.start..]);
        let bad: Vec<&str> = text.lines().filter(|line| WORSE.iter().any(|word| line.contains(word))).take(5).collect();
        assert!(bad.is_empty(), "the server's log says:\n{}", bad.join("\n"));
    }
}
