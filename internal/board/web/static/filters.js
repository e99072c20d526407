// Filters of a list, kept in the page's URL, so that a view can be shared.
import { h } from "./dom.js";

// filters is {node, values, setOptions(name, options)}: a form of fields {name, label, options | type}. changed is called after each change.
export function filters(fields, changed) {
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
export function ruleOptions(rules) {
  return [["", "every rule"], ...rules.map((r) => [r.rule, r.title ? `${r.title} (${r.rule})` : r.rule])];
}
