// Elements are made here, and nowhere else. A text is always a text: nothing reads markup from data.

// h makes an element: h("tag.class", {attribute: value}, child, ...). Tag (a div) and attributes may be left out. A child that is null or
// false is left out, an array is its items. An attribute that is a function listens to the event of its name; one that is null or false is
// left out.
export function h(name, ...rest) {
  return make("http://www.w3.org/1999/xhtml", name, rest);
}

// svg is h for drawings.
export function svg(name, ...rest) {
  return make("http://www.w3.org/2000/svg", name, rest);
}

function make(space, name, rest) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElementNS(space, tag || "div");
  if (classes.length > 0) node.setAttribute("class", classes.join(" "));
  if (rest[0]?.constructor === Object) {
    for (const [key, value] of Object.entries(rest.shift())) {
      if (typeof value === "function") node.addEventListener(key, value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
  }
  return put(node, rest);
}

// put replaces what an element holds.
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

// say changes the text of an element only if it is another one, so that nothing is read aloud twice.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// section is a part of a page, under its heading.
export function section(title, ...rest) {
  return h("section", { "aria-label": title }, h("h2", title), rest);
}

// table is a table that scrolls in a region of its name. numeric says which columns, from 0, hold numbers.
export function table(name, columns, body, numeric = () => false) {
  return h(".scroll", { role: "region", "aria-label": name, tabindex: "0" },
    h("table", h("thead", h("tr", columns.map((text, i) => h(numeric(i) ? "th.number" : "th", { scope: "col" }, text)))), body));
}

// keyed shows a list and keeps the elements of items that stay, with the focus and what is open in them. make(item) returns
// {node, update(item)}.
export function keyed(parent, key, make) {
  let rows = new Map();
  return (items) => {
    const focused = document.activeElement; // an element that moves loses the focus
    const next = new Map();
    let at = parent.firstElementChild;
    for (const item of items) {
      const k = key(item);
      const row = rows.get(k) ?? make(item);
      row.update(item);
      next.set(k, row);
      if (row.node === at) at = at.nextElementSibling;
      else parent.insertBefore(row.node, at);
    }
    for (const [k, row] of rows) if (!next.has(k)) row.node.remove();
    rows = next;
    if (parent.contains(focused)) focused.focus({ preventScroll: true });
  };
}
