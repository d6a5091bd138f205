#!/usr/bin/env bash
# Checks the manifest for the plan in DIR against the published schema of Kubernetes, strictly.
# It is not run: that takes a cluster. Ends with 75 where the schemas cannot be installed.
set -euo pipefail
dir=$1
cd "$dir"
if ! { python3 -m venv venv && venv/bin/pip install kubernetes-validate; } > pip.log 2>&1; then
    exit 75
fi
"$STORMGLASS" sweep --run-plan plan.json --emit kubernetes --shards 12 > job.yaml
venv/bin/python - <<'PYTHON'
import kubernetes_validate
import yaml

with open("job.yaml") as file:
    job = yaml.safe_load(file)
latest = kubernetes_validate.latest_version()
for version in ["1.33", latest]:
    kubernetes_validate.validate(job, version, strict=True)
    print(f"the manifest fits the schema of Kubernetes {version}")
job["spec"]["completionsMode"] = "Indexed"
try:
    kubernetes_validate.validate(job, latest, strict=True)
except kubernetes_validate.ValidationError:
    pass
else:
    raise SystemExit("the check lets unknown keys pass")
PYTHON
