// Owns the bodies of the queries that the views ask, from the page's state. No network here.

import { daysBetween } from "./days.js";

export const HOUR_DAYS_MAX = 14;
export const TOP = 5;
export const LIMIT = 10_000;
export const REJECTED = "_rejected";

/** Rejected events, which the service counts by itself, in the form of /v1/metrics. */
export const rejectedMetric = (account, timezone) => ({
  account, timezone, id: REJECTED, description: "Records that could not be counted, by reason",
  measures: { rejected: { aggregate: "count" } }, breakdowns: ["reason"], where: {},
});

/** The rows a chart has: hours for one day, else days. */
export function unitOf(state, span) {
  const days = daysBetween(...span);
  if (state.unit === "hour") return days <= HOUR_DAYS_MAX ? "hour" : "day";
  if (state.unit !== "auto") return state.unit;
  return days === 1 ? "hour" : "day";
}

/** What all queries of the page have in common. `open`: no key decides the account, so it is named. */
export function common(state, account, open) {
  return {
    date_range: state.range,
    ...(state.compare === "none" ? {} : { compare: state.compare }),
    ...(open ? { account } : {}),
  };
}

export function overTime(base, metrics, unit, filter) {
  return { ...base, metrics, dimensions: [`time:${unit}`], limit: LIMIT, ...kept(filter) };
}

export function totals(base, metrics, filter) {
  return { ...base, metrics, ...kept(filter) };
}

export function byValue(base, name, breakdown) {
  return { ...base, metrics: [name], dimensions: [breakdown], limit: 100 };
}

/** The chosen values over time, without a comparison. */
export function valuesOverTime(base, name, breakdown, values, unit) {
  const { compare, ...rest } = base;
  return { ...rest, metrics: [name], dimensions: [`time:${unit}`, breakdown], limit: LIMIT, filters: [["is", breakdown, values]] };
}

export const isUnfit = (measure) => measure.once_per === "visitor_day"; // has no total over several days
export const isLine = (measure) => ["min", "max", "mean"].includes(measure.aggregate);

/** What a measure counts, in a few words. */
export function measureNote({ aggregate, field, once_per: once }) {
  const what = aggregate === "count" ? (once ? "visitors" : "events") : `${aggregate} of ${field}`;
  return once === "visitor_day" ? `${what}, each once a day` : once ? `${what}, each once, at the first time` : what;
}

function kept(filter) {
  return filter && filter.value !== null ? { filters: [["is", filter.by, [filter.value]]] } : {};
}
