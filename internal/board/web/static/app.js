// The board begins here: which page it is, what is around it, and the token.
import { base, get, token } from "./api.js";
import { crossings } from "./crossings.js";
import { h, put, say } from "./dom.js";
import { visible } from "./format.js";
import { health } from "./health.js";
import { Live } from "./live.js";
import { overview } from "./overview.js";
import { Rulebook } from "./rulebook.js";
import { rules } from "./rules.js";
import { subject } from "./subject.js";
import { vitals } from "./vitals.js";

const pages = { "": overview, crossings, subjects: subject, rules, health };
const at = (id) => document.getElementById(id);
const path = location.pathname.slice(base.pathname.length).split("/");

const main = at("main");
const live = new Live({ banner: at("banner"), state: at("live-state"), pauseButton: at("pause"), refused: askToken });

// now is the service's clock: that of this machine may be wrong. Less than two seconds is the way of an answer.
let ahead = 0; // ms
const now = () => Date.now() + ahead;
live.on("status", (s) => {
  const apart = Date.parse(s.now) - Date.now();
  ahead = Math.abs(apart) < 2000 ? 0 : apart;
  say(at("build"), `Group ${s.group}, version ${s.version}.`);
});
live.on("crossing", (c) => say(at("news"), `New: ${visible(c.summary)}`));

for (const link of document.querySelectorAll("nav a")) {
  if (link.href === new URL(path[0], base).href) link.setAttribute("aria-current", "page");
}
at("forget").hidden = !token.get();
at("forget").addEventListener("click", () => renew(""));

vitals(at("vitals"), live, now);
live.every(60_000, async () => live.tellAll("status", await get("status"))); // the first one of the stream comes after a second
(pages[path[0]] ?? overview)(main, { live, rules: new Rulebook(), now, title, path });
live.look();

function title(text) {
  document.title = `${text} – aggregator`;
}

function renew(text) {
  token.set(text);
  location.reload();
}

// askToken asks for the token in place of the page.
function askToken() {
  const fault = h("p.fault", { role: "alert" });
  const input = h("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true });
  title("Token");
  at("vitals").hidden = true;
  put(main, h("form.token", { submit: check }, h("h1", "A token is needed"),
    h("p", "This deployment shows its figures to holders of its token (http.token). The board keeps it for this tab alone."),
    h("label", { for: "token" }, "Token"), input, h("button", "Show the board"), fault));
  say(fault, token.get() ? "The token was refused." : "");
  token.set("");
  input.focus();
  async function check(event) {
    event.preventDefault();
    token.set(input.value.trim());
    const refused = await get("openapi.json").then(() => null, (error) => error);
    if (!refused) return renew(token.get());
    token.set("");
    say(fault, refused.status === 401 ? "The token was refused." : refused.message);
    input.select();
  }
}
