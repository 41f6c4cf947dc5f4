#!/bin/sh
# The audit by papermill alone: audit.json, the tables and the manifest, the same bytes as by
# `journeylib audit`, but no dashboard, no mail, and exit status 0 even if a gate failed.
# -p takes words; what is a list or a date goes in by -y, as YAML.
set -eu
papermill notebooks/audit.ipynb executed.ipynb \
  -p config sample_data/telecom/audit.yaml \
  -p out audits \
  -y '{as_of: 2026-07-06, overrides: [title=Weekly, measures.repeat_days=14]}'
