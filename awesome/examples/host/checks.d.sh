#!/bin/sh
# Installs or upgrades the check outside of the Agent's own Python, where upgrades of the Agent leave it alone:
#   checks.d.sh WHEEL
# Run it as a user with sudo, on Linux with a Datadog Agent 7.78 or newer. README.md says what this costs.
set -eu
wheel=$1
agent=/etc/datadog-agent

copies=$(sudo -u dd-agent mktemp -d)
trap 'sudo -u dd-agent rm -r "$copies"' EXIT
copy=$copies/$(basename "$wheel")
sudo -u dd-agent tee "$copy" <"$wheel" >/dev/null

# Of two installed checks, it would be left to the Agent which one runs.
sudo -u dd-agent datadog-agent integration remove datadog-awesome || true
sudo -u dd-agent /opt/datadog-agent/embedded/bin/pip3 install --no-index --no-deps --upgrade \
  --target "$agent/checks.d" "$copy"
sudo -u dd-agent mkdir -p "$agent/conf.d/awesome.d"
sudo -u dd-agent cp "$agent/checks.d/datadog_checks/awesome/data/conf.yaml.example" "$agent/conf.d/awesome.d"

if ! sudo -u dd-agent test -e "$agent/conf.d/awesome.d/conf.yaml"; then
  echo "The check is installed. Next, write $agent/conf.d/awesome.d/conf.yaml, then run: sudo systemctl restart datadog-agent"
  exit
fi
sudo systemctl restart datadog-agent
sudo -u dd-agent datadog-agent check awesome
