// How the deployment does: partitions and their owners, what becomes of records, and what this process counted of faults.
import { h, keyed, put } from "./dom.js";
import { count, moment, rate, span } from "./format.js";
import { fact } from "./crossing.js";
import { twin } from "./json.js";
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
    h("section", { "aria-labelledby": "group" }, h(".head", h("h1", { id: "group" }, "Health of the group"), json.node), group),
    h("section", { "aria-labelledby": "rates" }, h("h2", { id: "rates" }, "Records a second, of the whole group"), rates),
    h("section", { "aria-labelledby": "partitions" }, h("h2", { id: "partitions" }, "Partitions"),
      h(".scroll", { role: "region", "aria-label": "Table of partitions", tabindex: "0" },
        h("table", h("thead", h("tr", ["Topic", "Partition", "Owner", "Counted up to", "End", "Behind", "Oldest uncounted"].map((t, i) => h(numeric(i) ? "th.number" : "th", { scope: "col" }, t)))), body))),
    h("section", { "aria-labelledby": "own" }, h("h2", { id: "own" }, "Since this process started"), own));
  const show = keyed(body, (p) => `${p.topic}/${p.partition}`, partition);
  let last = "";
  live.on("status", (s) => {
    show(s.partitions);
    put(rates, showRates(s.rates));
    const text = JSON.stringify([s.rules, s.version, s.stream_time, s.outbox]);
    if (text !== last) put(group, facts(s));
    last = text;
  });
  live.every(10_000, async () => put(own, faults(await scrape())));
}

function facts(s) {
  return [
    fact("Group", s.group),
    fact("Outbox", s.outbox.entries === 0 ? "empty: every crossing is published" : `${count(s.outbox.entries)} crossings wait, the oldest for ${span(s.outbox.oldest_seconds)}`),
    fact("Rules", `${count(s.rules.rules)} in force`, h("small", "since ", moment(s.rules.loaded)), s.rules.error && h("strong", s.rules.error)),
    fact("Packs", s.rules.packs.map((p) => h("div", p.pack, h("small.hash", p.hash)))),
    fact("This process", s.version, h("small", s.revision, ", started ", moment(s.started))),
  ];
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
      const unknown = h("span.muted", "unknown");
      put(cells[2], p.owner ?? h("strong.warn", "▲ nobody"));
      put(cells[3], p.offset === null ? unknown : count(p.offset));
      put(cells[4], count(p.end));
      put(cells[5], p.lag_records === null ? unknown.cloneNode(true) : count(p.lag_records));
      put(cells[6], p.lag_seconds === null ? unknown.cloneNode(true) : p.lag_seconds > 0 ? span(p.lag_seconds) : "none");
    },
  };
}

// faults are counted by each process for itself; the metrics of all are in Prometheus.
function faults(metrics) {
  const total = (name) => metrics.all(name).reduce((n, m) => n + m.value, 0);
  const letters = metrics.all("aggregator_dead_letters_total").filter((m) => m.value > 0);
  return [
    tile("Dead letters", count(total("aggregator_dead_letters_total")), letters.length ? letters.map((m) => `${m.labels.reason} ${count(m.value)}`).join(", ") : "every record could be read", letters.length > 0),
    tile("Late", count(total("aggregator_late_total")), "operations too old for every counter"),
    tile("Capped", count(total("aggregator_capped_total")), "operations on a full counter: values are at least so large"),
  ];
}
