# A crossing becomes the body of an incoming webhook of Slack. In text, & < and > are written as entities.
# usage: jq -f slack.jq
def safe: gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;");
{critical: ":red_circle:", warning: ":large_orange_circle:", info: ":white_check_mark:"}[.severity] as $sign
| {
    text: "\($sign) \(.summary | safe)",
    blocks: [
      {type: "section", text: {type: "mrkdwn", text: "\($sign) *\(if .title == "" then .rule else .title end | safe)*\n\(.summary | safe)"}},
      {type: "context", elements: [{type: "mrkdwn", text: "\([.cite, .notice] | map(select(. != "") | safe) | join(" · "))"}]}
    ]
  }
