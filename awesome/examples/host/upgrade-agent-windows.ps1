# Upgrades the Agent and keeps the check: upgrade-agent-windows.ps1 WHEEL MSI
# Run it as Administrator. MSI is Datadog's installer; to roll back, remove the newer Agent first.
param([Parameter(Mandatory)][string]$Wheel, [Parameter(Mandatory)][string]$Msi)

if (-not (Test-Path $Wheel)) { throw "$Wheel does not exist." }
$agent = "$env:ProgramFiles\Datadog\Datadog Agent\bin\agent.exe"

& $agent integration remove datadog-awesome
$upgrade = Start-Process msiexec -ArgumentList '/qn', '/i', "`"$Msi`"" -Wait -PassThru

# Also when the upgrade failed: the Agent that is there goes on watching the pages.
& "$PSScriptRoot\windows.ps1" $Wheel
exit $upgrade.ExitCode
