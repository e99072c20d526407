// What is near a limit, and what crossed last.
import { base, get, query } from "./api.js";
import { crossingKey, crossingRow, none } from "./crossing.js";
import { h, keyed, put, say } from "./dom.js";
import { count, levelText } from "./format.js";
import { listing, within } from "./listing.js";
import { nearRow } from "./nearrow.js";

const newest = 12; // crossings beside the list

export function overview(main, context) {
  const { rules, now, live } = context;
  const near = listing(context, {
    path: "subjects", heading: "Near a limit", kind: "rows", every: 2000,
    key: (r) => `${r.rule}\n${r.by}\n${r.subject}`, row: nearRow(rules, now),
    fields: [
      { name: "min_progress", label: "Progress", other: below, options: [...["0.1", "0.5", "0.8"].map((n) => [n, below(n)]), [reached, "at the limit, or over it"], [whatever, "any, the farthest first"]] },
      within("Last event in"),
    ],
    asked, above: beyond(rules),
    told: ({ items, next }) => (next === null ? `${count(items.length)} in all.` : `The nearest ${count(items.length)}; there are more.`),
    none: "Nothing is at a tenth of a limit, and below it. A subject appears here by itself when it comes so far.",
  });
  put(main, near.node, latest(live));
}

// The list is of what is below its limit: who is over it stays so for the length of a window, and has crossed already.
const reached = "1";
const whatever = "0";
const below = (from) => `from ${levelText(Number(from))}` + (from < 1 ? ", below the limit" : "");

function asked({ min_progress: from, ...rest }) {
  if (from === whatever) return rest;
  if (from >= 1) return { ...rest, min_progress: from };
  return { ...rest, min_progress: from === "0.1" ? "" : from, max_progress: 0.9999 }; // what has a level is listed below a tenth, too
}

// beyond says how many are at their limit, and leads to them.
function beyond(rules) {
  const link = h("a");
  const node = h("p", link);
  return {
    node,
    update({ by, rule, min_progress: from }) {
      const n = rules.all().reduce((sum, r) => sum + ((!by || r.by === by) && (!rule || r.rule === rule) ? r.over : 0), 0);
      node.hidden = n === 0 || from === whatever || from >= 1;
      say(link, `${count(n)} at the limit, or over it`);
      link.href = query("", { by, rule, min_progress: reached }).href;
    },
  };
}

// latest is the newest crossings, as they come.
function latest(live) {
  const list = h("ol.crossings.small");
  const show = keyed(list, crossingKey, crossingRow());
  const note = h("p.empty", "Loading …");
  let items = [];
  const add = (more) => {
    const known = new Set(more.map(crossingKey));
    items = [...more, ...items.filter((c) => !known.has(crossingKey(c)))].slice(0, newest);
    show(items);
    say(note, items.length > 0 ? "" : none);
  };
  live.every(30_000, async () => add((await get("crossings", { limit: newest })).items));
  live.on("crossing", (c) => add([c]));
  return h("section.latest", { "aria-labelledby": "latest" }, h(".head", h("h2", { id: "latest" }, "Newest crossings"), h("a", { href: new URL("crossings", base).href }, "All")), list, note);
}
