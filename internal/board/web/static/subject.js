// A subject: where it is with every rule of its kind, how its counts came about, and what it crossed.
import { get } from "./api.js";
import { chart } from "./chart.js";
import { crossingKey, crossingRow, proving } from "./crossing.js";
import { h, keyed, put, say, section } from "./dom.js";
import { id, moment, visible } from "./format.js";
import { command, copier, twin } from "./json.js";
import { nearRow } from "./nearrow.js";

export function subject(main, { live, rules, now, title, path }) {
  const given = new URL(location.href).searchParams;
  const by = path[1] || given.get("by") || "";
  const name = path.length > 2 ? decoded(path.slice(2).join("/")) : given.get("id");
  title(`${by} ${visible(name ?? "")}`);
  const rows = h("ol.rows.alone");
  const showRows = keyed(rows, (r) => r.rule, nearRow(rules, now, { named: false }));
  const charts = h(".charts");
  const showCharts = keyed(charts, (s) => `${s.measure} ${s.window} ${s.rules}`, chart(rules, () => answer));
  const list = h("ol.crossings");
  const showCrossings = keyed(list, crossingKey, crossingRow({ named: false }));
  const dates = h("p.muted");
  const note = h("p.empty", "Loading …");
  const none = h("p.empty");
  const json = twin();
  let answer = null;
  json.href("subject", { by, id: name });
  const body = h(".subject-page", { hidden: true },
    section("Against its limits", rows),
    section("How the counts came about", charts),
    section("Crossings", list, none),
    section("Prove it from the log",
      h("p", "This counts the subject again from the log, and compares every measure and level as they are now with what is stored."), command(proving(by, name)),
      copier("Copy the page as JSON", () => JSON.stringify(answer, null, 2))));
  put(main, h("div", h(".head", h("h1", h("span.kind", by), " ", id(name ?? "without an id")), json.node), dates, note), body);

  const refresh = live.every(5000, async () => {
    if (name === null) return say(note, "There is no such subject.");
    await rules.load();
    try {
      answer = await get("subject", { by, id: name });
    } catch (error) {
      if (error.status !== 404 && error.status !== 400) throw error;
      body.hidden = true;
      return say(note, error.status === 400 ? `There is no such subject: ${error.message}.` : `Nothing is counted of this ${by}. It may never have had an event, or its windows are empty and it was forgotten.`);
    }
    say(note, "");
    body.hidden = false;
    put(dates, "Newest event ", moment(answer.time), ". First event counted ", moment(answer.first), ".");
    showRows([...answer.rules].sort((a, b) => b.progress - a.progress));
    showCharts(answer.series.filter((s) => s.buckets.length > 0));
    showCrossings(answer.crossings);
    say(none, answer.crossings.length > 0 ? "" : "It crossed nothing, as far as the list of crossings reaches back.");
  });
  live.on("crossing", (c) => c.by === by && c.subject === name && refresh());
}

// decoded is an id of a path; null if it is none.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
