#!/bin/sh
# Upgrades the Agent and keeps the check: upgrade-agent-macos.sh WHEEL PACKAGE
# Run it as a user with sudo. PACKAGE is the .pkg in Datadog's disk image; an older one rolls back.
set -eu
here=$(dirname "$0")
wheel=$1
package=$2
test -r "$wheel"

sudo datadog-agent integration remove datadog-awesome || true
failed=0
sudo installer -pkg "$package" -target / || failed=$?

# Also when the upgrade failed: the Agent that is there goes on watching the pages.
sh "$here/macos.sh" "$wheel"
exit "$failed"
