# Sourced by the other scripts: where things live, who runs the server, and the private copy of the server's programs.
# It changes to the top of the checkout; it starts nothing.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$ROOT"

# The PostgreSQL that demo, tests and benchmark run on; `make install` takes any supported one.
PG_MAJOR=${PG_MAJOR:-15}
SYSTEM_PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config

# A fresh rustup is not yet on the PATH of the shell that installed it; target/tools holds our cargo-pgrx when the
# user's own has another version.
PATH=$ROOT/target/tools/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

# These would send psql, pg_regress and the clients to somebody else's server.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGOPTIONS

say() { printf '\n== %s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

# PostgreSQL refuses to run as root. With RUST_BACKTRACE set, pgrx puts a backtrace into the DETAIL of every error.
as_server() {
    if is_root; then
        id -u postgres >/dev/null 2>&1 || die "there is no user 'postgres' yet: run scripts/setup first"
        (cd / && exec env -u RUST_BACKTRACE runuser -u postgres -- "$@")
    else
        env -u RUST_BACKTRACE "$@"
    fi
}

# Prints the directory for everything that a server writes. That is target/, unless a socket's path would exceed its
# 107 bytes, the name needs quoting that PGHOST does not have, or root's server user cannot get there (a checkout below
# /root); then it is a directory in /tmp, the same one for the same checkout.
state_dir() {
    local dir=$ROOT/target
    mkdir -p "$dir"
    if (($(printf %s "$dir" | wc -c) > 70)) || [[ $dir == *[,%\'\"\`\$\\]* ]] || ! as_server test -x "$dir"; then
        dir=/tmp/task_mgmt-$(id -u)-$(printf %s "$ROOT" | cksum | cut -d ' ' -f 1)
        [ -d "$dir" ] || mkdir -m 755 "$dir"
        if [ -L "$dir" ] || [ ! -O "$dir" ]; then die "$dir belongs to somebody else"; fi
    fi
    printf '%s\n' "$dir"
}

# Prints the pg_config of a private copy of the server, made at the first call: its programs are copied, the rest is
# linked. PostgreSQL looks for libraries and extensions beside its own program file, so ours is installed into this
# copy, without root rights, and servers that run on this machine never see it.
private_pg_config() { # name
    local copy bin lib share link
    [ -x "$SYSTEM_PG_CONFIG" ] || die "$SYSTEM_PG_CONFIG is missing: run scripts/setup first"
    copy=$(state_dir)/$1
    bin=$("$SYSTEM_PG_CONFIG" --bindir) lib=$("$SYSTEM_PG_CONFIG" --pkglibdir) share=$("$SYSTEM_PG_CONFIG" --sharedir)
    if ! cmp -s "$bin/postgres" "$copy${bin#/usr}/postgres"; then
        rm -rf "$copy" "$copy.new"
        mkdir -p "$copy.new${bin#/usr}" "$copy.new${lib#/usr}" "$copy.new${share#/usr}/extension"
        cp -p "$bin"/* "$copy.new${bin#/usr}"
        ln -s /usr/include "$copy.new/include"
        for link in "$lib"/* "$share"/* "$share"/extension/*; do
            case $link in
                "$share/extension" | */task_mgmt*) ;;
                *) ln -s "$link" "$copy.new${link#/usr}" ;;
            esac
        done
        mv "$copy.new" "$copy"
    fi
    printf '%s\n' "$copy${bin#/usr}/pg_config"
}
