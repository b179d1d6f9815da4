#!/bin/bash
# Puts everything of deploy/ in its place on this machine. Run again after every release: what is
# as it should be is left alone, and settings of the hospital are never overwritten.
#
#   install.sh server|standby|kiosk [--answers FILE] [--ca FILE] [--dry-run] [--root DIR]
#
#   server    the machine that serves: server, backups, nginx, certificate authority, logs
#   standby   the second machine: the same, switched off until tiepdon-fail-over; its database follows
#   kiosk     the machine with the touch panel
#
#   --answers FILE  answers of the hospital; otherwise /etc/tiepdon/install.env
#   --ca FILE       ca.crt of the server (kiosk and standby)
#   --dry-run       says what it would do and does nothing
#   --root DIR      writes below DIR and starts nothing (for images, and for trying it out)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

role=${1:-}
case $role in server | standby | kiosk) shift ;; *) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;; esac
root="" dry="" answers="" ca="" changed=0
while [ $# -gt 0 ]; do
    case $1 in
        --root) root=$(mkdir -p "$2" && cd "$2" && pwd); shift 2 ;;
        --answers) answers=$2; shift 2 ;;
        --ca) ca=$2; shift 2 ;;
        --dry-run) dry=1; shift ;;
        *) echo "install.sh: unknown: $1" >&2; exit 2 ;;
    esac
done
program=${TIEPDON_PROGRAM:-/opt/tiepdon/current/.venv/bin/tiepdon}

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
[ -n "$root" ] || [ -n "$dry" ] || [ "$(id -u)" = 0 ] || die "run it as root: sudo $0 $role"

# --- doing, or saying ------------------------------------------------------------------------

# run WHAT…: only on a real machine.
run() {
    if [ -n "$dry" ]; then say "would run: $*"; elif [ -z "$root" ]; then "$@"; fi
}
owner() { # owner USER:GROUP FILE
    if [ -z "$root" ] && [ -z "$dry" ]; then chown "$1" "$2"; fi
}
# put TEXT-FILE DESTINATION MODE [USER:GROUP]: written when it differs.
put() {
    local to=$root$2
    if [ -e "$to" ] && cmp -s "$1" "$to" && [ "$(stat -c %a "$to")" = "$3" ]; then return; fi
    changed=$((changed + 1))
    if [ -n "$dry" ]; then say "would write $2"; return; fi
    mkdir -p "$(dirname "$to")"
    install -m "$3" "$1" "$to.new"
    owner "${4:-root:root}" "$to.new"
    mv "$to.new" "$to"
    say "wrote $2"
}
# put_once …: the hospital's own from then on; a later version is laid beside it as .example.
put_once() {
    if [ ! -e "$root$2" ]; then
        put "$@"
    elif ! cmp -s "$1" "$root$2"; then
        put "$1" "$2.example" "$3" "${4:-root:root}"
    fi
}
gone() { # gone FILE: what an earlier answer put there
    [ -e "$root$1" ] || return 0
    changed=$((changed + 1))
    if [ -n "$dry" ]; then say "would remove $1"; return; fi
    rm "$root$1"
    say "removed $1"
}
folder() { # folder PATH MODE [USER:GROUP]
    if [ -d "$root$1" ]; then return; fi
    changed=$((changed + 1))
    if [ -n "$dry" ]; then say "would make $1/"; return; fi
    mkdir -p "$root$1"
    chmod "$2" "$root$1"
    owner "${3:-root:root}" "$root$1"
    say "made $1/"
}
# fill FILE NAME VALUE…: a copy with @NAME@ replaced; prints its path.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fill() {
    local from=$1 to
    to=$scratch/$(basename "$1")
    shift
    cp "$from" "$to"
    while [ $# -gt 0 ]; do
        awk -v name="@$1@" -v value="$2" '{
            while ((at = index($0, name)) > 0) $0 = substr($0, 1, at - 1) value substr($0, at + length(name))
            print
        }' "$to" >"$to.filled"
        mv "$to.filled" "$to"
        shift 2
    done
    if grep -q '@[A-Z_]*@' "$to"; then die "$from: not all of it is filled in"; fi
    echo "$to"
}
units() {
    local unit
    for unit in "$@"; do put "$here/systemd/$unit" "/etc/systemd/system/$unit" 644; done
}
need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || say "MISSING $1: apt-get install $2"
}

# --- answers ---------------------------------------------------------------------------------

[ -n "$answers" ] || answers=$root/etc/tiepdon/install.env
if [ ! -r "$answers" ]; then
    folder /etc/tiepdon 751
    put "$here/env/install.env" /etc/tiepdon/install.env 644
    say "Answer the questions in $answers, then run this again."
    exit 0
fi
# shellcheck disable=SC1090
. "$answers"
: "${TIEPDON_NAMES:?in $answers}" "${TIEPDON_CA_FOR:?in $answers}"

# --- parts -----------------------------------------------------------------------------------

logs() { # logs server|kiosk
    put "$here/journald/tiepdon-$1.conf" /etc/systemd/journald.conf.d/tiepdon.conf 644
    put "$here/logrotate/tiepdon" /etc/logrotate.d/tiepdon 644
    folder /var/log/tiepdon 755
    if [ -n "${TIEPDON_LOG_HOST:-}" ]; then
        need rsyslogd "rsyslog rsyslog-gnutls"
        put "$(fill "$here/rsyslog/tiepdon.conf" LOG_HOST "$TIEPDON_LOG_HOST" \
            LOG_PORT "${TIEPDON_LOG_PORT:-6514}" LOG_CA "${TIEPDON_LOG_CA:-/etc/tiepdon/ca.crt}")" \
            /etc/rsyslog.d/00-tiepdon.conf 644
        run systemctl try-restart rsyslog.service
    else
        say "NOTE logs are not copied to another machine: TIEPDON_LOG_HOST is empty"
    fi
    run systemctl try-restart systemd-journald.service
}

certificates() {
    local domain for_all=()
    if [ -e "$root/etc/tiepdon/tls.crt" ]; then return; fi
    if [ -n "$dry" ]; then say "would make the certificate authority and a certificate"; return; fi
    if [ ! -x "$program" ]; then say "NEXT install a release, then run this again: certificates"; return; fi
    # shellcheck disable=SC2086
    for domain in $TIEPDON_CA_FOR; do for_all+=(--for "$domain"); done
    [ -e "$root/etc/tiepdon/ca/ca.key" ] ||
        "$program" ca new "$root/etc/tiepdon/ca" --title "${TIEPDON_CA_TITLE:-Tiếp đón}" "${for_all[@]}" >/dev/null
    # shellcheck disable=SC2086
    "$program" ca issue "$root/etc/tiepdon/ca" $TIEPDON_NAMES --out "$root/etc/tiepdon/tls.crt" >/dev/null
    put "$root/etc/tiepdon/ca/ca.crt" /etc/tiepdon/ca.crt 644
    changed=$((changed + 1))
    say "made the certificate authority; /etc/tiepdon/ca.crt goes to every kiosk"
}

keys() {
    local made
    for made in "keys new:keys.json" "keys new-backup:backup.key"; do
        local file=/etc/tiepdon/${made#*:}
        [ ! -e "$root$file" ] || continue
        if [ -n "$dry" ]; then say "would make $file"; continue; fi
        if [ ! -x "$program" ]; then say "NEXT install a release, then run this again: $file"; continue; fi
        # shellcheck disable=SC2086
        "$program" ${made%:*} "$root$file" >/dev/null
        owner tiepdon:tiepdon "$root$file"
        changed=$((changed + 1))
        say "made $file: KEEP A COPY IN THE SAFE, apart from the backups"
    done
}

server_files() {
    put "$here/sysusers/tiepdon-server.conf" /usr/lib/sysusers.d/tiepdon-server.conf 644
    run systemd-sysusers tiepdon-server.conf
    folder /etc/tiepdon 751
    folder /var/lib/tiepdon 700 tiepdon:tiepdon
    # Where a disk is not mounted only root may write: such a backup fails and is told.
    folder /srv/sao-luu-1 755
    folder /srv/sao-luu-2 755
    put_once "$here/env/server.env" /etc/tiepdon/server.env 640 root:tiepdon
    put_once "$here/env/backup.env" /etc/tiepdon/backup.env 640 root:tiepdon
    put "$here/bin/tiepdon" /usr/local/bin/tiepdon 755
    put "$here/bin/tiepdon-watch" /usr/local/sbin/tiepdon-watch 755
    put "$here/bin/tiepdon-fail-over" /usr/local/sbin/tiepdon-fail-over 755
    put "$here/postgres/tiepdon-standby" /usr/local/sbin/tiepdon-standby 755
    units tiepdon-server.service tiepdon-worker.service tiepdon-alert@.service \
        tiepdon-backup.service tiepdon-backup.timer tiepdon-backup-check.service \
        tiepdon-backup-check.timer tiepdon-ca-renew.service tiepdon-ca-renew.timer \
        tiepdon-watch.service tiepdon-watch.timer tiepdon-standby.service tiepdon-settle.service \
        tiepdon-address.service tiepdon-alert@backup-check.service.d/tiepdon.conf \
        nginx.service.d/tiepdon.conf postgresql@.service.d/tiepdon.conf
    put "$(fill "$here/nginx/tiepdon.conf" UPSTREAM 127.0.0.1:8080 HTTP 80 HTTPS 443 \
        NAMES "$TIEPDON_NAMES" CERTIFICATE /etc/tiepdon/tls.crt KEY /etc/tiepdon/tls.key \
        ACCESS_LOG "syslog:server=unix:/dev/log,facility=local6,tag=nginx,nohostname tiepdon" \
        ERROR_LOG "syslog:server=unix:/dev/log,facility=local6,tag=nginx,nohostname")" \
        /etc/nginx/conf.d/tiepdon.conf 644
    if [ -n "${TIEPDON_OUTSIDE_NAMES:-}" ]; then
        put "$(fill "$here/nginx/zz-tiepdon-outside.conf" OUTSIDE "${TIEPDON_OUTSIDE_PORT:-8443}" \
            OUTSIDE_NAMES "$TIEPDON_OUTSIDE_NAMES" \
            OUTSIDE_CERTIFICATE "${TIEPDON_OUTSIDE_CERTIFICATE:?in $answers}" \
            OUTSIDE_KEY "${TIEPDON_OUTSIDE_KEY:?in $answers}" \
            ACCESS_LOG "syslog:server=unix:/dev/log,facility=local6,tag=nginx,nohostname tiepdon" \
            ERROR_LOG "syslog:server=unix:/dev/log,facility=local6,tag=nginx,nohostname")" \
            /etc/nginx/conf.d/zz-tiepdon-outside.conf 644
    fi
    practice_files
    # Debian's own welcome page would take the default place; the other was read before its formats.
    gone /etc/nginx/sites-enabled/default
    gone /etc/nginx/conf.d/tiepdon-outside.conf
    need nginx nginx
    need psql postgresql
}

# Lessons at a port of their own, and their address for `tiepdon practice` to tell.
practice_files() {
    local port=${TIEPDON_PRACTICE_PORT:-}
    if [ -z "$port" ]; then
        gone /etc/nginx/conf.d/zz-tiepdon-practice.conf
        gone /etc/tiepdon/practice.env
        return
    fi
    put "$(fill "$here/nginx/zz-tiepdon-practice.conf" PRACTICE_UPSTREAM 127.0.0.1:8081 PRACTICE "$port" \
        NAMES "$TIEPDON_NAMES" CERTIFICATE /etc/tiepdon/tls.crt KEY /etc/tiepdon/tls.key \
        ACCESS_LOG "syslog:server=unix:/dev/log,facility=local6,tag=nginx,nohostname tiepdon" \
        ERROR_LOG "syslog:server=unix:/dev/log,facility=local6,tag=nginx,nohostname")" \
        /etc/nginx/conf.d/zz-tiepdon-practice.conf 644
    echo "TIEPDON_PRACTICE_ADDRESS=https://${TIEPDON_NAMES%% *}:$port" >"$scratch/practice.env"
    put "$scratch/practice.env" /etc/tiepdon/practice.env 644
}

install_server() {
    server_files
    logs server
    certificates
    keys
    run systemctl daemon-reload
    if [ -x "$program" ]; then
        run systemctl enable tiepdon-server.service tiepdon-backup.timer tiepdon-backup-check.timer \
            tiepdon-ca-renew.timer tiepdon-watch.timer tiepdon-standby.service tiepdon-settle.service \
            nginx.service
        # Only what did not run yet is started: a morning is not interrupted by an installation.
        run systemctl start tiepdon-server.service tiepdon-backup.timer tiepdon-backup-check.timer \
            tiepdon-ca-renew.timer tiepdon-watch.timer
        run nginx -t -q
        run systemctl reload-or-restart nginx.service
    fi
}

install_standby() {
    server_files
    logs server
    put_once "$here/env/standby.env" /etc/tiepdon/standby.env 644
    if [ -n "$ca" ]; then put "$ca" /etc/tiepdon/ca.crt 644; fi
    for file in keys.json backup.key server.env tls.crt tls.key; do
        # tls.* of its own: one that lives a year, the server's is renewed there every two months.
        [ -e "$root/etc/tiepdon/$file" ] || say "NEXT bring /etc/tiepdon/$file from the server"
    done
    run systemctl daemon-reload
    if [ -z "$root" ] && systemctl -q is-active tiepdon-server.service; then
        say "NOTE this machine serves since tiepdon-fail-over: its services stay enabled"
    else
        # It serves only after tiepdon-fail-over: two that serve would give numbers twice.
        run systemctl disable tiepdon-server.service tiepdon-worker.service tiepdon-backup.timer \
            tiepdon-backup-check.timer tiepdon-address.service
    fi
    run systemctl enable --now tiepdon-watch.timer tiepdon-standby.service
}

install_kiosk() {
    local matrix without_keyboard=yes
    put "$here/sysusers/tiepdon-kiosk.conf" /usr/lib/sysusers.d/tiepdon-kiosk.conf 644
    run systemd-sysusers tiepdon-kiosk.conf
    folder /etc/tiepdon 751
    put "$here/bin/tiepdon" /usr/local/bin/tiepdon 755
    put "$here/bin/tiepdon-lesson" /usr/local/sbin/tiepdon-lesson 755
    put_once "$here/env/kiosk.env" /etc/tiepdon/kiosk.env 644
    [ -n "$ca" ] && put "$ca" /etc/tiepdon/ca.crt 644
    [ -e "$root/etc/tiepdon/ca.crt" ] || say "NEXT copy /etc/tiepdon/ca.crt from the server (--ca FILE)"
    units tiepdon-kiosk.service tiepdon-kiosk-restart.service tiepdon-kiosk-restart.timer \
        tiepdon-release.service tiepdon-release.timer
    case ${TIEPDON_ROTATION:-0} in
        0) matrix="1 0 0 0 1 0" ;;
        90) matrix="0 -1 1 1 0 0" ;;
        180) matrix="-1 0 1 0 -1 1" ;;
        270) matrix="0 1 0 -1 0 1" ;;
        *) die "TIEPDON_ROTATION is 0, 90, 180 or 270" ;;
    esac
    put "$(fill "$here/udev/60-tiepdon-touch.rules" MATRIX "$matrix")" /etc/udev/rules.d/60-tiepdon-touch.rules 644
    put "$here/udev/61-tiepdon-devices.rules" /etc/udev/rules.d/61-tiepdon-devices.rules 644
    put "$here/udev/62-tiepdon-lock.rules" /etc/udev/rules.d/62-tiepdon-lock.rules 644
    grep -qs -- 'hid:' "$root/etc/tiepdon/kiosk.env" && without_keyboard=no
    if [ $without_keyboard = yes ]; then
        put "$here/udev/63-tiepdon-no-keyboard.rules" /etc/udev/rules.d/63-tiepdon-no-keyboard.rules 644
    fi
    put "$here/kiosk/modprobe.conf" /etc/modprobe.d/tiepdon-kiosk.conf 644
    put "$here/kiosk/sysctl.conf" /etc/sysctl.d/90-tiepdon-kiosk.conf 644
    put "$here/kiosk/logind.conf" /etc/systemd/logind.conf.d/tiepdon.conf 644
    put "$here/kiosk/system.conf" /etc/systemd/system.conf.d/tiepdon.conf 644
    logs kiosk
    need cage cage
    need Xwayland xwayland
    run systemctl daemon-reload
    run udevadm control --reload
    run sysctl -q --system
    run systemctl mask ctrl-alt-del.target
    run systemctl set-default graphical.target
    run systemctl enable tiepdon-kiosk.service tiepdon-kiosk-restart.timer tiepdon-release.timer
    run systemctl start tiepdon-kiosk-restart.timer tiepdon-release.timer
    [ -e "$root/etc/tiepdon/release.pub" ] || say "NEXT copy release.pub to /etc/tiepdon: updates are believed by it"
    say "NEXT enrol it once with the code of 'tiepdon kiosks add', then restart the machine"
}

"install_$role"
if [ $changed = 0 ]; then say "Everything was in its place."; else say "$changed changes."; fi
