// How numbers, times and ids are written.
import { h } from "./dom.js";

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const count = (n) => whole.format(n);
export const compact = (n) => short.format(n);
export const rate = (n) => tenth.format(n);

// plural is so many of something.
export const plural = (n, what) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

// known is a number as text makes it; null is not known.
export const known = (n, text = count) => (n === null ? h("span.muted", "unknown") : text(n));

// percent is a progress, rounded down: what is not at its limit never reads 100 %, nor what is over it.
export function percent(progress) {
  const shown = Math.floor(progress * 1000 + 1e-9) / 10;
  return (shown < 101 && shown !== 100 ? shown.toFixed(1) : whole.format(Math.floor(shown))) + " %";
}

// levelText is a level as people say it.
export const levelText = (level) => (level === 1 ? "limit" : level > 1 ? `${level} × limit` : `${Math.round(level * 1000) / 10} %`);

// span is how long something is, in its two largest units.
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 10) return `${Math.max(0, Math.round(seconds * 10) / 10)} s`;
  for (const [unit, size, below, part] of units) {
    if (seconds < size) continue;
    const rest = Math.floor((seconds % size) / part);
    return `${Math.floor(seconds / size)} ${unit}` + (rest > 0 ? ` ${rest} ${below}` : "");
  }
  return `${Math.round(seconds)} s`;
}

const units = [["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]];

const lengths = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

// seconds of a duration of a pack, as 1h30m; 0 of "all".
export function seconds(text) {
  return [...text.matchAll(/(\d+)([smhdw])/g)].reduce((n, [, x, unit]) => n + Number(x) * lengths[unit], 0);
}

const parts = { timeZone: "UTC", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" };
const thisYear = new Intl.DateTimeFormat("en-GB", parts);
const anyYear = new Intl.DateTimeFormat("en-GB", { ...parts, year: "numeric" });

// dateText is a moment in UTC; the year only if it is another one than this.
export function dateText(time) {
  const d = new Date(time);
  if (Number.isNaN(d.getTime())) return String(time);
  return (d.getUTCFullYear() === new Date().getUTCFullYear() ? thisYear : anyYear).format(d);
}

// clockText is a moment of today.
export const clockText = (time) => dateText(time).slice(-8);

// moment is a time element, to the second or to the minute; "unknown" for null.
export function moment(time, absent = "unknown", minute = false) {
  return time === null || time === undefined ? absent : h("time", { datetime: time, title: time }, dateText(time).slice(0, minute ? -3 : undefined));
}

// Characters that cannot be seen, or that change the direction of what stands around them.
const hidden = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

// visible is a text in which nothing is hidden, as the terminal's commands write it, and as bash reads it.
export const visible = (text) => text.replace(hidden, (c) => {
  const code = c.codePointAt(0).toString(16);
  return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
});

// id is an id of whatever script, kept from changing the direction of what stands beside it.
export const id = (text) => h("bdi.id", visible(text));

// quoted is a text as one word of a shell (bash).
export function quoted(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (visible(text) === text) return `'${text.replaceAll("'", `'\\''`)}'`;
  return `$'${visible(text.replaceAll("\\", "\\\\").replaceAll("'", "\\'"))}'`;
}
