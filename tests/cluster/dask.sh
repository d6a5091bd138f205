#!/usr/bin/env bash
# Runs the plan in DIR on two Dask workers, and kills one of them with its part.
# Ends with 75 where Dask cannot be installed.
set -euo pipefail
dir=$1
stormglass=$STORMGLASS
count=12
port=18786
cd "$dir"
if ! { python3 -m venv venv && venv/bin/pip install "dask[distributed]"; } > pip.log 2>&1; then
    exit 75
fi
started=()
# A worker that has lost its scheduler may hang when it is asked to end.
stop() {
    kill "${started[@]}" 2> /dev/null || true
    sleep 2
    kill -9 "${started[@]}" 2> /dev/null || true
}
trap stop EXIT
venv/bin/dask scheduler --host 127.0.0.1 --port $port --no-dashboard > scheduler.log 2>&1 &
started+=($!)
for name in w1 w2; do
    # Without a nanny: what is killed stays dead.
    venv/bin/dask worker "tcp://127.0.0.1:$port" --host 127.0.0.1 --nworkers 1 --nthreads 1 \
        --no-dashboard --no-nanny --name $name > $name.log 2>&1 &
    started+=($!)
done
second=${started[2]}

"$stormglass" sweep --run-plan plan.json --emit dask --shards $count > sweep.py
sed -i "s|^MERGED = .*|MERGED = \"$dir/merged\"|" sweep.py
STORMGLASS=$stormglass venv/bin/python sweep.py "tcp://127.0.0.1:$port" > driver.log 2>&1 &
driver=$!
started+=($driver)

# In the middle: two parts are done, and the second worker is at one.
part=
for _ in $(seq 480); do
    done_count=$(ls shards 2> /dev/null | grep -c '^shard-' || true)
    child=$(cat "/proc/$second/task/"*/children 2> /dev/null | awk '{ print $1; exit }')
    [ "$done_count" -ge 2 ] && [ -n "$child" ] && break
    sleep 0.25
done
[ -n "$child" ] || { echo "the second worker never had work"; tail driver.log w2.log; exit 1; }
part=$(tr '\0' '\n' < "/proc/$child/cmdline" | grep -A1 -x -- --shard | tail -1)
echo "worker w2 is killed with part $part, after $done_count parts"
kill -9 "$second" "$child"
if ! wait $driver; then
    tail driver.log
    exit 1
fi
grep -q "$count of $count parts done" driver.log
