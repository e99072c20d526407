// A list of the API with filters, as long as one wants it.
import { get } from "./api.js";
import { h, keyed, put, say } from "./dom.js";
import { page, twin } from "./json.js";

const some = 50; // items that "Show more" adds
const most = 1000; // that the API gives at once
const far = 5; // pages that are asked for, as one may have fewer items than wanted

// listing is {node, refresh}. path and heading, kind of list, fields of filters; asked(values) are the parameters for values of these;
// key, row: as keyed has them; every: ms between two questions; told(answer) is said below the list, none where it is empty;
// above is {node, update(values)}, over the list.
export function listing({ live, rules, now, title }, { path, heading, kind, fields, asked = (v) => v, key, row, every, told, none, above }) {
  title(heading);
  let limit = some;
  let pages = far;
  const list = h(`ol.${kind}`);
  const show = keyed(list, key, row);
  const json = twin();
  const note = h("p.empty", "Loading …");
  const more = h("button", { type: "button", hidden: true, click: () => ((limit += some), (pages *= 2), refresh()) }, "Show more");
  const f = filters([
    { name: "by", label: "Kind", options: ["", "incident", "account", "content", "group"].map((k) => [k, k || "every kind"]) },
    { name: "rule", label: "Rule", options: [["", "every rule"]] },
    ...fields,
  ], () => ((limit = some), (pages = far), refresh()));
  const refresh = live.every(every, async () => {
    await rules.load();
    f.setOptions("rule", ruleOptions(rules.all()));
    const { within, ...given } = f.values();
    const parameters = asked(given);
    if (within) parameters.since = new Date(now() - within * 3_600_000).toISOString();
    above?.update(f.values());
    json.href(path, parameters);
    const items = [];
    let answer = { next: "" };
    for (let n = 0; n < pages && items.length < limit && answer.next !== null; n++) {
      answer = await get(path, { ...parameters, limit: limit - items.length, after: answer.next });
      items.push(...answer.items);
    }
    answer.items = items;
    show(items);
    more.hidden = answer.next === null || limit >= most;
    say(more, items.length > 0 ? "Show more" : "Look further");
    const nothing = answer.next !== null ? "Nothing of what was looked at fits these filters, and there is more." : f.chosen().length > 0 ? "Nothing fits these filters." : none;
    say(note, items.length > 0 ? told(answer) : nothing);
  });
  return { node: page(heading, json, f.node, above?.node, list, note, more), refresh };
}

// within is a filter by how long ago something was.
export const within = (label) => ({ name: "within", label, options: [["", "any time"], ["1", "the last hour"], ["24", "the last day"], ["168", "the last week"]] });

// filters are kept in the page's URL, so that a view can be shared. They are {node, values, chosen, setOptions(name, options)}: a form of
// fields {name, label, options | type, other}. The first of the options is the default, which no URL names; other(value) is the text of a
// value that is none of them. changed is called after each change.
function filters(fields, changed) {
  const given = new URL(location.href).searchParams;
  const inputs = new Map(fields.map((f) => [f.name, input(f, given.get(f.name) ?? usual(f))]));
  const values = () => Object.fromEntries([...inputs].map(([name, node]) => [name, node.value.trim()]));
  const chosen = () => fields.filter((f) => inputs.get(f.name).value.trim() !== usual(f));
  const node = h("form.filters", { role: "search", submit: (e) => (e.preventDefault(), apply()), change: apply },
    fields.map((f) => h("label", h("span", f.label), inputs.get(f.name))));
  function apply() {
    const url = new URL(location.href);
    fields.forEach((f) => url.searchParams.delete(f.name));
    chosen().forEach((f) => url.searchParams.set(f.name, values()[f.name]));
    if (url.href === location.href) return;
    history.replaceState(null, "", url);
    changed();
  }
  return { node, values, chosen, setOptions: (name, options) => setOptions(inputs.get(name), options) };
}

const usual = (field) => field.options?.[0][0] ?? "";

function input(field, value) {
  if (!field.options) return h("input", { name: field.name, type: "search", autocomplete: "off", spellcheck: "false", value, maxlength: 512 });
  const node = h("select", { name: field.name });
  setOptions(node, field.options, value, field.other);
  return node;
}

// setOptions replaces the options of a select, and keeps what is chosen, also if it is none of them: rules that are gone have crossings.
function setOptions(node, options, chosen = node.value, other = String) {
  const known = options.some(([value]) => value === chosen);
  const all = known ? options : [...options, [chosen, other(chosen)]];
  if (all.length === node.options.length && all.every(([value, text], i) => node.options[i].value === value && node.options[i].text === text)) return;
  node.replaceChildren(...all.map(([value, text]) => h("option", { value }, text)));
  node.value = chosen;
}

// ruleOptions are the rules as options, in the packs' order.
function ruleOptions(rules) {
  return [["", "every rule"], ...rules.map((r) => [r.rule, r.title ? `${r.title} (${r.rule})` : r.rule])];
}
