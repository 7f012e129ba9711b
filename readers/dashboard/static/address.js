// Owns what stands in the address: the page's whole state but the theme and the key, so that it can be shared.

import { isDay, PRESETS } from "./days.js";

// Those that stand in the address by their name; the others are told by the metric or the experiment it names.
const NAMED = ["explain", "experiments", "edit"];
export const COMPARES = [["previous_period", "Previous period"], ["previous_year", "Previous year"], ["none", "No comparison"]];
export const UNITS = ["auto", "hour", "day", "week", "month"];

export const DEFAULTS = Object.freeze({
  view: "overview", account: "", metric: "", measure: "", range: "30d", compare: "previous_period", unit: "auto", by: "",
  value: null, find: "", experiment: "", epoch: "", goal: "",
});

/** The state that an address's query part stands for. What is unknown or wrong becomes the default. */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  const text = (name) => given.get(name) ?? "";
  const one = (name, known) => (known.includes(text(name)) ? text(name) : DEFAULTS[name]);
  const metric = text("metric"), experiment = text("experiment");
  return {
    view: NAMED.includes(text("view")) ? text("view") : experiment ? "experiment" : metric ? "metric" : "overview",
    account: text("account"),
    metric,
    measure: text("measure"),
    range: readRange(given),
    compare: one("compare", COMPARES.map(([name]) => name)),
    unit: one("unit", UNITS),
    by: text("by"),
    value: given.has("value") ? text("value") : null,
    find: text("find"),
    experiment,
    epoch: /^[1-9]\d{0,8}$/.test(text("epoch")) ? text("epoch") : "",
    goal: text("goal"),
  };
}

/** The query part for a state, with what differs from the default; "" for the plain page. */
export function writeAddress(state) {
  const parts = new URLSearchParams();
  if (NAMED.includes(state.view)) parts.set("view", state.view);
  for (const name of ["account", "metric", "experiment", "measure", "range", "compare", "unit", "epoch", "goal", "by", "value", "find"]) {
    if (Array.isArray(state[name])) {
      parts.set("from", state.range[0]);
      parts.set("to", state.range[1]);
    } else if (state[name] !== DEFAULTS[name]) parts.set(name, state[name]);
  }
  const written = parts.toString();
  return written ? `?${written}` : "";
}

/** The state after a step; going to another metric or experiment leaves behind what only the last one had. */
export function step(state, change) {
  const other = ["metric", "experiment"].some((name) => name in change && change[name] !== state[name]);
  const next = { ...state, ...(other ? { measure: "", by: "", value: null, epoch: "", goal: "" } : {}), ...change };
  if (("by" in change && change.by !== state.by) && !("value" in change)) next.value = null;
  if (change.experiment) next.view = change.view ?? "experiment";
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
