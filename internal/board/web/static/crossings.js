// The crossings, newest first, as they come; and the page of one.
import { get } from "./api.js";
import { crossingKey, crossingRow, none } from "./crossing.js";
import { h, keyed, put, say } from "./dom.js";
import { count, dateText } from "./format.js";
import { page, twin } from "./json.js";
import { listing, within } from "./listing.js";

export function crossings(main, context) {
  const q = new URL(location.href).searchParams;
  if (q.has("id")) return single(main, context, { id: q.get("id"), shadow: q.get("shadow") });
  const all = listing(context, {
    path: "crossings", heading: "Crossings", kind: "crossings", every: 30_000, key: crossingKey, row: crossingRow(),
    fields: [{ name: "status", label: "Status", options: [["", "every status"], ["crossed", "crossed"], ["cleared", "cleared"]] }, within("Announced in"), { name: "shadow", label: "Rules", options: [["", "in force"], ["true", "shadow"]] }, { name: "subject", label: "Id of the subject" }],
    told: ({ items, from }) => `${count(items.length)} shown. The list reaches back to ${dateText(from)}.`,
    none,
  });
  put(main, all.node);
  context.live.on("crossing", all.refresh); // the server filters
  context.live.on("gap", all.refresh);
}

// single is the page of one crossing.
function single(main, { live, title }, which) {
  title("Crossing");
  const list = h("ol.crossings");
  const show = keyed(list, crossingKey, crossingRow({ open: true }));
  const json = twin();
  const note = h("p.empty", "Loading …");
  json.href("crossing", which);
  put(main, page("Crossing", json, list, note));
  live.every(60_000, async () => {
    try {
      show([await get("crossing", which)]);
      say(note, "");
    } catch (error) {
      if (error.status !== 404) throw error;
      say(note, "The list does not reach back to this crossing, or none has this id. It may still be in the topic.");
    }
  });
}
