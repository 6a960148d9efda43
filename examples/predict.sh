#!/bin/sh
# The win probabilities of a race, by curl:  GREYHOUND_URL=http://localhost:8000 examples/predict.sh
set -eu

# --fail-with-body makes curl fail where the service refuses, and still shows why: a problem document in JSON.
# --retry waits for an overloaded service as long as it says (Retry-After).
curl --silent --show-error --fail-with-body --max-time 30 --retry 3 \
  "${GREYHOUND_URL:-http://localhost:8000}/predict" \
  --header 'Content-Type: application/json' \
  --data @- <<'CARD'
{
  "date": "2026-03-14", "track": "Sandown Park", "distance_m": 515,
  "runners": [
    {"name": "Sir Tick", "box": 1, "price": 2.4, "form": [
      {"date": "2026-03-07", "track": "Sandown Park", "distance_m": 515, "finish_position": 2, "time_s": 29.61}]},
    {"name": "Nala's Ghost", "box": 2, "price": 3.6},
    {"name": "Quiet Harbour", "box": 4, "price": 3.9}
  ]
}
CARD
