#!/bin/sh
# Installs or upgrades the check: macos.sh WHEEL. To be run by the user who installed the Datadog Agent, 7.78 or newer.
set -eu

# A wheel of the version that is installed would be ignored.
datadog-agent integration remove datadog-awesome || true
datadog-agent integration install -r -w "$1"

# The configuration stays where it was; there is none before the first time.
if [ ! -e /opt/datadog-agent/etc/conf.d/awesome.d/conf.yaml ]; then
  cp /opt/datadog-agent/etc/conf.d/awesome.d/conf.yaml.example /opt/datadog-agent/etc/conf.d/awesome.d/conf.yaml
fi
launchctl stop com.datadoghq.agent
launchctl start com.datadoghq.agent
datadog-agent check awesome
