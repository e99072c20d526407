// A list of the API with filters, as long as one wants it.
import { get } from "./api.js";
import { h, keyed, put, say } from "./dom.js";
import { page, twin } from "./json.js";

const some = 50; // items that "Show more" adds
const most = 1000; // that the API gives at once

// listing is {node, refresh}. path and heading, kind of list, fields of filters; key, row: as keyed has them; every: ms between two
// questions; clock() is what "within" so many hours is counted back from; told(answer) is said below the list, none where it is empty.
export function listing({ live, rules, title }, { path, heading, kind, fields, key, row, every, clock, told, none }) {
  title(heading);
  let limit = some;
  const list = h(`ol.${kind}`);
  const show = keyed(list, key, row);
  const json = twin();
  const note = h("p.empty", "Loading …");
  const more = h("button", { type: "button", hidden: true, click: () => ((limit += some), refresh()) }, "Show more");
  const f = filters([
    { name: "by", label: "Kind", options: ["", "incident", "account", "content", "group"].map((k) => [k, k || "every kind"]) },
    { name: "rule", label: "Rule", options: [["", "every rule"]] },
    ...fields,
  ], () => ((limit = some), refresh()));
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
  return { node: page(heading, json, f.node, list, note, more), refresh };
}

// within is a filter by how long ago something was.
export const within = (label) => ({ name: "within", label, options: [["", "any time"], ["1", "the last hour"], ["24", "the last day"], ["168", "the last week"]] });

// filters are kept in the page's URL, so that a view can be shared. They are {node, values, setOptions(name, options)}: a form of fields
// {name, label, options | type}. changed is called after each change.
function filters(fields, changed) {
  const given = new URL(location.href).searchParams;
  const inputs = new Map(fields.map((f) => [f.name, input(f, given.get(f.name) ?? "")]));
  const values = () => Object.fromEntries([...inputs].map(([name, node]) => [name, node.value.trim()]));
  const node = h("form.filters", { role: "search", submit: (e) => (e.preventDefault(), apply()), change: apply },
    fields.map((f) => h("label", h("span", f.label), inputs.get(f.name))));
  function apply() {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values())) value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
    if (url.href === location.href) return;
    history.replaceState(null, "", url);
    changed();
  }
  return { node, values, setOptions: (name, options) => setOptions(inputs.get(name), options) };
}

function input(field, value) {
  if (!field.options) return h("input", { name: field.name, type: "search", autocomplete: "off", spellcheck: "false", value, maxlength: 512 });
  const node = h("select", { name: field.name });
  setOptions(node, field.options, value);
  return node;
}

// setOptions replaces the options of a select, and keeps what is chosen, also if it is none of them: rules that are gone have crossings.
function setOptions(node, options, chosen = node.value) {
  const known = options.some(([value]) => value === chosen);
  const all = known ? options : [...options, [chosen, chosen]];
  if (all.length === node.options.length && all.every(([value, text], i) => node.options[i].value === value && node.options[i].text === text)) return;
  node.replaceChildren(...all.map(([value, text]) => h("option", { value }, text)));
  node.value = chosen;
}

// ruleOptions are the rules as options, in the packs' order.
function ruleOptions(rules) {
  return [["", "every rule"], ...rules.map((r) => [r.rule, r.title ? `${r.title} (${r.rule})` : r.rule])];
}
