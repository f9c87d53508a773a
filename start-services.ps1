# Starts the shop as four processes that share one database server, and stops them together: Ctrl-C.
#
#   API_GATEWAY_PORT AUTH_SERVICE_PORT USER_SERVICE_PORT ORDERS_SERVICE_PORT   other ports than 8000 to 8003
#
# Every other variable is handed on to the units; .env.example lists them.
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

$node = Join-Path $PSScriptRoot 'node_modules\node\bin\node.exe'
$main = 'server/src/main.ts'
$secondsToStart = 60

function Get-Setting($name, $default) {
  $value = [Environment]::GetEnvironmentVariable($name)
  if ([string]::IsNullOrWhiteSpace($value)) { $default } else { $value }
}

function Test-Setting($name) {
  if (Get-Setting $name $null) { return $true }
  return (Test-Path .env) -and [bool](Select-String -Path .env -Pattern "^\s*(export\s+)?$name\s*=\s*\S" -Quiet)
}

$units = @(
  @{ Name = 'auth-service'; Port = (Get-Setting 'AUTH_SERVICE_PORT' '8001'); Health = '/auth/health' }
  @{ Name = 'user-service'; Port = (Get-Setting 'USER_SERVICE_PORT' '8002'); Health = '/health' }
  @{ Name = 'orders-service'; Port = (Get-Setting 'ORDERS_SERVICE_PORT' '8003'); Health = '/health' }
  @{ Name = 'api-gateway'; Port = (Get-Setting 'API_GATEWAY_PORT' '8000'); Health = '/health' }
)
$running = @()
$database = $null

# Node itself is started, not npm, so that a process that is stopped here is the one that serves.
function Start-Guichet($arguments, $output) {
  Start-Process -FilePath $node -ArgumentList (@($main) + $arguments) -NoNewWindow -PassThru -RedirectStandardOutput $output
}

function Assert-Alive {
  foreach ($one in $running) {
    if ($one.Process.HasExited) { throw "$($one.Name) ended with exit code $($one.Process.ExitCode); the others are stopped." }
  }
  if ($database -and $database.HasExited) { throw "The database ended with exit code $($database.ExitCode)." }
}

function Test-Health($url) {
  try { (Invoke-WebRequest -Uri $url -UseBasicParsing -TimeoutSec 3).StatusCode -eq 200 } catch { $false }
}

$folder = New-Item -ItemType Directory -Path (Join-Path ([IO.Path]::GetTempPath()) "guichet-$([Guid]::NewGuid())")
try {
  if (-not (Test-Path $node)) {
    npm ci --no-audit --no-fund
    if ($LASTEXITCODE -ne 0) { throw 'The dependencies could not be installed.' }
  }
  if ($env:NODE_ENV -ne 'production' -and -not (Test-Setting 'GUICHET_DEV')) { $env:GUICHET_DEV = 'true' }

  $named = @('IDENTITY_DATABASE_URL', 'PROFILES_DATABASE_URL', 'ORDERS_DATABASE_URL') | Where-Object { Test-Setting $_ }
  if (-not $named) {
    $announced = Join-Path $folder 'database'
    $database = Start-Guichet @('database') $announced
    $deadline = (Get-Date).AddSeconds($secondsToStart)
    do {
      Start-Sleep -Milliseconds 200
      Assert-Alive
      if ((Get-Date) -gt $deadline) { throw "The database was not ready within $secondsToStart seconds." }
      $lines = @(Get-Content $announced -ErrorAction SilentlyContinue | Where-Object { $_ -match '^\w+_DATABASE_URL=' })
    } until ($lines.Count -eq 3)
    foreach ($line in $lines) {
      $name, $value = $line -split '=', 2
      Set-Item "env:$name" $value
    }
  }

  $env:AUTH_SERVICE_URL = Get-Setting 'AUTH_SERVICE_URL' "http://localhost:$($units[0].Port)"
  $env:USER_SERVICE_URL = Get-Setting 'USER_SERVICE_URL' "http://localhost:$($units[1].Port)"
  $env:ORDERS_SERVICE_URL = Get-Setting 'ORDERS_SERVICE_URL' "http://localhost:$($units[2].Port)"
  foreach ($unit in $units) {
    $env:PORT = $unit.Port
    $process = Start-Guichet @('start', "shop/$($unit.Name)") (Join-Path $folder $unit.Name)
    $running += @{ Name = $unit.Name; Process = $process }
  }

  $deadline = (Get-Date).AddSeconds($secondsToStart)
  foreach ($unit in $units) {
    while (-not (Test-Health "http://localhost:$($unit.Port)$($unit.Health)")) {
      Assert-Alive
      if ((Get-Date) -gt $deadline) { throw "$($unit.Name) was not healthy within $secondsToStart seconds." }
      Start-Sleep -Milliseconds 200
    }
  }
  Assert-Alive

  Write-Host 'The shop is ready:'
  foreach ($unit in $units) { Write-Host ("  {0,-16} http://localhost:{1}" -f $unit.Name, $unit.Port) }
  if ($env:GUICHET_DEV -eq 'true') { Write-Host '  demo sign-in     admin / admin' }
  Write-Host 'Ctrl-C stops all of it.'
  while ($true) {
    Assert-Alive
    Start-Sleep -Milliseconds 500
  }
}
catch {
  [Console]::Error.WriteLine($_.Exception.Message)
  foreach ($process in @($running | ForEach-Object { $_.Process }) + @($database)) {
    if ($process -and -not $process.HasExited) { taskkill /PID $process.Id /T /F | Out-Null }
  }
  exit 1
}
finally {
  # Windows has no SIGTERM: Ctrl-C has reached every process of this console already. They are given ten seconds to finish.
  foreach ($one in $running) { if (-not $one.Process.WaitForExit(10000)) { $one.Process.Kill() } }
  if ($database -and -not $database.WaitForExit(10000)) { $database.Kill() }
  Remove-Item -Recurse -Force $folder -ErrorAction SilentlyContinue
}
