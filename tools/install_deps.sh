#!/bin/bash
# Installs the Debian packages that are missing of the given lists (default: packages.txt beside it).
# Needs root only if any is. Python packages are not installed here: the tools that need them keep
# pinned environments in the cache (tools/kgw_cache.py).
set -euo pipefail
cd "$(dirname "$0")"

mapfile -t wanted < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "${@:-packages.txt}")
missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "-- packages: all ${#wanted[@]} present"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "Missing Debian packages; as root: apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "-- packages: installing ${#missing[@]} of ${#wanted[@]}: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "-- packages: installed"
