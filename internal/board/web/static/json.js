// What the page shows, for programs: its twin in the API, and buttons that copy.
import { ask, query, token } from "./api.js";
import { h, say } from "./dom.js";

// twin is a link to what the API says of the same; href(path, parameters) changes it. A browser sends no token along a link, so with a
// token the answer is fetched, and saved.
export function twin() {
  const node = h("a.twin", { click: save }, "JSON");
  let url = null;
  async function save(event) {
    if (!token.get()) return;
    event.preventDefault();
    const blob = await (await ask(url)).blob();
    const link = h("a", { href: URL.createObjectURL(blob), download: `${url.pathname.split("/").pop() || "answer"}.json` });
    link.click();
    URL.revokeObjectURL(link.href);
  }
  return {
    node,
    href(path, parameters) {
      url = query(`api/v1/${path}`, parameters);
      node.href = url.href;
    },
  };
}

// page is what a page shows, under its heading, with the link to its twin.
export function page(title, json, ...rest) {
  return h("section", { "aria-label": title }, h(".head", h("h1", title), json.node), rest);
}

// copier is a button that copies a text, and says so.
export function copier(label, text) {
  const button = h("button", { type: "button", click: copy }, label);
  async function copy() {
    say(button, (await write(text())) ? "Copied" : "Copying failed");
    setTimeout(() => say(button, label), 2000);
  }
  return button;
}

// write copies a text. Without TLS, except on loopback, browsers have no clipboard for pages: then the text is selected and copied.
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea.unseen", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// command is a command line that can be copied.
export function command(text) {
  return h(".command", h("code", text), copier("Copy", () => text));
}
