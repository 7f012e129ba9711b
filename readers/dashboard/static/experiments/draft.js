// Owns what the form holds: a definition as texts that people change, and back. What is valid is the service's to say.

import { bucketsOf, sizeOf } from "./allocator.js";

export const TYPES = ["string", "number", "integer", "boolean", "json"];
const TIMES = ["effective_at", "start", "end"];

/** A new experiment in a layer, with two halves. */
export const newDefinition = (layer, goal) => ({
  id: "", layer, status: "draft", parameters: { variant: { type: "string", default: "control" } },
  variations: [{ id: "control", parameters: {} }, { id: "treatment", parameters: { variant: "treatment" } }],
  allocation: {}, eligible: {}, exposure: { where: { event: "Experiment Viewed", "properties.experimentName": "" }, variation: "properties.variationName" },
  breakdowns: [], goals: goal ? [{ goal, better: "higher", guardrail: false }] : [], control: "control",
});

/** definition: as the service shows it, without what it only shows. buckets: of its layer. */
export function draftOf(definition, buckets) {
  const { parameters = {}, variations = [], allocation = {}, exposure = {}, eligible = {}, breakdowns = [], goals = [], ...rest } = definition;
  const names = Object.keys(parameters);
  return {
    rest,
    parameters: names.map((name) => ({ name, type: parameters[name].type, default: textOf(parameters[name].default, parameters[name].type) })),
    variations: variations.map((v) => ({
      id: v.id, before: v.id, percent: percentOf(sizeOf(allocation[v.id]), buckets), exact: sizeOf(allocation[v.id]),
      values: names.map((name) => (name in (v.parameters ?? {}) ? textOf(v.parameters[name], parameters[name].type) : "")),
    })),
    held: allocation,
    where: written(exposure.where ?? {}), path: exposure.variation ?? "",
    eligible: written(eligible), breakdowns: breakdowns.join(", "),
    goals: goals.map((g) => (typeof g === "string" ? { goal: g, better: "higher", guardrail: false } : { better: "higher", guardrail: false, ...g })),
  };
}

/** { definition, faults: [{ pointer, text }] }. allocation: as the allocator has it. */
export function definitionOf(draft, allocation) {
  const faults = [];
  const read = (pointer, make) => {
    try {
      return make();
    } catch (error) {
      faults.push({ pointer, text: error.message });
      return null;
    }
  };
  const { parameters } = draft;
  const rest = Object.fromEntries(Object.entries(draft.rest).filter(([name, value]) => !(TIMES.includes(name) && !value)));
  const definition = {
    ...rest,
    parameters: Object.fromEntries(parameters.map((p) => [p.name, { type: p.type, default: read(`/parameters/${p.name}/default`, () => valueOf(p.default, p.type)) }])),
    variations: draft.variations.map((v, i) => ({
      id: v.id,
      parameters: Object.fromEntries(parameters.flatMap((p, n) =>
        (v.values[n] ? [[p.name, read(`/variations/${i}/parameters/${p.name}`, () => valueOf(v.values[n], p.type))]] : []))),
    })),
    allocation,
    eligible: read("/eligible", () => objectOf(draft.eligible)),
    exposure: { where: read("/exposure/where", () => objectOf(draft.where)), variation: draft.path },
    breakdowns: draft.breakdowns.split(",").map((path) => path.trim()).filter(Boolean),
    goals: draft.goals,
  };
  return { definition, faults };
}

/** Buckets that each variation is to have; what was not touched keeps its very number. */
export function wantedOf(draft, buckets) {
  const percents = draft.variations.map((v) => (v.exact === null ? Number(v.percent) || 0 : (100 * v.exact) / buckets));
  const counts = bucketsOf(percents, buckets);
  return Object.fromEntries(draft.variations.map((v, i) => [v.id, counts[i]]));
}

/** The buckets that variations have now, under the names they are to have; those that are taken out keep theirs. */
export function heldOf(draft) {
  return Object.fromEntries(Object.entries(draft.held).map(([name, ranges]) => [draft.variations.find((v) => v.before === name)?.id ?? name, ranges]));
}

/** Whether every variation still has the buckets that it came with. */
export function isUntouched(draft) {
  return draft.variations.every((v) => v.exact !== null) && Object.keys(draft.held).every((name) => draft.variations.some((v) => v.before === name));
}

/** All shares so that together they are `percent`, in the proportions they have; equal where they have none. */
export function ramp(draft, percent) {
  const shares = draft.variations.map((v) => Number(v.percent) || 0), sum = shares.reduce((a, b) => a + b, 0);
  draft.variations.forEach((v, i) => {
    v.exact = null;
    v.percent = String(Number((percent * (sum ? shares[i] / sum : 1 / shares.length)).toFixed(3)));
  });
}

/** Whether numbers begin anew with a change: who gets what is another. */
export function opensEpoch(before, after) {
  const sign = (d) => JSON.stringify([sorted(d.allocation), d.variations, d.eligible, d.parameters, d.layer]);
  return before.status === "running" && (after.status === "stopped" || sign(before) !== sign(after));
}

const sorted = (allocation) => Object.entries(allocation ?? {}).filter(([, ranges]) => ranges.length).sort(([a], [b]) => (a < b ? -1 : 1));
const percentOf = (size, buckets) => String(Number(((100 * size) / buckets).toFixed(2)));
const written = (value) => (Object.keys(value).length ? JSON.stringify(value, null, 2) : "");
const textOf = (value, type) => (type === "string" && typeof value === "string" ? value : JSON.stringify(value));

function valueOf(text, type) {
  if (type === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`“${text}” is not of the type ${type}`);
  }
}

function objectOf(text) {
  if (!text.trim()) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`That is not JSON: ${error.message}`);
  }
}
