// The values of a rule's measures beside their limits.
import { h } from "./dom.js";
import { count, dateText } from "./format.js";

// figures are lines as "48,211 / 50,000 clicks", the nearest first: at most so many, and without those at 0 where not all are wanted.
export function figures(measures, most = Infinity) {
  const all = Object.entries(measures).sort(([, a], [, b]) => b.value / b.limit - a.value / a.limit);
  const shown = all.slice(0, most).filter(([, m], i) => i === 0 || m.value > 0 || most === Infinity);
  const lines = shown.map(([name, m]) => h("span.figure", h("b", (m.at_least ? "≥ " : "") + count(m.value)), ` / ${count(m.limit)} `, name, notes(m)));
  if (all.length > shown.length) lines.push(h("span.figure.muted", `and ${all.length - shown.length} more`));
  return lines;
}

function notes(m) {
  return m.since ? h("small", { title: "what came before was not counted" }, ` since ${dateText(m.since)}`) : null;
}
