#!/bin/sh
# Installs what the project needs: Debian packages (as root), npm packages with the pinned Node, and
# the one native module. Says what it does; safe to repeat.
set -eu
cd "$(dirname "$0")/.."

say() { printf '  setup: %s\n' "$*"; }

command -v npm >/dev/null 2>&1 || {
  say 'npm is missing. Install Node 20 or newer with npm (nodejs.org, or a package of your system).'
  exit 2
}

# command:package, for building sqlite3 and for the demo, the tests and the benches. The programs of
# the system first: npm puts another `nft` into the path.
tools='make:make g++:g++ python3:python3 ip:iproute2 nft:nftables tcpdump:tcpdump tshark:tshark
dumpcap:wireshark-common baresip:baresip-core sipp:sip-tester nsenter:util-linux kamailio:kamailio
 xmllint:libxml2-utils'
installed() { PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" command -v "$1"; }
missing=''
for tool in $tools; do
  installed "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool##*:}"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    say "installing Debian packages:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
      >/dev/null
  else
    say 'these Debian packages are missing; install them, then try again:'
    say "  sudo apt-get install --no-install-recommends$missing"
    exit 2
  fi
fi

# One more telephone for the tests, where the system has a package of it.
rare='linphone-cli'
if ! installed linphonec >/dev/null 2>&1 && installed apt-cache >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && ! apt-cache show "$rare" >/dev/null 2>&1; then apt-get update -qq; fi
  if ! apt-cache show "$rare" >/dev/null 2>&1; then
    say "this system has no package $rare: tests with that telephone are skipped"
  elif [ "$(id -u)" = 0 ]; then
    say "installing $rare"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$rare" >/dev/null
  else
    say "this Debian package is missing, which the tests need; install it, then try again:"
    say "  sudo apt-get install --no-install-recommends $rare"
  fi
fi

say 'installing npm packages and the pinned Node (about half a minute)'
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
say "Node $(node --version)"
if ! node -e "require('sqlite3')" 2>/dev/null; then
  say 'building sqlite3 (one to two minutes)'
  npm rebuild sqlite3 --foreground-scripts >build-sqlite3.log 2>&1 || {
    tail -n 20 build-sqlite3.log
    say 'building sqlite3 failed; the lines above and build-sqlite3.log say why'
    exit 1
  }
  rm -f build-sqlite3.log
fi
say 'done'
