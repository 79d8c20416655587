#!/bin/sh
# Installs or upgrades the check: macos.sh WHEEL [CONF.YAML]
# Run it as a user with sudo, on a Mac with a Datadog Agent 7.79 or newer, which runs system-wide as _dd-agent.
set -eu
wheel=$1
conf=${2-}
installed=/opt/datadog-agent/etc/conf.d/awesome.d/conf.yaml
test -r "$wheel"

# The Agent ignores a wheel of the version that it already has.
sudo datadog-agent integration remove datadog-awesome || true
sudo datadog-agent integration install -r -w "$wheel"

if [ -n "$conf" ]; then
  sudo /opt/datadog-agent/embedded/bin/python3 -m datadog_checks.awesome --config "$conf" --check-config
  sudo install -o _dd-agent -m 640 "$conf" "$installed"
elif ! sudo test -e "$installed"; then
  echo "The check is installed. Next, write $installed, then run: sudo launchctl kickstart -k system/com.datadoghq.agent"
  exit
fi
sudo launchctl kickstart -k system/com.datadoghq.agent
sudo -u _dd-agent datadog-agent check awesome
