#!/usr/bin/env bash
# Programs for the tests that a CI machine may lack: clients, proxies, systemd, Prometheus. Never fails and never takes longer than a few minutes: a
# program that is not there is skipped, with a line here and in the title of its tests.
set -uo pipefail

wanted=()
command -v curl >/dev/null || wanted+=(curl)
command -v python3 >/dev/null || wanted+=(python3-minimal)
command -v wrk >/dev/null || wanted+=(wrk)
command -v h2load >/dev/null || wanted+=(nghttp2-client)
PATH="$PATH:/usr/sbin:/sbin"
command -v haproxy >/dev/null || wanted+=(haproxy)
command -v nginx >/dev/null || wanted+=(nginx-light)
command -v prometheus >/dev/null || wanted+=(prometheus)
command -v systemd-socket-activate >/dev/null || wanted+=(systemd)
# Ubuntu's package of this name is but a pointer to a snap.
if ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null && ! grep -qs '^ID=ubuntu' /etc/os-release; then
  wanted+=(chromium)
fi
[ ${#wanted[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "tests: ${wanted[*]} not installed (needs root and apt-get): their tests are skipped"
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
options=(-qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=30)
timeout -k 5 60 apt-get "${options[@]}" update >/dev/null 2>&1
# One by one: a package that is not to be had keeps none of the others away.
for package in "${wanted[@]}"; do
  timeout -k 5 150 apt-get "${options[@]}" install -y --no-install-recommends "$package" >/dev/null 2>&1 ||
    echo "tests: $package could not be installed: its tests are skipped"
done
exit 0
