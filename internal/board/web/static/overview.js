// What is near a limit, and what crossed last.
import { base, get } from "./api.js";
import { crossingKey, crossingRow, none } from "./crossing.js";
import { h, keyed, put, say } from "./dom.js";
import { count } from "./format.js";
import { listing, within } from "./listing.js";
import { nearRow } from "./nearrow.js";

const newest = 12; // crossings beside the list

export function overview(main, context) {
  const { rules, now, live } = context;
  const near = listing(context, {
    path: "subjects", heading: "Near a limit", kind: "rows", every: 2000, clock: now,
    key: (r) => `${r.rule}\n${r.by}\n${r.subject}`, row: nearRow(rules, now),
    fields: [
      { name: "min_progress", label: "From", options: [["", "10 %"], ["0.5", "50 %"], ["0.8", "80 %"], ["1", "the limit"]] },
      { name: "max_progress", label: "Up to", options: [["", "any"], ["0.9999", "below the limit"]] },
      within("Last event in"),
    ],
    told: ({ items, next }) => (next === null ? `${count(items.length)} in all.` : `The nearest ${count(items.length)}; there are more.`),
    none: "Nothing is at a tenth of a limit. A subject appears here by itself when it comes so far.",
  });
  put(main, near.node, latest(live));
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
