// How the deployment does: partitions and their owners, what becomes of records, and what this process counted of faults.
import { h, keyed, put, section, table } from "./dom.js";
import { count, known, moment, plural, rate, span } from "./format.js";
import { fact } from "./crossing.js";
import { page, twin } from "./json.js";
import { scrape } from "./metrics.js";

export function health(main, { live, title }) {
  title("Health");
  const json = twin();
  json.href("status");
  const group = h("dl.facts");
  const rates = h("dl.tiles");
  const body = h("tbody");
  const own = h("dl.tiles");
  put(main,
    page("Health of the group", json, group),
    section("Records a second, of the whole group", rates),
    section("Partitions",
      table("Table of partitions", ["Topic", "Partition", "Owner", "Counted up to", "End", "Behind", "Oldest uncounted"], body, numeric)),
    section("Since this process started", own));
  const show = keyed(body, (p) => `${p.topic}/${p.partition}`, partition);
  let last = "";
  live.on("status", (s) => {
    show(s.partitions);
    put(rates, showRates(s.rates));
    const text = JSON.stringify([s.rules, s.version, s.outbox, owners(s)]);
    if (text !== last) put(group, facts(s));
    last = text;
  });
  live.every(10_000, async () => put(own, faults(await scrape())));
}

function facts(s) {
  return [
    fact("Group", s.group),
    fact("Who counts", owners(s).map(([name, n]) => h("div", name ?? nobody(), ": ", plural(n, "partition")))),
    fact("Outbox", s.outbox.entries === 0 ? "empty: every crossing is published" : `${plural(s.outbox.entries, "crossing")} to publish, the oldest since ${span(s.outbox.oldest_seconds)}`),
    fact("Rules", `${count(s.rules.rules)} in force`, h("small", "since ", moment(s.rules.loaded)), s.rules.error && h("strong.warn", "▲ not in force as they are written now:"), s.rules.error && s.rules.error.trim().split("\n").map((line) => h("div", line))),
    s.rules.unannounced && Object.keys(s.rules.unannounced).length > 0 && fact("Due", h("strong.warn", "▲ subjects at a level that a change of the rules brought"), h("small", "announced with their next event"), Object.entries(s.rules.unannounced).map(([rule, n]) => h("div", rule, ": ", count(n)))),
    fact("Packs", s.rules.packs.map((p) => h("div", p.pack, " ", h("span.hash", { title: p.hash }, p.hash.slice(0, 12))))),
    fact("This process", s.version, h("small", s.revision, ", started ", moment(s.started))),
  ];
}

const nobody = () => h("strong.warn", "▲ nobody");

// owners is who has how many partitions.
function owners(s) {
  const all = new Map();
  for (const p of s.partitions) all.set(p.owner, (all.get(p.owner) ?? 0) + 1);
  return [...all];
}

const words = [
  ["events", "Events", "read"], ["duplicate", "Duplicates", "not counted again"], ["late", "Late", "too old for their windows"],
  ["unmatched", "Unmatched", "no rule counts them"], ["malformed", "Malformed", "dead letters"], ["ahead", "Ahead", "dead letters: a clock is wrong"],
];

const tile = (label, value, note, alarm) => h("div", { class: alarm ? "tile alarm" : "tile" }, h("dt", label), h("dd", alarm && h("span", { "aria-hidden": "true" }, "▲ "), value, h("small", note)));

function showRates(rates) {
  return words.map(([field, label, note]) => tile(label, rates === null ? "unknown" : rate(rates[field]), note, (field === "malformed" || field === "ahead") && rates?.[field] > 0));
}

const numeric = (column) => column === 1 || column > 2;

function partition(first) {
  const cells = Array.from({ length: 7 }, (_, i) => h((i < 2 ? "th" : "td") + (numeric(i) ? ".number" : ""), { scope: i < 2 ? "row" : null }));
  put(cells[0], first.topic);
  put(cells[1], String(first.partition));
  return {
    node: h("tr", cells),
    update(p) {
      put(cells[2], p.owner ?? nobody());
      put(cells[3], known(p.offset));
      put(cells[4], count(p.end));
      put(cells[5], known(p.lag_records));
      put(cells[6], known(p.lag_seconds, (n) => (n > 0 ? span(n) : "none")));
    },
  };
}

// faults are counted by each process for itself; the metrics of all are in Prometheus.
function faults(metrics) {
  const total = (name) => metrics.all(name).reduce((n, m) => n + m.value, 0);
  const ended = (result) => metrics.all("aggregator_events_total").reduce((n, m) => n + (m.labels.result === result ? m.value : 0), 0);
  const letters = metrics.all("aggregator_dead_letters_total").filter((m) => m.value > 0);
  return [
    tile("Dead letters", count(total("aggregator_dead_letters_total")), letters.length ? `${letters.map((m) => `${m.labels.reason} ${count(m.value)}`).join(", ")}: see aggregator dlq` : "every record could be read", letters.length > 0),
    tile("Duplicates", count(ended("duplicate")), "events that came before"),
    tile("Unmatched", count(ended("unmatched")), "events that no rule counts"),
    tile("Late", count(total("aggregator_late_total")), "an event for a subject, too old for all its windows"),
    tile("Capped", count(total("aggregator_capped_total")), "an event on a full counter: the value is at least so large"),
  ];
}
