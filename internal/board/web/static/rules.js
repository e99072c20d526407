// The rules in force, how many subjects are near or over each, and the packs' texts.
import { get, getAll, query } from "./api.js";
import { h, keyed, put, say, table } from "./dom.js";
import { count, known, levelText, visible } from "./format.js";
import { page, twin } from "./json.js";

export function rules(main, { live, title }) {
  title("Rules");
  const json = twin();
  json.href("rules", { limit: 1000 });
  const body = h("div");
  const show = keyed(body, (items) => items[0].pack_hash, pack);
  const note = h("p.empty", "Loading …");
  put(main, page("Rules in force", json, body, note));
  live.every(10_000, async () => {
    show([...Map.groupBy(await getAll("rules"), (r) => r.pack_hash).values()]);
    say(note, "");
  });
}

// pack is {node, update}, for keyed: a table of the rules of a pack, and its text.
function pack([{ pack: name, pack_hash: hash }]) {
  const body = h("tbody");
  const text = h("details", { hidden: true });
  const show = keyed(body, (r) => JSON.stringify({ ...r, near: 0, over: 0 }), (r) => line(r, text));
  let asked = false;
  return {
    node: h("section", { "aria-label": name }, h("h2", name, " ", h("small.hash", { title: "crossings name it" }, hash)),
      table(`Rules of ${name}`, ["Rule", "Counts by", "Window", "Limits", "Levels", "Clears below", "Near", "At or over"], body, (i) => i > 5), text),
    update(items) {
      show(items);
      if (asked) return;
      asked = true;
      get(`packs/${hash}`).then((p) => source(text, p), () => (asked = false)); // another process may have other packs
    },
  };
}

// source shows a pack as somebody wrote it, and how its tests went. A line has a URL.
function source(node, { pack: name, text, lines, tests: { passed, failed } }) {
  const all = text.trimEnd().split(/\r?\n/);
  put(node, h("summary", `Text of ${name}: ${count(all.length)} lines. `,
    h(failed.length > 0 ? "strong.warn" : "span", `${failed.length > 0 ? "▲" : "✓"} Tests passed: ${count(passed)} of ${count(passed + failed.length)}.`)),
  failed.map((f) => h("p.fault", visible(f))),
  h("pre.scroll", { role: "region", "aria-label": `Text of ${name}`, tabindex: "0" }, all.map((l, i) => h("span", { id: `${name}:${i + 1}` }, visible(l)))));
  node.hidden = false;
  node.lines = lines;
  node.dispatchEvent(new Event("text"));
  let wanted = location.hash.slice(1);
  if (lines[wanted]) wanted = `${name}:${lines[wanted]}`; // a rule
  if (!wanted.startsWith(`${name}:`)) return;
  node.open = true;
  location.replace(`#${wanted}`); // now that the line is there
}

// line is {node, update}, for keyed: only near and over change.
function line(r, text) {
  const near = h("td.number");
  const over = h("td.number");
  const where = h("span");
  const link = () => {
    const n = text.lines?.[r.rule];
    if (n) put(where, h("a", { href: `#${r.pack}:${n}`, click: () => (text.open = true) }, `line ${n}`));
  };
  text.addEventListener("text", link);
  link();
  return {
    node: h("tr", {},
      h("th", { scope: "row" }, h("span.title", r.title || r.rule), r.shadow && h("span.badge.shadow", "shadow"),
        h("small", h("code", r.rule), " ", r.cite, " ", where)),
      h("td", r.by),
      h("td", r.window === "all" ? "all time" : r.window, r.step && h("small", `step ${r.step}`)),
      h("td", Object.entries(r.limits).map(([name, n]) => h(".figure", h("b", count(n)), " ", name)), Object.keys(r.limits).length > 1 && h("small", combined(r.combine))),
      h("td", r.levels.map(levelText).join(", ")),
      h("td", r.clear === null ? "never" : levelText(r.clear)),
      near, over),
    update(now) {
      fill(near, now, now.near - now.over, "0.5", "at half of the limit or more, and below it");
      fill(over, now, now.over, "1", "at the limit or more");
    },
  };
}

function combined(combine) {
  if (combine === "any") return "any of them";
  if (combine === "all") return "all of them";
  if (combine === "ratio") return "their shares are added";
  return `${combine.replace("at-least-", "at least ")} of them`;
}

// fill shows a number, and links it to whom it counts.
function fill(cell, r, n, from, words) {
  if (cell.shown === n) return;
  cell.shown = n;
  if (!n) return put(cell, known(n));
  put(cell, h("a", { href: query("", { rule: r.rule, min_progress: from }).href, "aria-label": `${count(n)} ${words}, ${r.title || r.rule}` }, count(n)));
}
