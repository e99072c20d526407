// The metrics of the process that serves the page, for what the API does not tell.
import { ask, query } from "./api.js";

// scrape reads them: all(name) is its series as {labels, value}.
export async function scrape() {
  const text = await (await ask(query("metrics"))).text();
  return { all: (name) => [...series(text, name)] };
}

function* series(text, name) {
  for (const line of text.split("\n")) {
    if (!line.startsWith(name)) continue;
    const m = line.match(/^([a-z_]+)(?:\{(.*)\})? (\S+)/);
    if (m?.[1] === name) yield { labels: labels(m[2] ?? ""), value: Number(m[3]) };
  }
}

const labels = (text) => Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1], m[2]]));
