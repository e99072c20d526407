// Questions to the API, and the token that it may want.

// base is where the board is served, also behind a proxy that serves it below a path.
export const base = new URL("..", import.meta.url);

const kept = "aggregator.token";

// The token is kept for the tab: it is in no cookie, no URL, and no other tab.
export const token = {
  get: () => sessionStorage.getItem(kept) ?? "",
  set: (text) => (text ? sessionStorage.setItem(kept, text) : sessionStorage.removeItem(kept)),
};

// Problem is why there is no answer: status 0 is no connection.
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// query is the URL of a path with those parameters that have a value.
export function query(path, parameters = {}) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

// ask fetches a path, with the token. What is no success is a Problem.
export async function ask(url, { headers = {}, signal } = {}) {
  const sent = token.get();
  if (sent) headers = { ...headers, Authorization: `Bearer ${sent}` };
  let response;
  try {
    response = await fetch(url, { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "the program does not answer");
  }
  if (!response.ok) throw new Problem(response.status, await detail(response));
  return response;
}

async function detail(response) {
  const text = (await response.text().catch(() => "")).trim();
  try {
    return JSON.parse(text).detail || response.statusText;
  } catch {
    return text || response.statusText;
  }
}

// waiting bounds a question: servers that take longer do not answer.
const waiting = 10_000;

// get is an answer of the API.
export function get(path, parameters) {
  return ask(query(`api/v1/${path}`, parameters), { signal: AbortSignal.timeout(waiting) }).then((r) => r.json()).catch(late);
}

function late(error) {
  throw error instanceof Problem ? error : new Problem(0, "the program does not answer in time");
}

// getAll walks the pages of a list.
export async function getAll(path) {
  const items = [];
  for (let after = ""; after !== null; ) {
    const page = await get(path, { limit: 1000, after });
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

// subjectURL is the page of a subject. No path can hold an id such as "..".
export function subjectURL(by, id) {
  const path = /^\.{0,2}$/.test(id) ? `subjects?by=${by}&id=${encodeURIComponent(id)}` : `subjects/${by}/${encodeURIComponent(id)}`;
  return new URL(path, base).href;
}
