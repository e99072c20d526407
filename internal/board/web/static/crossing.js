// A crossing in a list: what crossed, and below it, when it is opened, the evidence.
import { subjectURL, base } from "./api.js";
import { badge } from "./bar.js";
import { h, put } from "./dom.js";
import { figures } from "./figures.js";
import { id, moment, percent, quoted, span, visible } from "./format.js";
import { command, copier } from "./json.js";

export const crossingKey = (c) => c.id + c.status;

// crossingURL is the page of one crossing.
export const crossingURL = (c) => new URL(`crossings?id=${encodeURIComponent(c.id)}${c.shadow ? "&shadow=true" : ""}`, base).href;

// crossingRow is {node, update}: a record never changes. open: the evidence is shown at once.
export function crossingRow({ open = false, named = true } = {}) {
  return (c) => {
    const evidence = h(".evidence");
    const details = h("details", { open, toggle: () => details.open && !evidence.firstChild && put(evidence, proof(c)) },
      h("summary", badge(c.level, c.status === "cleared"), h("span.title", c.title || c.rule, c.shadow && [" ", h("span.badge.shadow", "shadow")]), named && subjectOf(c),
        h("span.numbers", figures(c.measures, 1)), h("span.time", "announced ", moment(c.detected ?? c.time))),
      evidence);
    const node = h("li", { class: `crossing ${c.status === "cleared" ? "info" : c.severity}` }, details);
    if (open) put(evidence, proof(c));
    return { node, update() {} };
  };
}

const subjectOf = (c) => h("span.subject", h("span.kind", c.by), " ", id(c.subject));

function proof(c) {
  const e = c.evidence ?? {};
  return [
    h("p", visible(c.summary), ". ", h("em", c.notice)),
    h("dl", { class: "facts" },
      fact("Subject", h("a", { href: subjectURL(c.by, c.subject) }, c.by, " ", id(c.subject))),
      fact("Rule", h("a", { href: new URL(`rules#${c.rule}`, base).href }, c.rule), c.cite && h("small", c.cite)),
      fact("Progress", percent(c.progress), h("small", `episode ${c.episode}`)),
      fact("Measures", figures(c.measures)),
      fact("Window", moment(c.window.from), " to ", moment(c.window.to)),
      fact("Event", e.event !== undefined && id(e.event), h("small", "event time ", moment(c.time))),
      fact("Announced", moment(c.detected), c.detected && h("small", `${span((Date.parse(c.detected) - Date.parse(c.time)) / 1000)} after the time of its event`)),
      e.topic !== undefined && fact("Its record", `${e.topic}, partition ${e.partition}, offset ${e.offset}`),
      fact("Delivered as", `${c.topic}, partition ${c.partition}, offset ${c.offset}`),
      fact("Pack", c.pack, h("small.hash", e.pack_hash))),
    h("p.buttons", copier("Copy as JSON", () => JSON.stringify(c, null, 2)), h("a", { href: crossingURL(c) }, "Page of this crossing")),
    h("p", "Count the subject again from the log, and see its event:"),
    command(proving(c.by, c.subject)),
    e.topic !== undefined && command(`kcat -C -e -b BROKERS -t ${quoted(e.topic)} -p ${e.partition} -o ${e.offset} -c 1`),
  ];
}

export const fact = (name, ...value) => h("div", h("dt", name), h("dd", value));

// proving is the command that counts a subject again from the log, and compares.
export const proving = (by, subject) => `aggregator verify -config FILE -subject ${quoted(`${by}/${subject}`)}`;

// none is what stands in the place of crossings.
export const none = "Nothing has crossed yet. A crossing appears here the moment it is announced.";
