// Owns what is read out of answers: points of a chart, totals, and the days worth a look.

import { addDays } from "./days.js";

const FALL_MARKED = -0.5;
const FALL_FROM = 8;

/** Points of the i-th metric. `open`: not over yet; what lies ahead has no value. */
export function pointsOf(answer, i, unit, today, now = new Date()) {
  return answer.results.map((row) => {
    const label = row.dimensions[0], place = placeOf(label, unit, today, now);
    const ahead = place === "ahead";
    return {
      label,
      value: ahead ? null : row.metrics[i],
      before: row.comparison ? row.comparison.metrics[i] : null,
      change: ahead || !row.comparison ? null : row.comparison.change[i],
      open: place === "open",
    };
  });
}

function placeOf(label, unit, today, now) {
  if (unit === "hour") {
    const start = new Date(label).getTime();
    return start > now.getTime() ? "ahead" : start + 3_600_000 > now.getTime() ? "open" : "over";
  }
  if (label > today) return "ahead";
  const length = { day: 1, week: 7, month: 31 }[unit];
  const sameMonth = unit !== "month" || label.slice(0, 7) === today.slice(0, 7);
  return sameMonth && addDays(label, length) > today ? "open" : "over";
}

/** Total and change of a measure: the API's where it has one, else the mean of the days. */
export function totalOf(answer, name, points) {
  const i = answer ? answer.query.metrics.indexOf(name) : -1;
  if (i >= 0 && answer.results.length) {
    const row = answer.results[0];
    return { value: row.metrics[i], before: row.comparison?.metrics[i] ?? null, change: row.comparison?.change[i] ?? null, mean: false };
  }
  const over = points.filter((p) => !p.open && p.value !== null);
  const value = over.length ? average(over.map((p) => p.value)) : points.find((p) => p.open)?.value ?? null;
  const both = over.filter((p) => p.before !== null);
  const before = both.length ? average(both.map((p) => p.before)) : null;
  return { value, before, change: before ? average(both.map((p) => p.value)) / before - 1 : null, mean: true };
}

const average = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** The highest and the lowest day, and the deepest fall: against the same weekday a week before where there is one. */
export function notable(points, unit) {
  if (unit !== "day") return null;
  const begun = points.findIndex((p) => p.value);
  // The first day of all has only begun somewhere in it, unless the range begins later.
  const over = points.slice(begun > 0 ? begun + 1 : 0).filter((p) => !p.open && p.value !== null);
  if (begun < 0 || over.length < 4) return null;
  const lag = over.length >= 14 ? 7 : 1;
  let fall = null;
  over.forEach((p, i) => {
    const reference = over[i - lag]?.value;
    if (!(reference > 0)) return;
    const ratio = p.value / reference - 1;
    if (ratio < 0 && (!fall || ratio < fall.ratio)) fall = { label: p.label, ratio, lag, from: reference };
  });
  const highest = over.reduce((a, b) => (b.value > a.value ? b : a));
  const lowest = over.reduce((a, b) => (b.value < a.value ? b : a));
  return highest.value === lowest.value ? null : { highest, lowest, fall };
}

/** The deepest fall as a place on a chart, where it is deep and not of a few events only. */
export function fallMark(points, fall) {
  if (!fall || fall.ratio > FALL_MARKED || fall.from < FALL_FROM) return [];
  const text = `${Math.round(-100 * fall.ratio)} % below the ${fall.lag === 7 ? "same weekday" : "day"} before`;
  return [{ index: points.findIndex((p) => p.label === fall.label), text, kind: "fall" }];
}

/** Where definitions changed and where they were not in force, as places on a chart. */
export function marksOf(meta, key, points, unit, dayOf) {
  const entry = meta.metrics[key] ?? {};
  const changed = meta.warnings.some((w) => w.startsWith(`${key} was defined otherwise before`));
  const at = (moment) => placeAt(points, unit, moment, dayOf);
  const marks = [];
  if (changed && entry.since && at(entry.since) >= 0) marks.push({ index: at(entry.since), text: "definition changed here", kind: "changed" });
  for (const [from, to] of entry.gaps ?? []) {
    const start = Math.max(at(from), 0), end = to ? at(to) : points.length - 1;
    if (end >= 0) marks.push({ index: start, end, text: "another definition was in force", kind: "gap" });
  }
  return marks;
}

function placeAt(points, unit, moment, dayOf) {
  if (unit === "hour") {
    const t = new Date(moment).getTime();
    return points.findLastIndex((p) => new Date(p.label).getTime() <= t && t - new Date(p.label).getTime() < 3_600_000);
  }
  const day = dayOf(moment);
  const found = points.findLastIndex((p) => p.label <= day);
  const length = { day: 1, week: 7, month: 31 }[unit];
  return found >= 0 && addDays(points[found].label, length) > day ? found : -1;
}
