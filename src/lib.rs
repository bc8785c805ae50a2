//! Task management inside PostgreSQL: projects hand out tasks to users, atomically, from any SQL client.
//!
//! A table of contents. Every domain is a triple: `sql/schema/NN_domain.sql`, `src/domain.rs`,
//! `tests/pg_regress/sql/domain_*.sql`. ARCHITECTURE.md tells how they work together.

use pgrx::prelude::*;

mod access;
mod arguments;
mod attempt;
mod clock;
mod columns;
mod error;
mod events;
mod ids;
mod json;
mod locks;
mod planning;
mod prefixes;
mod rows;
mod schema;
mod settings;
mod spi;

mod assignment;
mod candidates;
mod claims;
mod clearing;
mod conversations;
mod copies;
mod cross_project;
mod dependencies;
mod edits;
mod eligibility;
mod enqueueing;
mod expiry;
mod explanation;
mod facts;
mod forecast;
mod golden;
mod grants;
mod handlers;
mod lanes;
mod leases;
mod limits;
mod neuroglancer;
mod overlap;
mod pay;
mod peeking;
mod projects;
mod qualifications;
mod ready;
mod release;
mod satisfaction;
mod schedules;
mod segment_edit_events;
mod segment_types;
mod segment_updates;
mod segments;
mod standard_types;
mod statistics;
mod supervoxels;
mod sweeping;
mod takeover;
mod task_changes;
mod task_creation;
mod task_deletion;
mod task_listing;
mod task_rules;
mod task_types;
mod tasks;
mod timesheets;
mod transfer;
mod undo;
mod unique_keys;
mod users;
mod waiting;

pgrx::pg_module_magic!(name, version);

#[pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
}

#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}

/// The glue between Rust and PostgreSQL. What the functions promise is in `tests/pg_regress`.
#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
#[allow(clippy::unwrap_used)]
mod tests {
    use pgrx::prelude::*;

    use crate::attempt::Attempt;
    use crate::clock::{self, Instant};
    use crate::columns;
    use crate::json::Jsonb;
    use crate::locks::{self, Key};
    use crate::spi::sql;

    fn value<T: FromDatum + IntoDatum>(query: &str) -> Option<T> {
        Spi::get_one(query).unwrap()
    }

    /// A project with one task type, one user and one task.
    fn make_project() {
        Spi::run(
            "do $$ begin
                perform create_project('p');
                perform create_task_type('p', '{\"task_type\": \"x\", \"completion_statuses\": [\"Done\"]}');
                perform create_user('p', '{\"user_id\": \"u\", \"qualified_task_types\": [\"x\"]}');
                perform create_task('p', '{\"task_id\": \"a\", \"task_type\": \"x\"}');
            end $$",
        )
        .unwrap();
    }

    #[pg_test]
    fn jsonb_keeps_every_digit() {
        let text = r#"{"x": 0.12345678901234567890, "id": 18446744073709551615}"#;
        let there: Jsonb = value(&format!("select '{text}'::jsonb")).unwrap();
        assert_eq!(there.text(), text);
        let same: bool =
            Spi::get_one_with_args(&format!("select $1 = '{text}'::jsonb"), &[there.into()]).unwrap().unwrap();
        assert!(same);
    }

    #[pg_test]
    fn jsonb_is_read_however_it_is_stored() {
        Spi::run("create temp table stored (i int, data jsonb)").unwrap();
        Spi::run("alter table stored alter data set storage external").unwrap();
        Spi::run("insert into stored values (1, '{\"a\": 1}'), (2, jsonb_build_object('a', repeat('x', 100000)))")
            .unwrap();
        Spi::run("alter table stored alter data set storage extended").unwrap();
        Spi::run("insert into stored values (3, jsonb_build_object('a', repeat('y', 100000)))").unwrap();
        for (i, length) in [(1, 8), (2, 100_009), (3, 100_009)] {
            let data: Jsonb = value(&format!("select data from stored where i = {i}")).unwrap();
            assert_eq!(data.text().len(), length);
            let returned: Option<bool> =
                Spi::get_one_with_args(&format!("select $1 = data from stored where i = {i}"), &[data.into()]).unwrap();
            assert_eq!(returned, Some(true));
        }
    }

    #[pg_test]
    fn toasted_columns_survive_a_claim_and_a_release() {
        make_project();
        Spi::run(
            "select update_task('p', 'a', jsonb_build_object('extra_data', (
                select jsonb_object_agg(i, md5(i::text)) from generate_series(1, 20000) i)))",
        )
        .unwrap();
        let sum = "select md5(extra_data::text) from task_mgmt.task where task_id = 'a'";
        let before: Option<String> = value(sum);
        for status in ["", "Done"] {
            Spi::run(&format!(
                "select start_task('p', 'u'), release_task('p', 'u', 'a', '{status}', repeat('n', 100000))"
            ))
            .unwrap();
            assert_eq!(value::<String>(sum), before);
        }
        assert_eq!(value("select length(note) from task_mgmt.task where task_id = 'a'"), Some(100_000));
    }

    #[pg_test]
    fn kept_plans_outlive_the_extension() {
        make_project();
        Spi::run("select start_task('p', 'u'), release_task('p', 'u', 'a', 'Done')").unwrap();
        Spi::run("drop extension task_mgmt cascade; create extension task_mgmt").unwrap();
        make_project();
        Spi::run("select start_task('p', 'u'), release_task('p', 'u', 'a', 'Done')").unwrap();
        assert_eq!(value::<String>("select get_task('p', 'a')->>'status'").as_deref(), Some("completed"));
    }

    #[pg_test]
    fn a_statement_sees_what_the_one_before_did() {
        Spi::run("create temp table t (i int)").unwrap();
        let insert = sql!("insert into t values ($1)");
        let count = sql!("select count(*) from t");
        for i in 1..=3_i32 {
            assert_eq!(insert.run(&[i.into()]).unwrap(), 1);
            assert_eq!(count.value::<i64>(&[]).unwrap(), i64::from(i));
        }
    }

    #[pg_test]
    fn the_clock_moves_within_a_transaction_unless_it_is_set() {
        let before = clock::now().unwrap();
        Spi::run("select pg_sleep(0.001)").unwrap();
        assert!(clock::now().unwrap() > before);
        Spi::run("set task_mgmt.fake_now = '2001-09-09 01:46:40.5+00'").unwrap();
        assert_eq!(clock::now().unwrap(), Instant::from_unix_seconds(1e9 + 0.5));
        Spi::run("set task_mgmt.fake_now = ''").unwrap();
        assert!(clock::now().unwrap() > before);
    }

    #[pg_test(error = "invalid input syntax for type timestamp with time zone: \"soon\"")]
    fn the_clock_refuses_what_is_no_time() {
        Spi::run("set task_mgmt.fake_now = 'soon'").unwrap();
        clock::now().unwrap();
    }

    #[pg_test]
    fn locks_have_a_class_of_their_own() {
        let held = "select string_agg(objsubid || ' ' || mode, ', ' order by objsubid) from pg_locks
            where locktype = 'advisory' and pid = pg_backend_pid()";
        locks::share(Key::Project("p"));
        locks::lock(Key::Graph("p"));
        locks::lock_all(&[Key::User("p", "v"), Key::User("p", "u"), Key::User("p", "u")]);
        assert!(locks::try_lock(Key::Task("p", "t")));
        assert_eq!(
            value::<String>(held).as_deref(),
            Some("11 ShareLock, 12 ExclusiveLock, 13 ExclusiveLock, 13 ExclusiveLock, 14 ExclusiveLock")
        );
        locks::share_apart(Key::Segments("p"));
        assert_eq!(
            value::<String>("select mode from pg_locks where objsubid = 15 and locktype = 'advisory'").as_deref(),
            Some("RowExclusiveLock")
        );
        let seed = |held: &str| {
            value::<String>(&format!("select mode from pg_locks where objsubid = {held} and locktype = 'advisory'"))
        };
        locks::share_all(&[Key::Seed("p", 7)]);
        locks::share_apart(Key::Seeds("p"));
        assert_eq!((seed("19").as_deref(), seed("20").as_deref()), (Some("ShareLock"), Some("RowExclusiveLock")));
        locks::unlock(Key::Task("p", "t"));
        let tasks =
            "select count(*) from pg_locks where objsubid = 14 and locktype = 'advisory' and pid = pg_backend_pid()";
        assert_eq!(value::<i64>(tasks), Some(0));
    }

    #[pg_test]
    fn an_attempt_that_is_not_kept_leaves_nothing() {
        Spi::run("create temp table t (i int)").unwrap();
        let insert = sql!("insert into t values ($1)");
        for (i, is_kept) in [(1_i32, false), (2, true), (3, false)] {
            let attempt = Attempt::begin();
            insert.run(&[i.into()]).unwrap();
            locks::lock(Key::Task("p", &i.to_string()));
            if is_kept {
                attempt.keep();
            }
        }
        insert.run(&[4_i32.into()]).unwrap();
        assert_eq!(value::<String>("select string_agg(i::text, ' ' order by i) from t").as_deref(), Some("2 4"));
        let tasks =
            "select count(*) from pg_locks where objsubid = 14 and locktype = 'advisory' and pid = pg_backend_pid()";
        assert_eq!(value::<i64>(tasks), Some(1));
    }

    #[pg_test]
    fn errors_arrive_whole() {
        make_project();
        Spi::run(
            "do $$
            declare
                code text;
                detail text;
                hint text;
            begin
                perform start_task('p', 'u');
                perform release_task('p', 'u', 'a', 'Odd');
            exception when others then
                get stacked diagnostics code = returned_sqlstate, detail = pg_exception_detail;
                assert code = '22023' and detail = 'Allowed: Done.', code || ' ' || detail;
                begin
                    perform start_task('p', 'nobody');
                exception when no_data_found then
                    get stacked diagnostics hint = pg_exception_hint;
                    assert hint = 'create_user makes one; list_users names them.', hint;
                end;
            end $$",
        )
        .unwrap();
    }

    /// `columns` numbers what is read and written by row.
    #[pg_test]
    fn columns_are_where_they_are_said_to_be() {
        macro_rules! check {
            ($($table:ident: $($column:ident)+;)+) => {
                $($(
                    let query = concat!(
                        "select attnum from pg_attribute where attrelid = 'task_mgmt.", stringify!($table),
                        "'::regclass and attname = lower('", stringify!($column), "')"
                    );
                    assert_eq!(value(query), Some(columns::$table::$column), "{}", query);
                )+)+
            };
        }
        check! {
            project: PROJECT_NAME STATUS LIMITS_NO;
            project_user: PROJECT_NAME USER_NO USER_ID QUALIFIED_TASK_TYPES QUALIFIED_SEGMENT_TYPES IS_ACTIVE BOUND_ROLE
                EARLIEST_EXPIRY_AT CAPACITY;
            qualification: PROJECT_NAME USER_NO KIND NAME LEVEL EXPIRES_AT;
            task_type: PROJECT_NAME TASK_TYPE COMPLETION_STATUSES VERIFICATION_HANDLER COMPLETION_HANDLER GOLDEN_PERCENT LEASE_SECONDS MAX_ATTEMPTS BACKOFF;
            lane: PROJECT_NAME LANE_NO TASK_TYPE SEGMENT_TYPE MIN_LEVEL CHANNEL;
            task: PROJECT_NAME TASK_NO STATUS COMPLETED_USER_NO COMPLETED_AT FIRST_START_TS LAST_LEASED_TS ATTEMPTS FAILURES
                COMPLETION_STATUS TASK_ID TASK_TYPE PRIORITY ASSIGNED_USER_NO HAS_DEPENDENTS ORIGINAL_NO IS_CHECK CREATED_AT NOTE TITLE
                DESCRIPTION PARAMS METADATA CHANNEL RESULT ERROR EXPIRES_AT OPEN_KEY MAX_ATTEMPTS BACKOFF INSTANCE HAS_CONVERSATIONS
                FAILED_AT COUNTED_KEY;
            segment: PROJECT_NAME SEED_ID STATUS CREATED_AT;
            lease: PROJECT_NAME TASK_NO USER_NO FENCE LEASED_AT STARTED_AT TASK_ID ATTEMPT EXPIRES_AT INSTANCE;
            ready: PROJECT_NAME QUEUE_NO IS_RETURNED HAS_SEED_STATE IS_SHARED URGENCY TASK_NO LANE_NO TASK_ID ATTEMPTS EXPIRES_AT CHANNEL;
            blocked: PROJECT_NAME RUN_AFTER;
            task_limit: PROJECT_NAME SCOPE KEY LIMIT_NO MAX_QUEUED MAX_RUNNING;
            limit_slot: PROJECT_NAME TASK_NO LIMIT_NO IS_RUNNING SLOT_NO IS_SURPLUS;
            event: KIND;
        }
        for (table, count) in [("task", columns::task::COUNT), ("segment", columns::segment::COUNT)] {
            let found = format!("select relnatts from pg_class where oid = 'task_mgmt.{table}'::regclass");
            assert_eq!(value::<i16>(&found), Some(count as i16), "{table}");
        }
    }
}
