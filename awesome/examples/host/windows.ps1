# Installs or upgrades the check: windows.ps1 WHEEL [CONF.YAML]
# Run it as Administrator, on a host with a Datadog Agent 7.78 or newer.
param([Parameter(Mandatory)][string]$Wheel, [string]$Conf)

if (-not (Test-Path $Wheel)) { throw "$Wheel does not exist." }
$agent = "$env:ProgramFiles\Datadog\Datadog Agent\bin\agent.exe"
$python = "$env:ProgramFiles\Datadog\Datadog Agent\embedded3\python.exe"
$installed = "$env:ProgramData\Datadog\conf.d\awesome.d\conf.yaml"

# The Agent ignores a wheel of the version that it already has.
& $agent integration remove datadog-awesome
& $agent integration install -r -w $Wheel
if ($LASTEXITCODE) { throw "The Agent did not install $Wheel." }

if ($Conf) {
    & $python -m datadog_checks.awesome --config $Conf --check-config
    if ($LASTEXITCODE) { throw "$Conf is not valid." }
    Copy-Item $Conf $installed
} elseif (-not (Test-Path $installed)) {
    Write-Output "The check is installed. Next, write $installed, then run: & '$agent' restart-service"
    exit
}
& $agent restart-service
& $agent check awesome
