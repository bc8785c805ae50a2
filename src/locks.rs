//! Advisory locks, keyed per project, user and task, held to the end of the transaction.
//!
//! Everybody takes them in this order: project, dependency graph, edits, users (sorted), traces, tasks (sorted), unique keys (sorted),
//! new segments, seeds, time; then rows of `task_mgmt.segment` (sorted by seed_id), then new rows of `task_mgmt.lane`, then rows of `task_mgmt.task`
//! (sorted by task_no), then rows of `task_mgmt.blocked` (sorted by task_no), then everything else.
//! Rows of `task_mgmt.limit_slot` come at any time, because nobody waits for one: a free one is taken if nobody is at it, a taken one belongs to
//! who has locked its task.
//! Each key has a class of its own in the lock tag, so that none ever meets an advisory lock of an application.

use pgrx::pg_sys;

/// What is locked.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// Shared by everything that writes in a project; exclusive for what removes a project or empties it.
    Project(&'a str),
    /// Exclusive for whoever adds or changes dependencies or re-opens a task: cycles are looked for under it.
    Graph(&'a str),
    /// Exclusive for whoever lets supervoxels and segments follow an edit of the segmentation.
    Edits(&'a str),
    /// Exclusive for whatever may give the user a task.
    User(&'a str, &'a str),
    /// Exclusive for whoever makes traces of the segments that have none.
    Traces(&'a str),
    /// Exclusive for whatever changes who holds the task or whether it can be started.
    Task(&'a str, &'a str),
    /// Shared by those who create segments, and shared apart by those who make tasks of seeds without a segment, so that the
    /// others' tasks or segments are there to be seen, or never come. Exclusive for who must know which segments there are before it
    /// makes more.
    Segments(&'a str),
    /// Exclusive for whoever gives the segment of this seed another type; shared by those who make tasks of it.
    Seed(&'a str, u64),
    /// Shared by those who give a segment another type, and shared apart by those who make tasks of very many.
    Seeds(&'a str),
    /// Exclusive for whoever gives an open task this unique key.
    Unique(&'a str, &'a str),
    /// Shared by those who give keys to few tasks; exclusive for who gives them to very many.
    Uniques(&'a str),
    /// Shared by whoever books time; exclusive for whoever closes a pay period.
    Time(&'a str),
}

/// The table of locks is of limited size and shared by all; who needs more keys of one class than this locks something larger.
/// Only claims and their completions take a few more, up to `claims::MOST_TASKS`, as nothing larger would let others go on.
pub const MOST_KEYS: usize = 64;

/// Waits for a lock that others may share.
pub fn share(key: Key) {
    acquire(tag(key), pg_sys::ShareLock, Wait::Yes);
}

/// Waits for a lock that others may share who take it by this function, but not those who `share` it.
pub fn share_apart(key: Key) {
    acquire(tag(key), pg_sys::RowExclusiveLock, Wait::Yes);
}

/// Waits for a lock of one's own.
pub fn lock(key: Key) {
    acquire(tag(key), pg_sys::ExclusiveLock, Wait::Yes);
}

/// Takes a lock of one's own if nobody else has it.
pub fn try_lock(key: Key) -> bool {
    acquire(tag(key), pg_sys::ExclusiveLock, Wait::No)
}

/// Gives back a lock under which nothing was changed.
pub fn unlock(key: Key) {
    // SAFETY: the tag is valid, and the lock was taken in this transaction by `lock`, `try_lock` or `lock_all`.
    unsafe { pg_sys::LockRelease(&tag(key), pg_sys::ExclusiveLock as i32, false) };
}

/// The same for locks taken by `lock_all`.
pub fn unlock_all(keys: &[Key]) {
    for tag in tags(keys) {
        // SAFETY: as above; each tag was locked once.
        unsafe { pg_sys::LockRelease(&tag, pg_sys::ExclusiveLock as i32, false) };
    }
}

/// The same for a lock taken by `share`.
pub fn unshare(key: Key) {
    // SAFETY: the tag is valid, and the lock was taken in this transaction by `share`.
    unsafe { pg_sys::LockRelease(&tag(key), pg_sys::ShareLock as i32, false) };
}

/// Waits for several locks of one class in the one order that all use.
pub fn lock_all(keys: &[Key]) {
    acquire_all(keys, pg_sys::ExclusiveLock);
}

/// Waits for several locks of one class that others may share, in the one order that all use.
pub fn share_all(keys: &[Key]) {
    acquire_all(keys, pg_sys::ShareLock);
}

fn acquire_all(keys: &[Key], mode: u32) {
    for tag in tags(keys) {
        acquire(tag, mode, Wait::Yes);
    }
}

/// Those of the keys, each once, in the one order.
fn tags(keys: &[Key]) -> Vec<pg_sys::LOCKTAG> {
    let mut tags: Vec<_> = keys.iter().map(|key| tag(*key)).collect();
    let order = |tag: &pg_sys::LOCKTAG| (tag.locktag_field4, tag.locktag_field2, tag.locktag_field3);
    tags.sort_by_key(order);
    tags.dedup_by_key(|tag| order(tag));
    tags
}

enum Wait {
    Yes,
    No,
}

fn acquire(tag: pg_sys::LOCKTAG, mode: u32, wait: Wait) -> bool {
    // SAFETY: the tag is valid; the lock belongs to the transaction, which releases it.
    let result = unsafe { pg_sys::LockAcquire(&tag, mode as i32, false, matches!(wait, Wait::No)) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// PostgreSQL's own advisory locks have 1 or 2 in field 4 (objsubid in pg_locks).
fn tag(key: Key) -> pg_sys::LOCKTAG {
    let (class, hash) = match key {
        Key::Project(project) => (11, hash(project, "")),
        Key::Graph(project) => (12, hash(project, "")),
        Key::Edits(project) => (17, hash(project, "")),
        Key::User(project, user) => (13, hash(project, user)),
        Key::Task(project, task) => (14, hash(project, task)),
        Key::Traces(project) => (18, hash(project, "")),
        Key::Segments(project) => (15, hash(project, "")),
        Key::Seed(project, seed) => (19, hash(project, &seed.to_string())),
        Key::Seeds(project) => (20, hash(project, "")),
        Key::Time(project) => (16, hash(project, "")),
        Key::Uniques(project) => (21, hash(project, "")),
        Key::Unique(project, key) => (22, hash(project, key)),
    };
    pg_sys::LOCKTAG {
        // SAFETY: reads a variable that is set when the backend starts.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: (hash >> 32) as u32,
        locktag_field3: hash as u32,
        locktag_field4: class,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// Two keys with one hash share a lock, which costs a wait and never a wrong result.
fn hash(project: &str, name: &str) -> u64 {
    use std::hash::Hasher;
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(project.as_bytes());
    hasher.write(&[0]);
    hasher.write(name.as_bytes());
    hasher.finish()
}
