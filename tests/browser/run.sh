#!/usr/bin/env bash
# Looks at reports in headless Chromium: run.sh OUTPUT_DIR REPORT.html...
# Screenshots and printed pages stay in OUTPUT_DIR. Chromium comes from Debian, the rest from npm.
set -euo pipefail
output=$1
shift
reports=()
for report in "$@"; do reports+=("$(realpath "$report")"); done
mkdir -p "$output"
output=$(realpath "$output")
cd "$(dirname "$0")"

chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then
    apt-get update -q > /dev/null
    apt-get install -y -q --no-install-recommends chromium > /dev/null
    chromium=$(command -v chromium)
fi
[ -d node_modules/playwright-core ] && [ -d node_modules/axe-core ] ||
    npm ci --no-audit --no-fund --silent

# One browser for each report, two at a time.
printf '%s\n' "${reports[@]}" |
    xargs -P 2 -I REPORT timeout 240 node check.mjs "$chromium" "$output" REPORT
