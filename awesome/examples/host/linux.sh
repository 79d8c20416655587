#!/bin/sh
# Installs or upgrades the check: linux.sh WHEEL [CONF.YAML]
# Run it as a user with sudo, on a host with a Datadog Agent 7.78 or newer.
set -eu
wheel=$1
conf=${2-}
installed=/etc/datadog-agent/conf.d/awesome.d/conf.yaml

# The Agent runs as dd-agent, which may not be able to read your files: give it copies of its own.
copies=$(sudo -u dd-agent mktemp -d)
trap 'sudo -u dd-agent rm -r "$copies"' EXIT
copy=$copies/$(basename "$wheel")
sudo -u dd-agent tee "$copy" <"$wheel" >/dev/null

# The Agent ignores a wheel of the version that it already has.
sudo -u dd-agent datadog-agent integration remove datadog-awesome || true
sudo -u dd-agent datadog-agent integration install -r -w "$copy"

if [ -n "$conf" ]; then
  sudo -u dd-agent tee "$copies/conf.yaml" <"$conf" >/dev/null
  sudo -u dd-agent /opt/datadog-agent/embedded/bin/python3 -m datadog_checks.awesome \
    --config "$copies/conf.yaml" --check-config
  sudo -u dd-agent install -m 640 "$copies/conf.yaml" "$installed"
elif ! sudo -u dd-agent test -e "$installed"; then
  echo "The check is installed. Next, write $installed, then run: sudo systemctl restart datadog-agent"
  exit
fi
sudo systemctl restart datadog-agent
sudo -u dd-agent datadog-agent check awesome
