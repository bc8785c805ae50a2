#!/usr/bin/env bash
# A worker: worker.sh PROJECT USER [LEASE_SECONDS]. PGHOST, PGDATABASE and so on lead psql to the database.
set -um # -m: every job is a process group, which can be ended as a whole.
project=$1 user=$2 lease_seconds=${3:-30} instance=$HOSTNAME-$$

# Your work goes here; this one waits. What it prints is the result, as JSON; if it fails, its errors are the error.
work() { # attempt params
    local seconds failures
    IFS=$'\t' read -r seconds failures < <(
        sql "select p->>'seconds', coalesce(p->>'failures', '0') from (select :'params'::jsonb) as _ (p)" params="$2"
    )
    sleep "$seconds"
    (($1 > failures)) || { echo "attempt $1 went wrong" >&2 && return 1; }
    echo '{"done_by": "bash"}'
}

# Runs a statement; name=value gives it a variable, which it writes as :'name'.
sql() { # statement name=value...
    local variables=("${@:2}")
    psql -XqAtF $'\t' -v ON_ERROR_STOP=1 -v project="$project" -v user="$user" -v instance="$instance" \
        "${variables[@]/#/--variable=}" <<<"$1"
}

# Ends the work if the lease was lost or the task cancelled. Goes on no longer than the worker itself.
keep_lease() { # pid
    while sleep "$beat_seconds" && kill -0 $$; do
        case $(sql "select heartbeat(:'project', :'task', :'token')" task="$task" token="$token") in
            lost | cancelled) kill -- "-$1" ;;
        esac
    done
}

stop() {
    for job in $(jobs -p); do kill -- "-$job"; done
    sql "select release_tasks(:'project', :'user', :'instance')" >/dev/null
    exit 0
}

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
trap stop TERM INT
beat_seconds=$(awk "BEGIN { print $lease_seconds / 3 }")
while true; do
    IFS=$'\t' read -r task token attempt params < <(
        sql "select task_id, lease_token, attempt, params
            from claim_tasks(:'project', :'user', lease_seconds => :'seconds', instance => :'instance')" seconds="$lease_seconds"
    )
    if [ -z "$task" ]; then
        sleep 1 &
        wait $!
        continue
    fi
    work "$attempt" "$params" >"$folder/result" 2>"$folder/error" &
    working=$!
    keep_lease "$working" &
    beating=$!
    { wait "$working" && answer=$(sql "select complete_task(:'project', :'task', :'token', :'result')" \
        task="$task" token="$token" result="$(<"$folder/result")" 2>"$folder/error"); } ||
        answer=$(sql "select fail_task(:'project', :'task', :'token', :'error')" \
            task="$task" token="$token" error="$(<"$folder/error")")
    kill -- "-$beating"
    wait "$beating" 2>/dev/null
    echo "$task $answer"
done
