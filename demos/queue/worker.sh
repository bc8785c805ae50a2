#!/usr/bin/env bash
# Checksums files, one at a time: worker.sh INSTANCE. PGHOST, PGDATABASE and so on lead psql to the database.
# It is over with each before the lease ends; docs/workers/worker.sh shows how to keep one.
set -u
instance=$1

# Runs a statement; name=value gives it a variable, which it writes as :'name'.
sql() { # statement name=value...
    local variables=("${@:2}")
    psql -XqAtF $'\t' -v ON_ERROR_STOP=1 -v instance="$instance" "${variables[@]/#/--variable=}" <<<"$1"
}

checksum() { # attempt failures path
    if (($1 <= $2)); then
        echo "attempt $1 was made to fail" >&2
        return 1
    fi
    sha256sum <"$3" | cut -d ' ' -f 1
}

stop() {
    sql "select release_tasks('files', 'bash', :'instance')" >/dev/null
    exit 0
}
trap stop TERM INT

errors=$(mktemp)
trap 'rm "$errors"' EXIT
while true; do
    IFS=$'\t' read -r task token attempt failures name path < <(
        sql "select task_id, lease_token, attempt, params->>'failures', params->>'name', params->>'path'
            from claim_tasks('files', 'bash', instance => :'instance')"
    )
    if [ -z "$task" ]; then
        sleep 0.2
    elif digest=$(set -o pipefail; checksum "$attempt" "$failures" "$path" 2>"$errors"); then
        # The fact is there if, and only if, the task was still this worker's: one statement is one transaction.
        sql "select case complete_task('files', :'task', :'token', jsonb_build_object('sha256', :'digest'))
            when 'completed' then create_fact('files', jsonb_build_object('text', :'text', 'subject', :'name',
                'predicate', 'sha256', 'object_data', :'digest', 'metadata', jsonb_build_object('bytes', :bytes),
                'produced_by_task', :'task')) end" \
            task="$task" token="$token" name="$name" digest="$digest" text="The SHA-256 of $path is $digest" \
            bytes="$(stat -Lc %s -- "$path")" >/dev/null
    else
        sql "select case fail_task('files', :'task', :'token', :'error', retryable => :'is_retryable')
            when 'failed' then create_conversation('files', :'task', jsonb_build_object('content', :'note')) end" \
            task="$task" token="$token" error="$(<"$errors")" is_retryable="$([ -e "$path" ] && echo true || echo false)" \
            note="$instance gave up at attempt $attempt: $(<"$errors")" >/dev/null
    fi
done
