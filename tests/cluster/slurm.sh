#!/usr/bin/env bash
# Runs the plan in DIR on two Slurm nodes of this machine, and takes one of them away.
# Ends with 75 where Slurm cannot be installed.
set -euo pipefail
dir=$1
stormglass=$STORMGLASS
count=12
if ! command -v slurmctld slurmd sbatch munged > /dev/null; then
    [ "$(id -u)" = 0 ] || exit 75
    (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends slurmctld slurmd slurm-client munge) > "$dir/apt.log" 2>&1 || exit 75
fi

box=$dir/box
install -d -m 0755 "$box" "$box/state" "$box/spool" "$box/log" "$box/run"
install -d -m 0700 "$box/munge"
export SLURM_CONF=$box/slurm.conf
stop() {
    scancel --user="$(id -un)" 2> /dev/null || true
    sleep 1
    kill $(cat "$box"/run/*.pid 2> /dev/null) 2> /dev/null || true
    sleep 1
    kill -9 $(cat "$box"/run/*.pid 2> /dev/null) 2> /dev/null || true
}
trap stop EXIT

head -c 128 /dev/urandom > "$box/munge/munge.key"
chmod 400 "$box/munge/munge.key"
munged --force --key-file="$box/munge/munge.key" --socket="$box/run/munge.socket" \
    --pid-file="$box/run/munged.pid" --log-file="$box/munge/munged.log" \
    --seed-file="$box/munge/seed" --num-threads=1
host=$(hostname -s)
cat > "$SLURM_CONF" <<CONF
ClusterName=box
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$box/run/munge.socket
CredType=cred/munge
SlurmctldPort=16817
SlurmctldPidFile=$box/run/slurmctld.pid
SlurmdPidFile=$box/run/slurmd.%n.pid
SlurmdSpoolDir=$box/spool/%n
StateSaveLocation=$box/state
SlurmctldLogFile=$box/log/slurmctld.log
SlurmdLogFile=$box/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait=5
MinJobAge=300
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld
slurmd -N n1
slurmd -N n2
for _ in $(seq 60); do
    [ "$(sinfo -h -N -t idle | wc -l)" = 2 ] && break
    sleep 0.5
done
sinfo -N

cd "$dir"
"$stormglass" sweep --run-plan plan.json --emit slurm --shards $count > sweep.sh
# The template says where the merged directory goes; the comparison looks for it here.
sed -i "s|^merged=.*|merged=$dir/merged|" sweep.sh
ids=$(STORMGLASS=$stormglass bash sweep.sh)
echo "$ids"
array=$(echo "$ids" | sed 's/array \([0-9]*\),.*/\1/')

# In the middle: two parts are done, and node n2 has work.
lost=
job=
work=
for _ in $(seq 240); do
    done_count=$(ls shards 2> /dev/null | grep -c '^shard-' || true)
    read -r lost job < <(squeue -h -t R -w n2 -o '%K %A' | head -1) || true
    # The processes of the part, unless it has just ended.
    work=$(scontrol listpids "$job" n2 2> /dev/null | awk '1 < NR && 0 < $1 { print $1 }') || true
    [ "$done_count" -ge 2 ] && [ -n "$lost" ] && [ -n "$work" ] && break
    sleep 0.25
done
[ -n "$work" ] || { echo "node n2 never had work"; exit 1; }
echo "node n2 is lost with part $lost, after $done_count parts"
# And the one that watches over them.
watcher=
for parent in $(for process in $work; do ps -o ppid= -p "$process"; done | sort -u); do
    [ "$(ps -o comm= -p "$parent")" = slurmstepd ] && watcher="$watcher $parent"
done
kill -9 "$(cat "$box/run/slurmd.n2.pid")" $watcher $work
rm "$box/run/slurmd.n2.pid"
scontrol update nodename=n2 state=down reason=lost
[ ! -e "shards/shard-$lost-of-$count.jsonl" ] || { echo "part $lost was done already"; exit 1; }

# Slurm holds back what it starts again for two minutes; here nobody needs to wait for that.
for _ in $(seq 480); do
    [ -e merged/manifest.json ] && break
    for task in $(squeue -h -t PD -o '%i %r' | awk '$2 == "BeginTime" { print $1 }'); do
        scontrol update jobid="$task" starttime=now || true
    done
    sleep 0.5
done
[ -e merged/manifest.json ] || { squeue; tail "$box"/log/*.log slurm-*.out; exit 1; }
restarts=$(scontrol show job "${array}_$lost" | grep -o 'Restarts=[0-9]*')
[ "$restarts" = Restarts=1 ] || { echo "part $lost: $restarts"; exit 1; }
echo "part $lost was run again on node n1"
