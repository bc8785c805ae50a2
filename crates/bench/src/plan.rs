//! Which cells are measured. Those of a group are compared with each other, so they are measured one right after the other.

use std::fmt;

use crate::comparison::Subject;
use crate::options::{Part, Settings};

/// What a client does with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Two bare updates.
    Limit,
    /// Claim and complete in the hand-written queue.
    Queue,
    /// start_task and release_task.
    Tasks,
}

/// A million tasks that cannot be started, beside the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    Paused,
    Blocked,
    Unqualified,
    OtherProjects,
}

pub const UNSTARTABLE: [Beside; 4] = [Beside::Paused, Beside::Blocked, Beside::Unqualified, Beside::OtherProjects];

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
/// beside tasks that cannot be started.
pub fn groups(settings: &Settings) -> Vec<Group> {
    let small = Situation { backlog: settings.small_backlog, beside: Beside::Nothing };
    let large = Situation { backlog: settings.large_backlog, beside: Beside::Nothing };
    let works = [Work::Limit, Work::Queue, Work::Tasks];
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
    let parts =
        [(Part::Work, matrix.collect()), (Part::OneGo, vec![one_go]), (Part::Unstartable, unstartable.collect())];
    wanted(parts, settings).flatten().collect()
}

/// What is compared, in the order of measurement.
pub fn subjects(settings: &Settings) -> Vec<Subject> {
    let parts = [
        (Part::Loading, Subject::Loading),
        (Part::Traces, Subject::Traces),
        (Part::Lanes, Subject::Lanes),
        (Part::Ingestion, Subject::Ingestion),
    ];
    wanted(parts, settings).collect()
}

fn wanted<T, const N: usize>(parts: [(Part, T); N], settings: &Settings) -> impl Iterator<Item = T> {
    parts.into_iter().filter(|(part, _)| settings.parts.contains(part)).map(|(_, what)| what)
}

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Limit => "a: two updates",
            Self::Queue => "b: hand-written queue",
            Self::Tasks => "c: start_task, release_task",
        })
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
