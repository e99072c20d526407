# A crossing becomes a request to Opsgenie: path is for https://api.opsgenie.com, with POST.
# usage: jq -f opsgenie.jq
if .status == "cleared"
then {
  path: "/v2/alerts/\(.dedup_key | @uri)/close?identifierType=alias",
  body: {source: "aggregator", note: .summary}
}
else {
  path: "/v2/alerts",
  body: {
    message: .summary[0:130], alias: .dedup_key, description: "\(.title)\n\(.cite)\n\(.notice)",
    priority: (if .severity == "critical" then "P2" else "P4" end),
    source: "aggregator", entity: "\(.by)/\(.subject)", tags: [.rule[0:50], .pack[0:50]],
    details: {rule, level: (.level | tostring), episode: (.episode | tostring), time}
  }
} end
