// A progress as a bar with marks at the levels of its rule.
import { h } from "./dom.js";
import { levelText, percent } from "./format.js";

// bar is {node, set({progress, levels, level, name})}. Its end is the limit, or the next level beyond it if progress is past that.
export function bar() {
  const fill = h("span.fill");
  const marks = h("span.marks", { "aria-hidden": "true" });
  const node = h("span.bar", { role: "progressbar", "aria-valuemin": "0" }, fill, marks);
  let drawn = "";
  return {
    node,
    set({ progress, levels, level, name }) {
      const end = progress < 1 ? 1 : (levels.find((l) => l > progress) ?? Math.max(progress, ...levels));
      fill.style.width = `${Math.min(100, (progress / end) * 100)}%`;
      node.dataset.state = state(progress, level);
      node.setAttribute("aria-label", name);
      node.setAttribute("aria-valuemax", String(Math.round(end * 100)));
      node.setAttribute("aria-valuenow", String(Math.floor(Math.min(progress, end) * 100)));
      node.setAttribute("aria-valuetext", `${percent(progress)} of the limit`);
      const key = `${end} ${levels}`;
      if (drawn === key) return;
      drawn = key;
      marks.replaceChildren(...levels.filter((l) => l < end || l === 1).map((l) => mark(l, end)));
    },
  };
}

function mark(level, end) {
  const node = h("i", { title: levelText(level), class: level === 1 ? "limit" : null });
  node.style.left = `${(level / end) * 100}%`;
  return node;
}

// state is in words what the colours say too.
export function state(progress, level) {
  if (progress >= 1) return "over";
  return level > 0 || progress >= 0.8 ? "near" : "calm";
}

// badge says which level was announced: by a word and a sign, and by a colour.
export function badge(level, cleared) {
  if (cleared) return h("span.badge.cleared", "○ cleared");
  if (level === 0) return h("span.badge.calm", "not announced");
  return h("span", { class: `badge ${level >= 1 ? "over" : "near"}` }, `${level >= 1 ? "●" : "▲"} ${levelText(level)}`);
}
