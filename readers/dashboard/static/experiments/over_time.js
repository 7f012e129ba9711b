// Owns what is drawn of results over time: rates up to each day, and the confidence sequence as it came to be.

import { addDays } from "../days.js";

/** Every day from the first to the last on which anything was counted. */
export function daysOf(goal) {
  const named = goal.variations.flatMap((v) => v.days.map((d) => d.day)).sort();
  if (!named.length) return [];
  const days = [named[0]];
  while (days.at(-1) < named.at(-1)) days.push(addDays(days.at(-1), 1));
  return days;
}

/** Of one variation by day: [{ visitors, total, value }] of all days up to that one. */
export function cumulative({ days: counted }, days) {
  const of = new Map(counted.map((d) => [d.day, d]));
  let visitors = 0, total = 0;
  return days.map((day) => {
    visitors += of.get(day)?.visitors ?? 0;
    total += of.get(day)?.total ?? 0;
    return { visitors, total, value: visitors ? total / visitors : null };
  });
}

/** The confidence sequence by day: [{ difference, low, high }]; a day without events is as the one before. */
export function sequence({ versus_control: compared }, days) {
  const of = new Map((compared?.over_time ?? []).map((d) => [d.day, d]));
  let last = { difference: null, low: null, high: null };
  return days.map((day) => {
    const found = of.get(day);
    if (found) last = { difference: found.difference, low: found.interval?.[0] ?? null, high: found.interval?.[1] ?? null };
    return last;
  });
}

/** The heights worth drawing: the first intervals are so wide that nothing else would be seen. */
export function heightsOf(sequences) {
  const last = sequences.flatMap((s) => [s.at(-1)?.low, s.at(-1)?.high]).filter(Number.isFinite).map(Math.abs);
  const middle = sequences.flatMap((s) => s.map((d) => d.difference)).filter(Number.isFinite).map(Math.abs);
  const reach = Math.max(2.5 * Math.max(0, ...last), last.length ? 0 : 1.2 * Math.max(0, ...middle));
  const all = sequences.flatMap((s) => s.flatMap((d) => [d.low, d.high, d.difference])).filter(Number.isFinite);
  if (!all.length || !reach) return null;
  return [Math.max(Math.min(0, ...all), -reach) * 1.08, Math.min(Math.max(0, ...all), reach) * 1.08];
}
