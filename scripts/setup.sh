#!/bin/sh
# Everything a fresh machine needs: system packages, .venv with pinned packages, the typeface.
# Each step is skipped when its stamp says that nothing changed, so a second run takes a moment.
set -eu
cd "$(dirname "$0")/.."

packages="python3-venv ca-certificates xvfb xdotool libgl1 libegl1 libgles2 libgl1-mesa-dri
libmtdev1 libzbar0 libusb-1.0-0 libglib2.0-0 postgresql espeak-ng chromium
nginx curl systemd rsyslog rsyslog-gnutls"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

missing=""
for package in $packages; do
    # Ubuntu 24.04 renamed libglib2.0-0 to libglib2.0-0t64, which provides the old name.
    dpkg-query -W -f='${Status} ${Provides}\n' "$package" "${package}t64" 2>/dev/null |
        grep -q '^install ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    say "Installing system packages:$missing"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get update -qq
    # Without its own cluster: the tests start a PostgreSQL of their own.
    $as_root mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    # Nor any other service: nginx and rsyslog run inside tests only.
    policy=""
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
        $as_root chmod +x "$policy"
        # shellcheck disable=SC2064
        trap "$as_root rm -f $policy" EXIT
    fi
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    if [ -n "$policy" ]; then
        $as_root rm -f "$policy"
        trap - EXIT
        for service in nginx rsyslog; do
            case " $missing " in *" $service "*) $as_root systemctl disable "$service" >/dev/null 2>&1 || true ;; esac
        done
    fi
fi

mkdir -p .setup
python="${PYTHON:-python3}"
wanted=$(cat requirements/dev.txt pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1)
if [ ! -x .venv/bin/tiepdon ] || [ "$(cat .setup/python 2>/dev/null)" != "$wanted" ]; then
    say "Installing Python packages into .venv"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
    echo "$wanted" >.setup/python
fi

wanted=$(sha256sum fonts/package-lock.json | cut -d' ' -f1)
if [ "$(cat .setup/fonts 2>/dev/null)" != "$wanted" ] || [ ! -d .venv/share/tiepdon/fonts ]; then
    say "Installing the typeface Be Vietnam Pro"
    (cd fonts && PATH="$PWD/../.venv/bin:$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    mkdir -p .venv/share/tiepdon/fonts
    family=fonts/node_modules/@expo-google-fonts/be-vietnam-pro
    for weight in 400Regular 500Medium 600SemiBold 700Bold 800ExtraBold; do
        cp "$family/$weight/BeVietnamPro_$weight.ttf" .venv/share/tiepdon/fonts/
    done
    echo "$wanted" >.setup/fonts
fi

wanted=$(sha256sum tiepdon/demo/fhir_server/package-lock.json | cut -d' ' -f1)
if [ "$(cat .setup/fhir-server 2>/dev/null)" != "$wanted" ] || [ ! -d tiepdon/demo/fhir_server/node_modules ]; then
    say "Installing the FHIR server of somebody else that demo and tests talk to"
    (cd tiepdon/demo/fhir_server && PATH="$PWD/../../../.venv/bin:$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    echo "$wanted" >.setup/fhir-server
fi
