#!/bin/bash
# Runs plan @HASH@ of @NAME@ (@RUNS@) in @COUNT@ parts as a Slurm job array, and merges them.
#
#   bash THIS_FILE                    submits the array, and the merge that waits for it
#   sbatch --array=3,17 THIS_FILE     runs lost parts again; then merge by hand:
#   @MERGE@
#
# All nodes need to see the plan and the shards under these paths, and the same stormglass. A part
# that Slurm runs twice does no harm: both write the same bytes, under a temporary name first.
# Give each part at least ten seconds of work: starting one takes up to a second. An array has at
# most 1001 parts unless the cluster allows more (MaxArraySize).
#SBATCH --job-name=@JOB@
#SBATCH --array=0-@LAST@
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-@JOB@-%A_%a.out
set -euo pipefail
stormglass=${STORMGLASS:-stormglass}
plan=@PLAN@
shards=@SHARDS@
merged=@MERGED@

if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    exec "$stormglass" sweep --run-plan "$plan" --shard-from-env --shards @COUNT@ \
        --jobs "${SLURM_CPUS_PER_TASK:-1}" --out "$shards" --quiet
fi
array=$(sbatch --parsable "$0")
array=${array%%;*}
merge=$(sbatch --parsable --dependency="afterok:$array" \
    --kill-on-invalid-dep=yes --job-name=@JOB@-merge --output=slurm-@JOB@-merge-%j.out \
    --wrap="$(printf '%q merge %q %q --out %q' "$stormglass" "$plan" "$shards" "$merged")")
echo "array $array, merge ${merge%%;*}"
