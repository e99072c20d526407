// The strip of vital signs: is it ready, does it keep up, do crossings get out, does the whole way work?
import { ask, query } from "./api.js";
import { h, put, say } from "./dom.js";
import { count, plural, rate, span } from "./format.js";
import { scrape } from "./metrics.js";

const slow = 15; // s of lag that are noticed; the alerts of deploy/monitoring begin at 60
const bad = 60;

// vitals fills the strip, and keeps it fresh.
export function vitals(node, live, now) {
  const lights = {
    ready: light("Ready"),
    lag: light("Oldest uncounted event"),
    outbox: light("Oldest unsent crossing"),
    rules: light("Rules"),
    canary: light("Canary"),
    rate: light("Events a second"),
    day: light("Crossings"),
    stream: light("Stream time"),
  };
  put(node, h("dl", Object.values(lights).map((l) => l.node)));
  live.on("status", (s) => showStatus(lights, s));
  const again = [
    live.every(5000, async () => lights.ready.set(...(await readiness(live)))),
    live.every(30_000, async () => lights.canary.set(...canary(await scrape(), now() / 1000))),
  ];
  live.on("stale", (asOf) => (asOf ? Object.values(lights).forEach((l) => l.set("old", null, asOf)) : again.forEach((f) => f())));
}

const signs = { ok: "✓", slow: "▲", bad: "✕", off: "–", old: "?", plain: "" };

// light is a vital sign: a shape and a word, and a colour beside them. A text that is null stays.
function light(label) {
  const sign = h("span.sign", { "aria-hidden": "true" });
  const value = h("span", "…");
  const word = h("small");
  const node = h(".vital", h("dt", label), h("dd", sign, value, word));
  return {
    node,
    set(state, text, note = "") {
      node.dataset.state = state;
      say(sign, signs[state]);
      if (text !== null) say(value, text);
      say(word, note);
    },
  };
}

// inForce says whether the rules are in force as they are written, and whether what they ask for was announced.
function inForce({ error, unannounced, rules: n }) {
  if (error) return ["bad", "not taken", "those of before decide: see Health"];
  const due = Object.values(unannounced ?? {}).reduce((a, b) => a + b, 0);
  if (due > 0) return ["slow", `${count(due)} due`, "a level that new limits brought: see Health"];
  return ["ok", count(n), "in force"];
}

function showStatus(lights, s) {
  const lags = s.partitions.map((p) => p.lag_seconds).filter((x) => x !== null);
  const unknown = s.partitions.length - lags.length;
  const lag = Math.max(0, ...lags);
  if (unknown > 0) lights.lag.set("slow", "unknown", `${unknown} of ${s.partitions.length} partitions`);
  else if (lag > 0) lights.lag.set(grade(lag), span(lag), plural(sum(s.partitions, "lag_records"), "record"));
  else lights.lag.set("ok", "none", "keeps up");
  const out = s.outbox;
  lights.outbox.set(grade(out.oldest_seconds), out.entries > 0 ? span(out.oldest_seconds) : "none", out.entries > 0 ? `${count(out.entries)} to publish` : "all sent");
  lights.rules.set(...inForce(s.rules));
  lights.rate.set("plain", s.rates ? rate(s.rates.events) : "unknown");
  const { last_hour: hour, last_day: day } = s.crossings;
  const known = (n) => (n === null ? "?" : count(n));
  lights.day.set("plain", `${known(hour)} last hour`, `${known(day)} last day`);
  lights.stream.set("plain", s.stream_time ? s.stream_time.replace("T", " ").replace(/(\.\d+)?Z$/, "") : "not known yet");
}

const sum = (list, field) => list.reduce((n, x) => n + (x[field] ?? 0), 0);
const grade = (seconds) => (seconds > bad ? "bad" : seconds > slow ? "slow" : "ok");

// readiness asks the probe, which wants no token. What is not ready answers 503, with a line for each check.
async function readiness(live) {
  try {
    await ask(query("readyz"));
    live.missing([]);
    return ["ok", "yes"];
  } catch (error) {
    if (error.status !== 503) throw error;
    const checks = [...error.message.matchAll(/^not ready: ((\w+): .*)/gm)];
    live.missing(checks.map((m) => m[1]));
    return ["bad", "no", checks.map((m) => m[2]).join(", ")];
  }
}

// canary is how long ago the last one came back to this process.
function canary(metrics, now) {
  const last = metrics.all("aggregator_canary_last_timestamp_seconds").map((m) => m.value);
  if (last.length === 0) return ["off", "off", "canary.every is 0s"];
  const age = Math.max(0, Math.round(now - Math.min(...last)));
  return age > 180 ? ["bad", `${span(age)} ago`] : ["ok", `${span(age)} ago`, "the whole way works"];
}
