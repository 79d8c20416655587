#!/bin/sh
# Installs or upgrades the check: linux.sh WHEEL. To be run by a user with sudo; needs a Datadog Agent 7.78 or newer.
set -eu
wheel=$(readlink -f "$1")

# The Agent runs as dd-agent, which has to be able to read the wheel, and owns what is installed.
install -m 644 "$wheel" /tmp
wheel=/tmp/$(basename "$wheel")

# A wheel of the version that is installed would be ignored.
sudo -u dd-agent datadog-agent integration remove datadog-awesome || true
sudo -u dd-agent datadog-agent integration install -r -w "$wheel"
rm "$wheel"

# The configuration stays where it was; there is none before the first time.
if [ ! -e /etc/datadog-agent/conf.d/awesome.d/conf.yaml ]; then
  sudo -u dd-agent cp /etc/datadog-agent/conf.d/awesome.d/conf.yaml.example \
    /etc/datadog-agent/conf.d/awesome.d/conf.yaml
fi
sudo systemctl restart datadog-agent
sudo -u dd-agent datadog-agent check awesome
