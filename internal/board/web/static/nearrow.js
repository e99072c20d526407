// A row of a subject and a rule, with how near the limit is and when it is reached.
import { subjectURL } from "./api.js";
import { badge, bar } from "./bar.js";
import { h, put } from "./dom.js";
import { figures } from "./figures.js";
import { clockText, dateText, id, moment, percent, rate, seconds, span } from "./format.js";
import { spark } from "./spark.js";

// nearRow is {node, update(row)}; on the page of a subject it names the rule alone.
export function nearRow(rules, now, { named = true } = {}) {
  return () => {
    const progress = bar();
    const drawing = spark();
    const head = h(".who");
    const place = h(".place");
    const pace = h(".pace");
    const announced = h(".announced");
    const node = h("li.row", head, h(".how", h(".line", progress.node, place)), named ? drawing.node : null, pace, announced);
    const numbers = h(".numbers");
    node.querySelector(".how").append(numbers);
    let title = null; // of the rule, which may change, or not be known at first
    return {
      node,
      update(row) {
        const rule = rules.byID.get(row.rule);
        const silence = (now() - Date.parse(row.time)) / 1000;
        const old = silence > silenceOf(rule);
        if (title !== rules.title(row.rule)) put(head, named && who(row), what(rules, row, named));
        title = rules.title(row.rule);
        node.classList.toggle("old", old);
        progress.set({ progress: row.progress, level: row.level, levels: rules.levels(row.rule), name: `${title}, ${row.by} ${row.subject}` });
        put(place, percent(row.progress));
        put(numbers, figures(row.measures, named ? 3 : undefined));
        put(pace, row.progress > 0 && forecast(row, rule, now(), old ? `as of ${span(silence - (silence % (agesTo.find((u) => silence >= u) ?? 1)))} ago` : ""));
        put(announced, badge(row.level), row.pending !== undefined && h("span.badge.pending", { title: "The rules changed; the level comes with the subject's next event." }, `pending ${percent(row.pending)}`));
        if (named) drawing.set(row);
      },
    };
  };
}

const agesTo = [86400, 3600, 60]; // s, to which an age is told

// silenceOf is after how many seconds without an event a row is called old: rates are of an hour, and short windows empty sooner.
const silenceOf = (rule) => Math.min(3600, seconds(rule?.window ?? "") / 10 || 3600);

function who(row) {
  return h("a.subject", { href: subjectURL(row.by, row.subject) }, h("span.kind", row.by), " ", id(row.subject));
}

function what(rules, row, named) {
  const rule = rules.byID.get(row.rule);
  const title = h("span.title", rules.title(row.rule));
  return h("span", { class: named ? "rule" : "rule alone" }, title, rule?.shadow && h("span.badge.shadow", "shadow"), rule?.cite && !named && h("small", rule.cite));
}

// forecast says when the limit is reached at the rate of the last hour, or how old what is known is.
function forecast(row, rule, now, asOf) {
  const event = h("small", row.time !== null && ["event ", asOf ? moment(row.time, "", true) : clockText(row.time)]);
  if (row.progress >= 1) return [h("b", row.progress > 1 ? "over the limit" : "at the limit"), asOf ? h("small", asOf) : event];
  if (asOf) return [h("b", asOf), event];
  const rising = row.rate > 0 ? h("small", `${row.rate < 0.0005 ? "under 0.1" : rate(row.rate * 100)} % an hour`) : event;
  if (row.limit_at === null) return [h("span.muted", outlook(row, rule)), rising];
  const left = (Date.parse(row.limit_at) - now) / 1000;
  if (left <= 0) return [h("span.muted", { title: "at its rate the limit should have been reached by now" }, "silent"), event];
  return [h("b", { title: `at this rate, on ${dateText(row.limit_at)}` }, `in ${span(left)}`), rising];
}

function outlook(row, rule) {
  if (row.rate === null) return "no rate yet";
  if (row.rate <= 0) return "not rising";
  return rule && rule.window !== "all" ? `not within ${rule.window}` : "not at this rate";
}
