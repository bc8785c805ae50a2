//! The numbers of the columns that the claim path reads and writes by row. A test compares them with the catalog.

pub mod project {
    pub const PROJECT_NAME: i16 = 1;
    pub const STATUS: i16 = 2;
    pub const LIMITS_NO: i16 = 3;
}

pub mod project_user {
    pub const PROJECT_NAME: i16 = 1;
    pub const USER_NO: i16 = 2;
    pub const USER_ID: i16 = 3;
    pub const QUALIFIED_TASK_TYPES: i16 = 5;
    pub const QUALIFIED_SEGMENT_TYPES: i16 = 6;
    pub const IS_ACTIVE: i16 = 7;
    pub const BOUND_ROLE: i16 = 8;
    pub const EARLIEST_EXPIRY_AT: i16 = 10;
    pub const CAPACITY: i16 = 11;
}

pub mod qualification {
    pub const PROJECT_NAME: i16 = 1;
    pub const USER_NO: i16 = 2;
    pub const KIND: i16 = 3;
    pub const NAME: i16 = 4;
    pub const LEVEL: i16 = 5;
    pub const EXPIRES_AT: i16 = 6;
}

pub mod task_type {
    pub const PROJECT_NAME: i16 = 1;
    pub const TASK_TYPE: i16 = 2;
    pub const COMPLETION_STATUSES: i16 = 3;
    pub const VERIFICATION_HANDLER: i16 = 6;
    pub const COMPLETION_HANDLER: i16 = 7;
    pub const GOLDEN_PERCENT: i16 = 12;
    pub const LEASE_SECONDS: i16 = 15;
    pub const MAX_ATTEMPTS: i16 = 16;
    pub const BACKOFF: i16 = 17;
}

pub mod lane {
    pub const PROJECT_NAME: i16 = 1;
    pub const LANE_NO: i16 = 2;
    pub const TASK_TYPE: i16 = 3;
    pub const SEGMENT_TYPE: i16 = 4;
    pub const MIN_LEVEL: i16 = 5;
    pub const CHANNEL: i16 = 6;
}

pub mod task {
    pub const PROJECT_NAME: i16 = 1;
    pub const TASK_NO: i16 = 2;
    pub const STATUS: i16 = 3;
    pub const COMPLETED_USER_NO: i16 = 4;
    pub const COMPLETED_AT: i16 = 5;
    pub const FIRST_START_TS: i16 = 6;
    pub const LAST_LEASED_TS: i16 = 7;
    pub const ATTEMPTS: i16 = 8;
    pub const FAILURES: i16 = 9;
    pub const COMPLETION_STATUS: i16 = 10;
    pub const TASK_ID: i16 = 11;
    pub const TASK_TYPE: i16 = 12;
    pub const PRIORITY: i16 = 15;
    pub const ASSIGNED_USER_NO: i16 = 16;
    pub const HAS_DEPENDENTS: i16 = 19;
    pub const ORIGINAL_NO: i16 = 22;
    pub const IS_CHECK: i16 = 23;
    pub const CREATED_AT: i16 = 26;
    pub const NOTE: i16 = 29;
    pub const TITLE: i16 = 33;
    pub const DESCRIPTION: i16 = 34;
    pub const PARAMS: i16 = 35;
    pub const METADATA: i16 = 38;
    pub const CHANNEL: i16 = 39;
    pub const RESULT: i16 = 40;
    pub const ERROR: i16 = 41;
    pub const EXPIRES_AT: i16 = 43;
    pub const OPEN_KEY: i16 = 45;
    pub const MAX_ATTEMPTS: i16 = 46;
    pub const BACKOFF: i16 = 47;
    pub const INSTANCE: i16 = 48;
    pub const HAS_CONVERSATIONS: i16 = 49;
    pub const FAILED_AT: i16 = 50;
    pub const COUNTED_KEY: i16 = 51;
    pub const COUNT: usize = 51;
}

pub mod segment {
    pub const PROJECT_NAME: i16 = 1;
    pub const SEED_ID: i16 = 2;
    pub const STATUS: i16 = 16;
    pub const CREATED_AT: i16 = 18;
    pub const COUNT: usize = 22;
}

pub mod lease {
    pub const PROJECT_NAME: i16 = 1;
    pub const TASK_NO: i16 = 2;
    pub const USER_NO: i16 = 3;
    pub const FENCE: i16 = 4;
    pub const LEASED_AT: i16 = 5;
    pub const STARTED_AT: i16 = 6;
    pub const TASK_ID: i16 = 7;
    pub const ATTEMPT: i16 = 8;
    pub const EXPIRES_AT: i16 = 9;
    pub const INSTANCE: i16 = 10;
}

pub mod ready {
    pub const PROJECT_NAME: i16 = 1;
    pub const QUEUE_NO: i16 = 2;
    pub const IS_RETURNED: i16 = 3;
    pub const HAS_SEED_STATE: i16 = 4;
    pub const IS_SHARED: i16 = 5;
    pub const URGENCY: i16 = 6;
    pub const TASK_NO: i16 = 7;
    pub const LANE_NO: i16 = 8;
    pub const TASK_ID: i16 = 9;
    pub const ATTEMPTS: i16 = 10;
    pub const EXPIRES_AT: i16 = 11;
    pub const CHANNEL: i16 = 12;
}

pub mod blocked {
    pub const PROJECT_NAME: i16 = 1;
    pub const RUN_AFTER: i16 = 7;
}

pub mod task_limit {
    pub const PROJECT_NAME: i16 = 1;
    pub const SCOPE: i16 = 2;
    pub const KEY: i16 = 3;
    pub const LIMIT_NO: i16 = 4;
    pub const MAX_QUEUED: i16 = 5;
    pub const MAX_RUNNING: i16 = 6;
}

pub mod limit_slot {
    pub const PROJECT_NAME: i16 = 1;
    pub const TASK_NO: i16 = 2;
    pub const LIMIT_NO: i16 = 3;
    pub const IS_RUNNING: i16 = 4;
    pub const SLOT_NO: i16 = 5;
    pub const IS_SURPLUS: i16 = 6;
}

pub mod event {
    pub const KIND: i16 = 5;
}
