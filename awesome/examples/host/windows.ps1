# Installs or upgrades the check: windows.ps1 WHEEL. To be run as Administrator; needs a Datadog Agent 7.78 or newer.
param([Parameter(Mandatory)][string]$Wheel)

$agent = "$env:ProgramFiles\Datadog\Datadog Agent\bin\agent.exe"
$conf = "$env:ProgramData\Datadog\conf.d\awesome.d"

# A wheel of the version that is installed would be ignored.
& $agent integration remove datadog-awesome
& $agent integration install -r -w $Wheel

# The configuration stays where it was; there is none before the first time.
if (-not (Test-Path "$conf\conf.yaml")) { Copy-Item "$conf\conf.yaml.example" "$conf\conf.yaml" }
& $agent restart-service
& $agent check awesome
