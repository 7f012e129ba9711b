// Owns the part of the form about goals: measures of the account's metrics, which direction is better, what vetoes.

import { h } from "../dom.js";
import { goalName } from "../experiments/say.js";
import { choice, small } from "./edit_fields.js";

const BETTER = [["higher", "Higher is better"], ["lower", "Lower is better"]];

/** Names of measures that visitors add up to. */
export function goalsOf(metrics) {
  return metrics.flatMap((metric) => Object.entries(metric.measures).filter(([, m]) => ["count", "sum"].includes(m.aggregate)).map(([name]) => `${metric.id}.${name}`));
}

export class EditGoals {
  constructor(fields) {
    this.fields = fields;
    this.rows = h("div", { class: "rows" });
    this.node = h("section", { class: "card", "aria-label": "Goals" }, h("h2", {}, "Goals"), h("p", { class: "soft" }, "The first decides. A guardrail only vetoes: where it gets worse, nothing is shipped."), this.rows);
  }

  show(form, changed = this.changed) {
    this.changed = changed;
    const { goals } = form.draft, known = goalsOf(form.metrics);
    const again = (make) => { make(); this.show(form); this.changed(); };
    this.rows.replaceChildren(...goals.map((goal, i) => {
      const names = known.includes(goal.goal) ? known : [goal.goal, ...known];
      const guardrail = h("input", { type: "checkbox", checked: goal.guardrail, onchange: () => { goal.guardrail = guardrail.checked; } });
      return h("div", { class: "fields" },
        this.fields.field(i ? "Goal" : "Primary goal", choice(goal, "goal", names.map((name) => [name, goalName(name)])), { pointer: () => `/goals/${i}` }),
        this.fields.field("Direction", choice(goal, "better", BETTER), { pointer: () => `/goals/${i}/better` }),
        this.fields.field("Guardrail", guardrail, { pointer: () => `/goals/${i}/guardrail` }),
        i ? small("↑", `Move ${goalName(goal.goal)} up`, () => again(() => goals.splice(i - 1, 0, ...goals.splice(i, 1)))) : null,
        small("×", `Remove goal ${goalName(goal.goal)}`, () => again(() => goals.splice(i, 1))));
    }), known.length ? small("Add a goal", "Add a goal", () => again(() => goals.push({ goal: known.find((n) => !goals.some((g) => g.goal === n)) ?? known[0], better: "higher", guardrail: false }))) :
      h("p", { class: "empty" }, "No metric is defined that could be a goal."));
  }
}
