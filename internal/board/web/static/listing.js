// A list of the API with filters, as long as one wants it.
import { get } from "./api.js";
import { h, keyed, put, say } from "./dom.js";
import { filters, ruleOptions } from "./filters.js";
import { twin } from "./json.js";

const page = 50; // items that "Show more" adds
const most = 1000; // that the API gives at once

// listing is {node, refresh}. path and heading, kind of list, fields of filters; key, row: as keyed has them; every: ms between two
// questions; clock() is what "within" so many hours is counted back from; told(answer) is said below the list, none where it is empty.
export function listing({ live, rules, title }, { path, heading, kind, fields, key, row, every, clock, told, none }) {
  title(heading);
  let limit = page;
  const list = h(`ol.${kind}`);
  const show = keyed(list, key, row);
  const json = twin();
  const note = h("p.empty", "Loading …");
  const more = h("button", { type: "button", hidden: true, click: () => ((limit += page), refresh()) }, "Show more");
  const f = filters([
    { name: "by", label: "Kind", options: ["", "incident", "account", "content", "group"].map((k) => [k, k || "every kind"]) },
    { name: "rule", label: "Rule", options: [["", "every rule"]] },
    ...fields,
  ], () => ((limit = page), refresh()));
  const refresh = live.every(every, async () => {
    await rules.load();
    f.setOptions("rule", ruleOptions(rules.all()));
    const { within, ...parameters } = f.values();
    if (within) parameters.since = new Date(clock() - within * 3_600_000).toISOString();
    json.href(path, parameters);
    const items = [];
    let answer = { next: "" };
    for (let asked = 0; asked < 5 && items.length < limit && answer.next !== null; asked++) { // a page may have fewer items than asked for
      answer = await get(path, { ...parameters, limit: limit - items.length, after: answer.next });
      items.push(...answer.items);
    }
    answer.items = items;
    show(items);
    more.hidden = answer.next === null || limit >= most;
    say(note, items.length > 0 ? told(answer) : Object.values(f.values()).some(Boolean) ? "Nothing fits these filters." : none);
  });
  return { node: h("section", { "aria-labelledby": "list" }, h(".head", h("h1", { id: "list" }, heading), json.node), f.node, list, note, more), refresh };
}

// within is a filter by how long ago something was.
export const within = (label) => ({ name: "within", label, options: [["", "any time"], ["1", "the last hour"], ["24", "the last day"], ["168", "the last week"]] });
