// The values of a rule's measures beside their limits.
import { h } from "./dom.js";
import { count, dateText } from "./format.js";

const hidden = 3; // measures beyond so many are left to the page of the subject

// figures are lines as "48,211 / 50,000 clicks", the nearest first. A ratio adds the shares of its measures.
export function figures(measures, most = hidden) {
  const all = Object.entries(measures).sort(([, a], [, b]) => b.value / b.limit - a.value / a.limit);
  const lines = all.slice(0, most).map(([name, m]) => h("span.figure", h("b", (m.at_least ? "≥ " : "") + count(m.value)), ` / ${count(m.limit)} `, name, notes(m)));
  if (all.length > most) lines.push(h("span.figure.muted", `and ${all.length - most} more`));
  return lines;
}

function notes(m) {
  return m.since ? h("small", { title: "what came before was not counted" }, ` since ${dateText(m.since)}`) : null;
}
