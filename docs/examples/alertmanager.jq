# The crossings of a topic, one a line, become the body of POST /api/v2/alerts.
# usage: jq -s --arg until 2026-11-23T10:00:03Z -f alertmanager.jq     until when alerts fire that nothing cleared
group_by(.dedup_key) | map(
  (map(select(.status == "cleared"))[0].time // $until) as $over
  | map(select(.status == "crossed")) | unique_by(.id)[]
  | {
      labels: {
        alertname: "ThresholdCrossed", rule, pack, by, subject, level: (.level | tostring), severity
      },
      annotations: {summary, title, cite, notice},
      startsAt: .time,
      endsAt: $over
    }
)
