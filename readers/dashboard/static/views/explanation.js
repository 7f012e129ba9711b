// Owns how an explanation looks: the verdict, what was read of the event, and a tree of clauses for each metric and experiment.
// Texts of the event are only ever set as text.

import { longDay } from "../days.js";
import { h } from "../dom.js";
import { words } from "../format.js";

const LOGIC = { $and: "all of", $or: "any of", $nor: "none of", $not: "not" };
const CLOCKS = {
  corrected: "the device's clock was ahead and is corrected", behind: "the device's clock seems behind; left as it is",
};

/** answer: the body of /v1/explain. link(change): an address. */
export function explanation(answer, link) {
  const metrics = [...answer.metrics].sort((a, b) => Number(b.matches) - Number(a.matches));
  return h("div", {}, h("section", { class: "card verdict" }, verdict(answer), facts(answer), warnings(answer)),
    metrics.map((metric) => ofMetric(metric, link)), (answer.experiments ?? []).map((experiment) => ofExperiment(experiment, link)));
}

function verdict({ rejected, counts_in: counted, metrics }) {
  if (rejected) return h("h2", {}, mark(false), `Rejected: ${words(rejected.reason)}`, h("p", { class: "soft" }, rejected.cause));
  const again = metrics.some((metric) => metric.counted_before);
  if (!counted.length) return h("h2", {}, mark(false), again ? "It was counted already" : "It counts in no metric");
  return h("h2", {}, mark(true), `It counts in ${counted.length} of ${metrics.length} ${metrics.length === 1 ? "metric" : "metrics"}`);
}

function facts({ account, event, visitor, message_id: id, time }) {
  const told = [["Account", account], ["Event", event ?? "no name"], ["Visitor", visitor ? `${visitor.id}, from ${visitor.from}` : "none"],
    ["Id", id ?? "none: its place in the source stands for it"]];
  if (time) told.push(["Day", `${longDay(time.day)}, ${time.local.slice(11, 19)} in ${time.timezone}, from ${time.from}`]);
  if (time && CLOCKS[time.clock]) told.push(["Clock", CLOCKS[time.clock]]);
  if (time?.late) told.push(["Late", "its day had ended more than 24 hours before it arrived; it counts as any other"]);
  return h("dl", {}, told.map(([name, text]) => [h("dt", {}, name), h("dd", {}, String(text))]));
}

function warnings({ warnings: texts }) {
  return texts.length ? h("ul", { class: "warnings" }, texts.map((text) => h("li", {}, text))) : null;
}

function ofMetric(metric, link) {
  const said = !metric.matches ? "does not match" : metric.counts ? "matches" : metric.counted_before ? "matches, but was counted already" : "would match, but the event is rejected";
  const tree = metric.where ? parts(metric.where.parts, "Every event matches.") : h("p", { class: "soft" }, "Its condition is too large to be shown.");
  return h("details", { class: "card judged", open: metric.matches },
    h("summary", {}, mark(metric.counts), h("b", {}, words(metric.id)), h("span", { class: "soft" }, said)),
    tree, metric.measures ? counts(metric) : null, h("p", {}, h("a", { href: link({ view: "metric", metric: metric.id }) }, "Its numbers")));
}

function ofExperiment({ id, exposure, variation, epoch, goals, why, where }, link) {
  const means = exposure ? [variation === undefined ? "an exposure" : `an exposure to ${variation} in epoch ${epoch}`] : [];
  if (goals.length) means.push(`of ${goals.join(", ")}, if at or after an exposure in epoch ${epoch}`);
  const said = [means.join(" and ") || "no exposure, and of none of its goals", why].filter(Boolean).join(": ");
  const tree = where ? parts(where.parts, "Every event is an exposure.") : h("p", { class: "soft" }, "Its condition is too large to be shown.");
  return h("details", { class: "card judged", open: exposure },
    h("summary", {}, mark(means.length > 0 && !why), h("b", {}, `Experiment ${id}`), h("span", { class: "soft" }, said)),
    tree, h("p", {}, h("a", { href: link({ view: "experiment", experiment: id }) }, "Its results")));
}

function parts(list, empty) {
  if (!list.length) return h("p", { class: "soft" }, empty);
  return h("ul", { class: "tree" }, list.map((part) => h("li", {}, part.logic
    ? [h("span", { class: "clause" }, mark(part.holds), h("b", {}, LOGIC[part.logic] ?? part.logic)), parts(part.parts, "nothing is asked")]
    : clause(part))));
}

function clause(part) {
  const saw = part.type === "absent" ? "nothing there" : part.type === "null" ? "null" : `${written(part, "value")} (${part.type})`;
  return [h("span", { class: "clause" }, mark(part.holds), h("code", {}, `${part.path} ${part.operator} ${written(part, "operand")}`)),
    h("span", { class: "saw" }, `saw ${saw}`)];
}

function counts({ measures, breakdowns }) {
  const under = Object.entries(breakdowns ?? {}).map(([path, value]) => h("li", {}, `counted under ${path} = ${value}`));
  return h("ul", { class: "tree adds" }, measures.map((measure) => h("li", {},
    h("span", { class: "clause" }, mark(measure.counts), h("b", {}, words(measure.name)), measure.counts === false ? null : adds(measure)),
    h("span", { class: "saw" }, measure.why ?? (measure.counts === null ? "only if it is the visitor's first" : "")))), under);
}

const adds = ({ aggregate, adds: number }) => ` ${["count", "sum"].includes(aggregate) ? "+" : ""}${number}`;
const written = (part, name) => (part[`${name}_cut`] ? part[name] : JSON.stringify(part[name]));

function mark(holds) {
  const [sign, kind, text] = holds ? ["✓", "yes", "true: "] : holds === false ? ["✗", "no", "false: "] : ["?", "open", "unknown: "];
  return h("span", { class: `mark-of ${kind}` }, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "unseen" }, text));
}
