//! Which cells are measured. Those of a group are compared with each other, so they are measured one right after the other.

use std::fmt;

use crate::comparison::Subject;
use crate::options::{Part, Settings};

/// What a client does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Two bare updates.
    Limit,
    /// Claim and complete in the hand-written queue, so many at a time.
    Queue(u32),
    /// start_task and release_task.
    Tasks,
    /// claim_tasks and complete_task or complete_tasks, so many at a time.
    Machine(u32),
    /// One bare insert.
    Insert,
    /// create_task.
    Create,
}

impl Work {
    /// How many tasks one execution of the script is about.
    pub fn batch(self) -> u32 {
        match self {
            Self::Queue(batch) | Self::Machine(batch) => batch,
            Self::Limit | Self::Tasks | Self::Insert | Self::Create => 1,
        }
    }

    /// Whether it does with bare statements what others of its group do.
    pub fn is_limit(self) -> bool {
        matches!(self, Self::Limit | Self::Insert)
    }
}

/// A million tasks that cannot be started, beside the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    Paused,
    Blocked,
    Unqualified,
    OtherProjects,
    Scheduled,
    Retrying,
    Expired,
    OnHold,
}

/// What people's work must not slow down beside.
const UNSTARTABLE: [Beside; 4] = [Beside::Paused, Beside::Blocked, Beside::Unqualified, Beside::OtherProjects];
/// The same for that of machines.
const WAITING: [Beside; 4] = [Beside::Scheduled, Beside::Retrying, Beside::Expired, Beside::OnHold];
/// How many tasks a machine takes at a time.
const BATCHES: [u32; 3] = [1, 10, MOST_AT_A_TIME];
/// As `claim_tasks` allows.
pub const MOST_AT_A_TIME: u32 = 100;

/// What is in the database when a measurement starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    pub backlog: u32,
    pub beside: Beside,
}

/// How a cell's load is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Rounds of at most 8,000 tasks; between them the backlog is filled up and vacuumed.
    Rounds,
    /// All the time in one go, with nothing but autovacuum.
    OneGo,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    pub work: Work,
    pub clients: u32,
    pub situation: Situation,
    pub mode: Mode,
}

/// Cells that are compared with each other.
pub struct Group {
    pub cells: Vec<Cell>,
}

impl Group {
    /// The cells, starting with another one in each run, so that none always comes first.
    pub fn in_order_of(&self, run: u32) -> Vec<Cell> {
        let mut cells = self.cells.clone();
        cells.rotate_left(run as usize % self.cells.len());
        cells
    }
}

/// All groups, in the order of measurement: limit, queue and tasks with few and many clients and tasks, all in one go, and
/// beside tasks that cannot be started; machines, one task and many at a time, and beside tasks that wait or have expired;
/// creating tasks.
pub fn groups(settings: &Settings) -> Vec<Group> {
    let small = Situation { backlog: settings.small_backlog, beside: Beside::Nothing };
    let large = Situation { backlog: settings.large_backlog, beside: Beside::Nothing };
    let works = [Work::Limit, Work::Queue(1), Work::Tasks];
    let most = settings.most_clients();

    let matrix = settings.clients.iter().map(|&clients| {
        let cells = works
            .into_iter()
            .flat_map(|work| [small, large].map(|situation| Cell { work, clients, situation, mode: Mode::Rounds }));
        Group { cells: cells.collect() }
    });
    let one_go =
        Group { cells: works.map(|work| Cell { work, clients: most, situation: large, mode: Mode::OneGo }).to_vec() };
    let unstartable = UNSTARTABLE.into_iter().map(|beside| {
        let cell = |work, situation| Cell { work, clients: most, situation, mode: Mode::Rounds };
        let among = Situation { beside, ..small };
        Group { cells: vec![cell(Work::Limit, among), cell(Work::Tasks, small), cell(Work::Tasks, among)] }
    });
    let machines = Situation { backlog: settings.machine_backlog(), beside: Beside::Nothing };
    let cell = |work, situation| Cell { work, clients: most, situation, mode: Mode::Rounds };
    let batches = BATCHES.into_iter().flat_map(|batch| [Work::Queue(batch), Work::Machine(batch)]);
    let machine = [Work::Limit].into_iter().chain(batches).map(|work| cell(work, machines));
    let machine = Group { cells: machine.collect() };
    let waiting = WAITING.into_iter().map(|beside| {
        let among = Situation { beside, ..machines };
        let machine = [Work::Machine(1), Work::Machine(MOST_AT_A_TIME)];
        let pairs = machine.into_iter().flat_map(|work| [cell(work, machines), cell(work, among)]);
        Group { cells: [cell(Work::Limit, among)].into_iter().chain(pairs).collect() }
    });
    let creation = Group { cells: [Work::Insert, Work::Create].map(|work| cell(work, small)).to_vec() };
    let parts = [
        (Part::Work, matrix.collect()),
        (Part::OneGo, vec![one_go]),
        (Part::Unstartable, unstartable.collect()),
        (Part::Machine, vec![machine]),
        (Part::Waiting, waiting.collect()),
        (Part::Creation, vec![creation]),
    ];
    wanted(parts, settings).flatten().collect()
}

/// What is compared, in the order of measurement.
pub fn subjects(settings: &Settings) -> Vec<Subject> {
    let parts = [
        (Part::Loading, Subject::Loading),
        (Part::Traces, Subject::Traces),
        (Part::Lanes, Subject::Lanes),
        (Part::Ingestion, Subject::Ingestion),
        (Part::Statistics, Subject::Statistics),
        (Part::Peers, Subject::Peers),
    ];
    wanted(parts, settings).collect()
}

fn wanted<T, const N: usize>(parts: [(Part, T); N], settings: &Settings) -> impl Iterator<Item = T> {
    parts.into_iter().filter(|(part, _)| settings.parts.contains(part)).map(|(_, what)| what)
}

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Limit => formatter.write_str("a: two updates"),
            Self::Queue(1) => formatter.write_str("b: hand-written queue"),
            Self::Queue(batch) => write!(formatter, "b: hand-written queue, {batch} at a time"),
            Self::Tasks => formatter.write_str("c: start_task, release_task"),
            Self::Machine(1) => formatter.write_str("h: claim_tasks, complete_task"),
            Self::Machine(batch) => write!(formatter, "h: claim_tasks, complete_tasks, {batch} at a time"),
            Self::Insert => formatter.write_str("i: one insert"),
            Self::Create => formatter.write_str("j: create_task"),
        }
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "",
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::Unqualified => "unqualified",
            Self::OtherProjects => "other projects",
            Self::Scheduled => "scheduled",
            Self::Retrying => "retrying",
            Self::Expired => "expired",
            Self::OnHold => "on hold",
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rounds => "rounds",
            Self::OneGo => "one go",
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Situation { backlog, beside } = self.situation;
        write!(formatter, "{}, {} clients, {backlog} tasks", self.work, self.clients)?;
        if beside != Beside::Nothing {
            write!(formatter, " beside {beside} ones")?;
        }
        if self.mode == Mode::OneGo {
            write!(formatter, ", in one go")?;
        }
        Ok(())
    }
}
