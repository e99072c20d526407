# A crossing becomes an event of PagerDuty's Events API v2: POST https://events.pagerduty.com/v2/enqueue
# usage: jq --arg key ROUTING_KEY -f pagerduty.jq
if (.dedup_key | utf8bytelength) > 255 then error("PagerDuty would cut this key: \(.dedup_key)") else . end
| {routing_key: $key, dedup_key}
  + if .status == "cleared" then {event_action: "resolve"}
    else {
      event_action: "trigger",
      payload: {
        summary: .summary[0:1024], source: "\(.by)/\(.subject)", severity, timestamp: .time,
        component: .rule, group: .pack, class: "threshold crossed", custom_details: {measures, window, evidence, notice}
      }
    } end
