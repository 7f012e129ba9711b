// Owns what stands in the address: the page's whole state but the theme and the key, so that it can be shared.

import { isDay, PRESETS } from "./days.js";

export const VIEWS = ["overview", "metric", "explain"];
export const COMPARES = [["previous_period", "Previous period"], ["previous_year", "Previous year"], ["none", "No comparison"]];
export const UNITS = ["auto", "hour", "day", "week", "month"];

export const DEFAULTS = Object.freeze({
  view: "overview", account: "", metric: "", measure: "", range: "30d", compare: "previous_period", unit: "auto", by: "",
  value: null, find: "",
});

/** The state that an address's query part stands for. What is unknown or wrong becomes the default. */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  const text = (name) => given.get(name) ?? "";
  const one = (name, known) => (known.includes(text(name)) ? text(name) : DEFAULTS[name]);
  const metric = text("metric");
  return {
    view: text("view") === "explain" ? "explain" : metric ? "metric" : "overview",
    account: text("account"),
    metric,
    measure: text("measure"),
    range: readRange(given),
    compare: one("compare", COMPARES.map(([name]) => name)),
    unit: one("unit", UNITS),
    by: text("by"),
    value: given.has("value") ? text("value") : null,
    find: text("find"),
  };
}

/** The query part for a state, with what differs from the default; "" for the plain page. */
export function writeAddress(state) {
  const parts = new URLSearchParams();
  if (state.view === "explain") parts.set("view", "explain");
  for (const name of ["account", "metric", "measure", "range", "compare", "unit", "by", "value", "find"]) {
    if (Array.isArray(state[name])) {
      parts.set("from", state.range[0]);
      parts.set("to", state.range[1]);
    } else if (state[name] !== DEFAULTS[name]) parts.set(name, state[name]);
  }
  const written = parts.toString();
  return written ? `?${written}` : "";
}

/** The state after a step; going to another metric leaves behind what only the last one had. */
export function step(state, change) {
  const other = "metric" in change && change.metric !== state.metric;
  const next = { ...state, ...(other ? { measure: "", by: "", value: null } : {}), ...change };
  if (("by" in change && change.by !== state.by) && !("value" in change)) next.value = null;
  if (!("view" in change) && "metric" in change) next.view = change.metric ? "metric" : "overview";
  if ("range" in change && !("unit" in change)) next.unit = "auto";
  return next;
}

function readRange(given) {
  const from = given.get("from"), to = given.get("to");
  if (isDay(from) && isDay(to)) return from <= to ? [from, to] : [to, from];
  const name = given.get("range");
  return PRESETS.some(([known]) => known === name) ? name : DEFAULTS.range;
}
