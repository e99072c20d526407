// A chart of a measure over its window, against the limits of the rules that read it.
import { h, put, say, table } from "./dom.js";
import { compact, count, dateText, levelText, moment, seconds } from "./format.js";

const utc = (at) => new Date(at * 1000).toISOString();

// chart is {node, update(series)}, for keyed. subject() is what the API says of the subject.
export function chart(rules, subject) {
  return (first) => {
    const box = h(".plot", { role: "img" });
    const read = h("p.readout", { "aria-hidden": "true" });
    const rows = h("tbody");
    const node = h("figure.chart",
      h("figcaption", h("strong", first.measure), " over ", first.window === "all" ? "all time" : first.window, h("small", first.rules.map((r) => rules.title(r)).join(", "))),
      box, read,
      h("details", h("summary", "Figures"), table(`Figures of ${first.measure}`, ["From", "Added", "In all"], rows, (i) => i > 0)));
    let plot = null;
    let data = null;
    const redraw = () => data && (plot = draw(plot, box, data, read));
    new ResizeObserver(redraw).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    return {
      node,
      update(series) {
        const next = prepare(series, rules, subject());
        if (JSON.stringify(next) === JSON.stringify(data)) return;
        data = next;
        box.setAttribute("aria-label", data.words);
        put(rows, series.buckets.map((b, i) => h("tr", h("td", moment(b.from)), h("td.number", count(b.value)), h("td.number", count(data.sums[i])))).reverse());
        redraw();
      },
    };
  };
}

// prepare makes of a series what is drawn: the sum of its buckets as it grew to what it is now, limits, crossings, edges of the window.
// It grows from where a bucket begins to where it ends, or to the newest event: when in between something came is not known.
function prepare(series, rules, subject) {
  let sum = 0;
  const end = Date.parse(subject.time) / 1000;
  const step = series.step ? seconds(series.step) : Infinity;
  const x = [];
  const y = [];
  const sums = series.buckets.map((b) => {
    const from = Date.parse(b.from) / 1000;
    x.push(from, Math.max(from, Math.min(from + step, end)));
    y.push(sum, (sum += b.value));
    return sum;
  });
  if (end > x.at(-1)) x.push(end), y.push(sum);
  const limits = series.rules.flatMap((r) => {
    const limit = subject.rules.find((x) => x.rule === r)?.measures[series.measure]?.limit;
    return limit ? rules.levels(r).filter((l) => l <= 1).map((l) => ({ at: limit * l, text: l === 1 ? `limit ${count(limit)}` : levelText(l), level: l })) : [];
  });
  const marks = subject.crossings.filter((c) => series.rules.includes(c.rule)).map((c) => ({ at: Date.parse(c.time) / 1000, text: c.status === "cleared" ? "cleared" : levelText(c.level) }));
  const top = Math.max(sum, ...limits.map((l) => l.at), 1) * 1.08;
  const edge = series.window === "all" ? null : end - seconds(series.window);
  const words = `${series.measure}: ${count(sum)} at ${dateText(subject.time)}; ${limits.filter((l) => l.level === 1).map((l) => l.text).join(", ") || "no limit"}; ${marks.length} crossings marked`;
  const margin = (end - x[0]) * 0.02 + 1;
  return { x, y, sums, limits, marks, top, edge, words, span: [x[0] - margin, end + margin] };
}

// draw draws, or draws again at another size.
function draw(plot, box, data, read) {
  plot?.destroy();
  const color = (name) => getComputedStyle(box).getPropertyValue(`--${name}`).trim();
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line") }, font: "12px system-ui" };
  return new uPlot({
    width: Math.max(200, box.clientWidth), height: 240, legend: { show: false }, tzDate: (t) => uPlot.tzDate(new Date(t * 1000), "Etc/UTC"),
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true, range: () => data.span }, y: { range: () => [0, data.top] } },
    axes: [{ ...axis, space: 70, size: 32, values: (_, all, i, space, step) => all.map((t) => dateText(utc(t)).split(", ")[step < 86400 && t % 86400 ? 1 : 0].replace(/:00$/, "")) }, { ...axis, size: 56, values: (_, all) => all.map(compact) }],
    series: [{}, { stroke: color("accent"), fill: color("wash"), width: 2, points: { show: false } }],
    hooks: {
      draw: [(u) => annotate(u, data, color)],
      setCursor: [(u) => say(read, u.cursor.idx == null ? "" : `${dateText(utc(data.x[u.cursor.idx]))}: ${count(data.y[u.cursor.idx])}`)],
    },
  }, [data.x, data.y], box);
}

// annotate draws the levels across, the crossings upright, and the window's edges.
function annotate(u, data, color) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui`;
  ctx.lineWidth = ratio;
  ctx.textAlign = "left";
  ctx.textBaseline = "bottom";
  const line = (x1, y1, x2, y2, dash) => {
    ctx.setLineDash(dash.map((n) => n * ratio));
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.stroke();
  };
  const labels = [];
  for (const l of data.limits.toSorted((a, b) => b.level - a.level)) {
    const y = u.valToPos(l.at, "y", true);
    ctx.strokeStyle = ctx.fillStyle = color(l.level === 1 ? "over" : "near");
    line(bbox.left, y, bbox.left + bbox.width, y, l.level === 1 ? [] : [4, 4]);
    if (labels.some((other) => Math.abs(other - y) < 13 * ratio)) continue; // one of two on each other: the limit's
    labels.push(y);
    ctx.fillText(l.text, bbox.left + 4 * ratio, y - 3 * ratio);
  }
  ctx.textAlign = "right";
  const edges = [{ at: data.edge, text: "window begins" }, { at: data.x.at(-1), text: "" }];
  ctx.strokeStyle = ctx.fillStyle = color("muted");
  for (const [i, e] of [...edges, ...data.marks].entries()) {
    if (e.at === null || e.at < data.span[0] || e.at > data.span[1]) continue;
    const x = u.valToPos(e.at, "x", true);
    line(x, bbox.top, x, bbox.top + bbox.height, e.text === "" ? [1, 3] : [2, 2]);
    ctx.fillText(e.text && `◆ ${e.text}`, x - 3 * ratio, bbox.top + bbox.height - (6 + (i % 3) * 12) * ratio); // neighbours do not overlap
  }
  ctx.restore();
}
