#!/usr/bin/env bash
# Sweeps on more than one machine, for real: Slurm with two nodes and Dask with two workers on
# loopback, one of which is lost in the middle. The merged bytes must be those of one process.
#
#   tests/cluster/run.sh STORMGLASS
#
# Installs Slurm from Debian and Dask from PyPI (into a folder of its own), so it needs root and a
# network; where packages cannot be had it says so and ends with 0. Takes about three minutes.
set -euo pipefail
stormglass=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cp "$here/../../scenarios/heartbeat-sweep.toml" "$scratch/"
cd "$scratch"
# As many replications as make each of twelve parts last some two seconds on one core.
begun=$(date +%s%N)
"$stormglass" sweep heartbeat-sweep.toml --repeat 4 --jobs 1 --out probe --quiet > /dev/null
took_ms=$((($(date +%s%N) - begun) / 1000000 + 1))
repeat=$((4 * 24000 / took_ms))
repeat=$((repeat < 5 ? 5 : repeat > 1000 ? 1000 : repeat))
echo "cluster: one process, $repeat replications of each point"
"$stormglass" sweep heartbeat-sweep.toml --repeat $repeat --out whole --quiet > /dev/null
"$stormglass" sweep heartbeat-sweep.toml --repeat $repeat --plan plan.json --quiet > /dev/null

for engine in slurm dask kubernetes; do
    echo "cluster: $engine"
    mkdir "$engine"
    cp plan.json "$engine/"
    status=0
    STORMGLASS=$stormglass bash "$here/$engine.sh" "$scratch/$engine" || status=$?
    case $status in
        0) ;;
        75) echo "cluster: NOT RUN: the packages for $engine cannot be installed here"; continue ;;
        *) echo "cluster: $engine failed"; exit 1 ;;
    esac
    if [ -d "$engine/merged" ]; then
        diff -r --exclude manifest.json whole "$engine/merged"
        echo "cluster: $engine gave the bytes of one process"
    fi
done
