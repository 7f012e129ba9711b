// Owns starting, stopping and deleting an experiment, each asked twice, and the way to its form.

import { h, renew, say } from "../dom.js";
import { placeOf } from "../experiments/places.js";

const STEPS = {
  draft: [["Start", { status: "running" }, "Start it: visitors are assigned from now on?"], ["Delete", null, "Delete it for good?"]],
  running: [["Stop", { status: "stopped" }, "Stop it: its buckets are free again, and everybody gets the default?"]],
  stopped: [["Delete", null, "Delete it? Its numbers stay in the store."]],
};

export class ExperimentActions {
  #own = null;

  constructor(app) {
    this.app = app;
    this.buttons = h("div", { class: "row" });
    this.wrong = h("p", { class: "bad", role: "alert" });
    this.node = h("div", { class: "actions" }, this.buttons, this.wrong);
  }

  /** experiment: as the service shows it, or null. */
  update(experiment) {
    this.#own = experiment;
    this.node.hidden = !experiment || !this.app.service.mayWrite;
    if (!experiment) return;
    renew(this.buttons, JSON.stringify([experiment.id, experiment.status]), () => this.#offer());
  }

  #offer() {
    say(this.wrong, "");
    const { id, status } = this.#own;
    return [h("a", { class: "button", href: this.app.link({ view: "edit", experiment: id }), "data-key": "edit" }, status === "stopped" ? "Change or start again" : "Edit"),
      ...STEPS[status].map((step) => h("button", { type: "button", "data-key": step[0], onclick: () => this.#confirm(step) }, step[0]))];
  }

  #confirm([name, change, question]) {
    const back = h("button", { type: "button", onclick: () => this.#again() }, "No");
    this.buttons.replaceChildren(h("span", {}, question), h("button", { type: "button", class: "main", onclick: () => this.#do(change) }, `Yes, ${name.toLowerCase()}`), back);
    back.focus();
  }

  #again() {
    this.buttons.replaceChildren(...this.#offer());
  }

  async #do(change) {
    const { app } = this, path = placeOf(app, "experiments", this.#own.id);
    try {
      await app.service.change(path, app.service.tagOf(path), change ? { ...definitionOf(this.#own), ...change } : undefined);
      this.#again();
      if (change) await app.refresh();
      else app.go({ view: "experiments", experiment: "" });
    } catch (error) {
      this.#again();
      say(this.wrong, `${error.message}.`);
    }
  }
}

/** What an experiment says, without what it is only shown with. */
export function definitionOf({ account, timezone, revision, epoch, epochs, history, outcome, before, fields, notes, ...definition }) {
  return definition;
}
