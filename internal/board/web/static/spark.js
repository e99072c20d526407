// A small drawing of what a subject got lately. It is asked for when its row is seen, a few at a time.
import { get } from "./api.js";
import { h, svg } from "./dom.js";

const most = 24; // steps that are drawn
const atOnce = 2;
const fresh = 60_000; // ms

const waiting = [];
let asking = 0;

const seen = new IntersectionObserver((entries) => {
  for (const e of entries) if (e.isIntersecting) e.target.dispatchEvent(new Event("seen"));
});

// spark is {node, set(row)}.
export function spark() {
  const node = h("span.spark", { "aria-hidden": "true", seen: look });
  let row = null;
  let visible = false;
  let drawn = { time: null, at: 0 };
  seen.observe(node);
  function look() {
    visible = true;
    if (!row || drawn.time === row.time || Date.now() - drawn.at < fresh) return;
    drawn = { time: row.time, at: Date.now() };
    waiting.push(async () => node.replaceChildren(draw(await get("subject", { by: row.by, id: row.subject }), row)));
    work();
  }
  return {
    node,
    set(next) {
      row = next;
      if (visible) look();
    },
  };
}

async function work() {
  if (asking >= atOnce) return;
  asking++;
  for (let f; (f = waiting.shift()); ) {
    try {
      await f();
    } catch {
      // The row says the same in words; a drawing comes with the next look.
    }
  }
  asking--;
}

const units = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

// seconds of a duration of a pack, as 1h30m.
export function seconds(text) {
  return [...text.matchAll(/(\d+)([a-z]+)/g)].reduce((n, [, x, unit]) => n + Number(x) * (units[unit] ?? 0), 0);
}

// draw is bars: what was added in each of the last steps, up to the subject's time.
function draw(subject, row) {
  const nearest = Object.entries(row.measures).sort(([, a], [, b]) => b.value / b.limit - a.value / a.limit)[0][0];
  const series = subject.series.find((s) => s.measure === nearest && s.rules.includes(row.rule));
  if (!series?.step) return "";
  const step = seconds(series.step) * 1000;
  const end = Math.max(...series.buckets.map((b) => Date.parse(b.from)));
  const bars = Array(most).fill(0);
  for (const b of series.buckets) {
    const i = most - 1 - Math.round((end - Date.parse(b.from)) / step);
    if (i >= 0) bars[i] += b.value;
  }
  const top = Math.max(...bars, 1);
  return svg("svg", { viewBox: `0 0 ${most * 4} 24` },
    bars.map((n, i) => n > 0 && svg("rect", { x: i * 4, width: 3, y: 24 - Math.max(1.5, (n / top) * 24), height: Math.max(1.5, (n / top) * 24) })),
    svg("title", {}, `what came in each of the last ${most} steps of ${series.step}`));
}
