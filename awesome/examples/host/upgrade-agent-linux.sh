#!/bin/sh
# Upgrades the Agent and keeps the check: upgrade-agent-linux.sh WHEEL [VERSION]
# Run it as a user with sudo, on a system with apt or dnf. VERSION is the package's, such as 1:7.85.5-1; an older one
# rolls back.
set -eu
here=$(dirname "$0")
wheel=$1
version=${2-}
test -r "$wheel"

# With the check in place, the Agent's package looks for it in Datadog's repository and fails, as it is not there.
sudo -u dd-agent datadog-agent integration remove datadog-awesome || true

upgrade() {
  if command -v apt-get >/dev/null; then
    sudo apt-get update
    sudo apt-get install -y --allow-downgrades "datadog-agent${version:+=$version}"
  elif [ -n "$version" ]; then
    sudo dnf install -y "datadog-agent-$version"
  else
    sudo dnf upgrade -y datadog-agent
  fi
}
failed=0
upgrade || failed=$?

# Also when the upgrade failed: the Agent that is there goes on watching the pages.
sh "$here/linux.sh" "$wheel"
exit "$failed"
