// A row of a subject and a rule, with how near the limit is and when it is reached.
import { subjectURL } from "./api.js";
import { badge, bar } from "./bar.js";
import { h, put } from "./dom.js";
import { figures } from "./figures.js";
import { dateText, id, moment, percent, rate, span } from "./format.js";
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
        if (title !== rules.title(row.rule)) put(head, named && who(row), what(rules, row, named));
        title = rules.title(row.rule);
        progress.set({ progress: row.progress, level: row.level, levels: rules.levels(row.rule), name: `${title}, ${row.by} ${row.subject}` });
        put(place, percent(row.progress));
        put(numbers, figures(row.measures, named ? 3 : undefined));
        put(pace, whenText(row, now()));
        put(announced, badge(row.level), row.pending !== undefined && h("span.badge.pending", { title: "The rules changed; the level comes with the subject's next event." }, `pending ${percent(row.pending)}`));
        if (named) drawing.set(row);
      },
    };
  };
}

function who(row) {
  return h("a.subject", { href: subjectURL(row.by, row.subject) }, h("span.kind", row.by), " ", id(row.subject));
}

function what(rules, row, named) {
  const rule = rules.byID.get(row.rule);
  const title = h("span.title", rules.title(row.rule));
  return h("span", { class: named ? "rule" : "rule alone" }, title, rule?.shadow && h("span.badge.shadow", "shadow"), rule?.cite && !named && h("small", rule.cite));
}

// whenText says when the limit is reached at the rate of the last hour.
function whenText(row, now) {
  if (row.progress >= 1) return [h("b", "over the limit"), newest(row)];
  const rising = row.rate !== null && row.rate > 0 ? h("small", `${rate(row.rate * 100)} % an hour`) : newest(row);
  if (row.limit_at === null) return [h("span.muted", row.rate === null ? "rate not known" : "not at this rate"), rising];
  const left = (Date.parse(row.limit_at) - now) / 1000;
  if (left <= 0) return [h("span.muted", "silent"), newest(row)];
  return [h("b", { title: `at this rate, on ${dateText(row.limit_at)}` }, `in ${span(left)}`), rising];
}

const newest = (row) => h("small", row.time === null ? "" : ["seen ", moment(row.time, "", true)]);
