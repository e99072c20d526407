// A progress as a bar with marks at the levels of its rule.
import { h } from "./dom.js";
import { levelText, percent } from "./format.js";

// bar is {node, set({progress, levels, level, name})}. It is full at the limit.
export function bar() {
  const fill = h("span.fill");
  const marks = h("span.marks", { "aria-hidden": "true" });
  const node = h("span.bar", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, fill, marks);
  let drawn = "";
  return {
    node,
    set({ progress, levels, level, name }) {
      const full = Math.min(100, progress * 100);
      fill.style.width = `${full}%`;
      node.dataset.state = state(progress, level);
      node.setAttribute("aria-label", name);
      node.setAttribute("aria-valuenow", String(Math.floor(full)));
      node.setAttribute("aria-valuetext", `${percent(progress)} of the limit`);
      const key = String(levels);
      if (drawn === key) return;
      drawn = key;
      marks.replaceChildren(...levels.filter((l) => l < 1).map(mark));
    },
  };
}

function mark(level) {
  const node = h("i", { title: levelText(level) });
  node.style.left = `${level * 100}%`;
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
