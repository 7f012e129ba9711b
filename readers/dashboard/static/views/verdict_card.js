// Owns what is to be done about an experiment, in words, and what that rests on: the split, who was left out, guardrails.

import { h, renew } from "../dom.js";
import { share } from "../format.js";
import { countText, goalName, powerText, pText, sinceText, standing, verdictOf, visitorsOf } from "../experiments/say.js";

const SIGNS = { ship: "✓", rollback: "✗", broken: "!", keep_running: "…", no_difference: "=", draft: "○" };

export class VerdictCard {
  constructor() {
    this.node = h("section", { class: "card decision", "aria-label": "Verdict" });
  }

  update(results, zone) {
    const { kind, title, reason } = verdictOf(results);
    this.node.dataset.kind = kind;
    renew(this.node, JSON.stringify([results.decision, results.sample_ratio, results.excluded, results.goals.map(brief), results.power, results.since, results.until, kind]), () => [
      h("div", { class: "said" }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), h("div", {}, h("h2", {}, title), h("p", {}, reason))),
      progress(results), h("ul", { class: "checks", "aria-label": "What this rests on" }, checks(results, zone)),
    ]);
  }
}

const brief = (goal) => [goal.goal, goal.guardrail, goal.variations.map((v) => standing(goal, v.versus_control))];

function progress({ power, decision, status }) {
  const text = powerText(power), open = status === "running" && decision.verdict === "keep_running";
  if (!text || !open || decision.reason.includes("takes another")) return null;
  return h("p", { class: "soft" }, text);
}

function checks(results, zone) {
  const visitors = visitorsOf(results), { excluded, sample_ratio: ratio } = results;
  return [
    check("fact", h("b", {}, countText(visitors)), ` visitors ${sinceText(results, zone)}`),
    visitors ? splitCheck(ratio) : null,
    ...results.goals.filter((goal) => goal.guardrail).map(guardrail),
    ...Object.entries(LEFT_OUT).map(([name, text]) => (excluded[name] ? check("fact", h("b", {}, countText(excluded[name])), ` ${text[excluded[name] === 1 ? 0 : 1]}`) : null)),
  ];
}

const LEFT_OUT = {
  several_variations: ["visitor saw several variations and is in no number here", "visitors saw several variations and are in no number here"],
  unknown_variation: ["visitor saw a variation that this epoch doesn't have", "visitors saw a variation that this epoch doesn't have"],
  forgotten_goal_events: ["goal event was too much or too late to be remembered, and is in no total", "goal events were too many or too late to be remembered, and are in no total"],
};

function splitCheck({ ok, p_value: p, expected, observed }) {
  const all = Object.values(observed).reduce((a, b) => a + b, 0);
  const parts = Object.keys(expected).map((v) => `${v} ${share(observed[v] ?? 0, all)} (set: ${share(expected[v], 1)})`).join(", ");
  const text = ok ? "Visitors come in the shares that were set" : "Visitors don't come in the shares that were set";
  return check(ok ? "well" : "wrong", text, h("small", { class: "soft", title: `chi-squared p-value ${p}` }, ` ${parts}; p ${pText(p)}`));
}

function guardrail(goal) {
  const worse = goal.variations.filter((v) => standing(goal, v.versus_control) === "worse").map((v) => v.id);
  if (worse.length) return check("wrong", `Guardrail ${goalName(goal.goal)}: worse in ${worse.join(", ")}`);
  return check("well", `Guardrail ${goalName(goal.goal)}: not worse so far`);
}

const MARKS = { well: ["✓", "yes"], wrong: ["✗", "no"], fact: ["·", ""] };

function check(kind, ...told) {
  const [sign, tone] = MARKS[kind];
  return h("li", {}, h("span", { class: `mark-of ${tone}`, "aria-hidden": "true" }, sign), h("span", {}, told));
}
