// A small drawing of what a subject got lately. It is asked for when its row is seen, a few at a time.
import { get } from "./api.js";
import { h, svg } from "./dom.js";
import { seconds } from "./format.js";

const steps = 24; // that are drawn
const atOnce = 2;
const drawnFor = 60_000; // ms

const queue = [];
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
    if (!row || drawn.time === row.time || Date.now() - drawn.at < drawnFor) return;
    drawn = { time: row.time, at: Date.now() };
    queue.push(async () => node.replaceChildren(drawing(await get("subject", { by: row.by, id: row.subject }), row)));
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
  for (let f; (f = queue.shift()); ) {
    try {
      await f();
    } catch {
      // The row says the same in words; a drawing comes with the next look.
    }
  }
  asking--;
}

// drawing is bars: what was added in each of the last steps, up to the subject's time. One bar would say nothing.
function drawing(subject, row) {
  const nearest = Object.entries(row.measures).sort(([, a], [, b]) => b.value / b.limit - a.value / a.limit)[0][0];
  const series = subject.series.find((s) => s.measure === nearest && s.rules.includes(row.rule));
  if (!series?.step) return "";
  if (series.buckets.length === 1) return h("small", `all within ${series.step}`);
  const step = seconds(series.step) * 1000;
  const end = Math.max(...series.buckets.map((b) => Date.parse(b.from)));
  const bars = Array(steps).fill(0);
  for (const b of series.buckets) {
    const i = steps - 1 - Math.round((end - Date.parse(b.from)) / step);
    if (i >= 0) bars[i] += b.value;
  }
  const top = Math.max(...bars, 1);
  return svg("svg", { viewBox: `0 0 ${steps * 4} 24` },
    bars.map((n, i) => n > 0 && svg("rect", { x: i * 4, width: 3, y: 24 - Math.max(1.5, (n / top) * 24), height: Math.max(1.5, (n / top) * 24) })),
    svg("title", {}, `what came in each of the last ${steps} steps of ${series.step}`));
}
