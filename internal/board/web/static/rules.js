// The rules in force, and how many subjects are near or over each.
import { base, getAll } from "./api.js";
import { h, put } from "./dom.js";
import { count, levelText } from "./format.js";
import { twin } from "./json.js";

export function rules(main, { live, title }) {
  title("Rules");
  const json = twin();
  json.href("rules", { limit: 1000 });
  const body = h("div", h("p.empty", "Loading …"));
  put(main, h("section", { "aria-labelledby": "rules" }, h(".head", h("h1", { id: "rules" }, "Rules in force"), json.node), body));
  let shown = "";
  live.every(10_000, async () => {
    const items = await getAll("rules");
    if (shown === JSON.stringify(items)) return;
    shown = JSON.stringify(items);
    put(body, packs(items).map(pack));
  });
}

function packs(items) {
  const all = new Map();
  for (const r of items) {
    if (!all.has(r.pack)) all.set(r.pack, []);
    all.get(r.pack).push(r);
  }
  return [...all];
}

function pack([name, items]) {
  const id = `pack-${name}`;
  return h("section.pack", { "aria-labelledby": id },
    h("h2", { id }, name, " ", h("small.hash", { title: "hash of the pack: crossings name it, and aggregator rules -hash prints its text" }, items[0].pack_hash)),
    h(".scroll", { role: "region", "aria-label": `Rules of ${name}`, tabindex: "0" },
      h("table", {},
        h("thead", h("tr", ["Rule", "Counts by", "Window", "Limits", "Levels", "Clears below", "Near", "Over"].map((t, i) => h(i > 5 ? "th.number" : "th", { scope: "col" }, t)))),
        h("tbody", items.map(line)))));
}

function line(r) {
  return h("tr", {},
    h("th", { scope: "row" }, h("span.title", r.title || r.rule), r.shadow && h("span.badge.shadow", { title: "its crossings go to another topic, or to none" }, "shadow"), h("small", h("code", r.rule), " ", r.cite)),
    h("td", r.by),
    h("td", r.window === "all" ? "all time" : r.window, r.step && h("small", `step ${r.step}`)),
    h("td", Object.entries(r.limits).map(([name, n]) => h(".figure", h("b", count(n)), " ", name)), Object.keys(r.limits).length > 1 && h("small", combined(r.combine))),
    h("td", r.levels.map(levelText).join(", ")),
    h("td", r.clear === null ? "never" : levelText(r.clear)),
    h("td.number", link(r, r.near, "0.5", "at half of the limit or more")),
    h("td.number", link(r, r.over, "1", "at the limit or more")));
}

function combined(combine) {
  if (combine === "any") return "any of them";
  if (combine === "all") return "all of them";
  if (combine === "ratio") return "their shares are added";
  return `${combine.replace("at-least-", "at least ")} of them`;
}

function link(r, n, from, words) {
  if (n === null) return h("span.muted", "unknown");
  if (n === 0) return "0";
  const url = new URL("", base);
  url.searchParams.set("rule", r.rule);
  url.searchParams.set("min_progress", from);
  return h("a", { href: url.href, "aria-label": `${count(n)} ${words}, ${r.title || r.rule}` }, count(n));
}
