// The strip of vital signs: is it ready, does it keep up, do crossings get out, does the whole way work?
import { ask, query } from "./api.js";
import { h, put, say } from "./dom.js";
import { compact, count, rate, span } from "./format.js";
import { scrape } from "./metrics.js";

const slow = 15; // s of lag that are noticed; the alerts of deploy/monitoring begin at 60
const bad = 60;

// vitals fills the strip, and keeps it fresh.
export function vitals(node, live) {
  const lights = {
    ready: light("Ready"),
    lag: light("Oldest uncounted event"),
    outbox: light("Oldest unsent crossing"),
    canary: light("Canary"),
    rate: plain("Events a second"),
    day: plain("Crossings"),
    stream: plain("Stream time"),
  };
  put(node, h("dl", Object.values(lights).map((l) => l.node)));
  live.on("status", (s) => showStatus(lights, s));
  live.every(5000, async () => lights.ready.set(...(await readiness())));
  live.every(30_000, async () => lights.canary.set(...canary(await scrape())));
}

// light is a sign with a state: a word and a shape, and a colour beside them.
function light(label) {
  const sign = h("span.sign", { "aria-hidden": "true" }, "·");
  const value = h("span", "…");
  const word = h("small");
  const node = h(".vital", h("dt", label), h("dd", sign, value, word));
  return {
    node,
    set(state, text, note = "") {
      node.dataset.state = state;
      say(sign, { ok: "✓", slow: "▲", bad: "✕", off: "–" }[state]);
      say(value, text);
      say(word, note);
    },
  };
}

function plain(label) {
  const value = h("dd", "…");
  return { node: h(".vital", h("dt", label), value), set: (...children) => put(value, ...children) };
}

function showStatus(lights, s) {
  const lags = s.partitions.map((p) => p.lag_seconds).filter((x) => x !== null);
  const unknown = s.partitions.length - lags.length;
  const lag = Math.max(0, ...lags);
  if (unknown > 0) lights.lag.set("slow", "unknown", `${unknown} of ${s.partitions.length} partitions`);
  else lights.lag.set(grade(lag), lag > 0 ? span(lag) : "none", lag > 0 ? `${compact(sum(s.partitions, "lag_records"))} records` : "keeps up");
  const out = s.outbox;
  lights.outbox.set(grade(out.oldest_seconds), out.entries > 0 ? span(out.oldest_seconds) : "none", out.entries > 0 ? `${count(out.entries)} wait` : "all sent");
  lights.rate.set(s.rates ? rate(s.rates.events) : "unknown");
  const { last_hour: hour, last_day: day } = s.crossings;
  const known = (n) => (n === null ? "?" : count(n));
  lights.day.set(`${known(hour)} last hour`, h("small", `${known(day)} last day`));
  lights.stream.set(s.stream_time ? h("time", { datetime: s.stream_time }, s.stream_time.replace("T", " ").replace(/(\.\d+)?Z$/, "")) : "unknown");
}

const sum = (list, field) => list.reduce((n, x) => n + (x[field] ?? 0), 0);
const grade = (seconds) => (seconds > bad ? "bad" : seconds > slow ? "slow" : "ok");

// readiness asks the probe, which wants no token. What is not ready answers 503, with why.
async function readiness() {
  try {
    await ask(query("readyz"));
    return ["ok", "yes"];
  } catch (error) {
    if (error.status !== 503) throw error;
    return ["bad", "no", error.message.split("\n")[0]];
  }
}

// canary is how long ago the last one came back to this process.
function canary(metrics) {
  const last = metrics.all("aggregator_canary_last_timestamp_seconds").map((m) => m.value);
  if (last.length === 0) return ["off", "off", "canary.every is 0s"];
  const age = Date.now() / 1000 - Math.min(...last);
  return [age > 180 ? "bad" : "ok", `${span(Math.max(0, Math.round(age)))} ago`, "the whole way works"];
}
