//! How the goals are met, at the largest number of clients. Ratios are taken within a run; their median counts.

use std::fmt;

use crate::comparison::{Comparison, Side, Subject};
use crate::peers;
use crate::plan::{Beside, MOST_AT_A_TIME, Mode, Work};
use crate::report::{Spread, Summary};

/// A goal and what was found.
pub struct Verdict {
    goal: String,
    wanted: f64,
    found: Spread,
}

/// All goals.
pub fn all(groups: &[Vec<Summary>], comparisons: &[(Subject, Vec<Comparison>)]) -> Vec<Verdict> {
    let most = groups.iter().flatten().map(|summary| summary.cell.clients).max();
    let with_most: Vec<&[Summary]> = groups
        .iter()
        .map(Vec::as_slice)
        .filter(|group| group.iter().all(|summary| Some(summary.cell.clients) == most))
        .collect();
    let mut verdicts: Vec<Verdict> = with_most.iter().flat_map(|group| against_limit_and_queue(group)).collect();
    verdicts.extend(with_most.iter().flat_map(|group| of_machines(group)));
    for work in [Work::Tasks, Work::Machine(1), Work::Machine(MOST_AT_A_TIME)] {
        verdicts.extend(with_most.iter().flat_map(|group| with_more_tasks(group, work)));
    }
    verdicts.extend(comparisons.iter().filter_map(|(subject, runs)| against_insert(*subject, runs)));
    verdicts.extend(comparisons.iter().flat_map(|(_, runs)| against_peers(runs)));
    verdicts
}

fn against_insert(subject: Subject, runs: &[Comparison]) -> Option<Verdict> {
    let Subject::Loading = subject else { return None };
    let ratio =
        |run: &Comparison| run.sides.iter().find(|side| side.what == "create_tasks").map(|side| run.ratio(side));
    Some(Verdict {
        goal: "create_tasks, of a bare INSERT ... SELECT".into(),
        wanted: 0.50,
        found: Spread::new(runs.iter().filter_map(ratio)),
    })
}

/// task_mgmt against each of the other queues, in the same manner.
fn against_peers(runs: &[Comparison]) -> Vec<Verdict> {
    let rate = |run: &Comparison, what| run.sides.iter().find(|side| side.what == what).map_or(f64::NAN, Side::rate);
    let sides = runs.first().map_or(&[][..], |run| &run.sides);
    let peers = sides.iter().filter_map(|side| Some((side.what, peers::counterpart(side)?)));
    let verdicts = peers.map(|(peer, ours)| Verdict {
        goal: format!("{ours}, of {peer}"),
        wanted: 1.00,
        found: Spread::new(runs.iter().map(|run| rate(run, ours) / rate(run, peer))),
    });
    verdicts.collect()
}

fn against_limit_and_queue(group: &[Summary]) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let find = |work, like: &Summary| {
        group.iter().find(|summary| summary.cell.work == work && summary.cell.situation == like.cell.situation)
    };
    for tasks in group.iter().filter(|summary| summary.cell.work == Work::Tasks) {
        let mode = if tasks.cell.mode == Mode::OneGo { ", in one go" } else { "" };
        let goal = |base| format!("c of {base}, {} tasks{mode}", tasks.cell.situation.backlog);
        if let Some(queue) = find(Work::Queue(1), tasks) {
            let ratios = Spread::new(tasks.ratio_to_limit.values.iter().copied());
            verdicts.push(Verdict { goal: goal('a'), wanted: 0.60, found: ratios });
            verdicts.push(Verdict { goal: goal('b'), wanted: 1.00, found: ratio(tasks, queue) });
        }
    }
    verdicts
}

/// The rates of claim_tasks and what completes them. Singly they do what people's work does; in batches they must make up for
/// what the bare updates, which are of single rows, do not do at all.
fn of_machines(group: &[Summary]) -> Vec<Verdict> {
    let is_beside_nothing = |summary: &&Summary| summary.cell.situation.beside == Beside::Nothing;
    let queue = |batch| group.iter().find(|summary| summary.cell.work == Work::Queue(batch));
    let mut verdicts = Vec::new();
    for summary in group.iter().filter(is_beside_nothing) {
        let Work::Machine(batch) = summary.cell.work else { continue };
        let Some(queue) = queue(batch) else { continue };
        let goal = |base| format!("h of {base}, {batch} at a time");
        let of_limit = Spread::new(summary.ratio_to_limit.values.iter().copied());
        let wanted = if batch == 1 { 0.60 } else { 1.00 };
        verdicts.push(Verdict { goal: goal('a'), wanted, found: of_limit });
        if batch == 1 {
            verdicts.push(Verdict { goal: goal('b'), wanted: 1.00, found: ratio(summary, queue) });
        }
    }
    verdicts
}

/// The rate of some work with a larger backlog, or beside tasks that cannot be started, against that of the first cell of the
/// group with this work.
fn with_more_tasks(group: &[Summary], work: Work) -> Vec<Verdict> {
    let mut tasks = group.iter().filter(|summary| summary.cell.work == work);
    let Some(base) = tasks.next() else {
        return vec![];
    };
    let what = match work {
        Work::Machine(batch) => format!("h, {batch} at a time,"),
        _ => "c".into(),
    };
    let against_base = tasks.map(|more| Verdict {
        goal: match more.cell.situation.beside {
            Beside::Nothing => {
                format!("{what} of {} tasks, of that of {}", more.cell.situation.backlog, base.cell.situation.backlog)
            }
            beside => format!("{what} beside many others ({beside}), of it without them"),
        },
        wanted: 0.95,
        found: ratio(more, base),
    });
    against_base.collect()
}

/// The ratio of the rates in each run.
fn ratio(of: &Summary, to: &Summary) -> Spread {
    let rates = of.tasks_per_second.values.iter().zip(&to.tasks_per_second.values);
    Spread::new(rates.map(|(of, to)| of / to))
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let found = self.found.median();
        let verdict = if found >= self.wanted { "met" } else { "missed" };
        let Self { goal, wanted, found: spread } = self;
        write!(formatter, "{goal:<60} wanted {wanted:.2}  found {found:.3} ± {:.3}  {verdict}", spread.half_range())
    }
}
