// Owns making and changing an experiment: a form, the same as JSON, and what the service says of it.

import { Refused } from "../ask.js";
import { h, say } from "../dom.js";
import { words } from "../format.js";
import { newDefinition, opensEpoch } from "../experiments/draft.js";
import { takenBy } from "../experiments/layer_rows.js";
import { placeOf } from "../experiments/places.js";
import { EditForm } from "./edit_form.js";
import { goalsOf } from "./edit_goals.js";
import { definitionOf } from "./experiment_actions.js";

const DRAFT = "draft";

export class EditView {
  rhythm = "closed";
  #loaded = null;

  constructor(app) {
    this.app = app;
    this.back = h("a", { class: "back", href: "/" }, "‹ Back");
    this.title = h("h1", {});
    this.form = new EditForm(() => this.#tell());
    this.text = h("textarea", { id: "definition", rows: 28, spellcheck: "false", autocomplete: "off" });
    this.json = h("section", { class: "card", hidden: true }, h("label", { for: "definition" }, "The definition as JSON"), this.text);
    this.toggle = h("button", { type: "button", hidden: true, "aria-pressed": "false", onclick: () => this.#turn() }, "Edit as JSON");
    this.wrong = h("p", { class: "bad", role: "alert" });
    this.note = h("span", { class: "soft" });
    this.save = h("button", { class: "main" }, "Save");
    this.write = h("form", { novalidate: true, hidden: true }, this.form.node, this.json, h("div", { class: "card row save" }, this.save, this.note, this.wrong));
    this.write.addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
    this.node = h("div", { class: "edit" }, this.back, h("div", { class: "row head" }, this.title, this.toggle), this.write);
  }

  /** What is being written is not taken away: only another experiment is read anew. */
  async refresh(state, current) {
    this.back.href = this.app.link({ view: state.experiment ? "experiment" : "experiments", experiment: state.experiment });
    if (!this.app.service.mayWrite) return say(this.title, "This API key only reads");
    if (this.#loaded?.name === state.experiment) return undefined;
    const get = (kind, ...more) => this.app.service.get(placeOf(this.app, kind, ...more));
    const [{ experiments }, { layers }, own] = await Promise.all([get("experiments"), get("layers"), state.experiment ? get("experiments", state.experiment) : null]);
    if (current()) this.#lay(state.experiment, own, experiments, layers);
    return undefined;
  }

  #lay(name, own, experiments, layers) {
    const metrics = this.app.mine, definition = own ? definitionOf(own) : newDefinition(roomiest(layers, experiments), goalsOf(metrics)[0]);
    const around = { layers: [...layers], experiments, metrics, isNew: !own, hasRun: Boolean(own) && (own.status !== DRAFT || own.epochs.length > 1) };
    this.#loaded = { name, definition, around, tag: own ? this.app.service.tagOf(placeOf(this.app, "experiments", own.id)) : null };
    say(this.title, own ? `Edit ${words(own.id)}` : "New experiment");
    this.toggle.hidden = this.write.hidden = false;
    this.#turnTo(false);
    this.form.lay(definition, around);
  }

  #tell() {
    const { name, definition } = this.#loaded;
    const opens = name && opensEpoch(definition, this.form.read().definition);
    say(this.note, opens ? "Who gets what changes: a new epoch begins, and its results start from nothing." : "");
  }

  /** The definition as it is written now; null where it can't be read, which is said then. */
  #written() {
    this.form.fields.clear();
    say(this.wrong, "");
    try {
      if (!this.json.hidden) return JSON.parse(this.text.value);
    } catch (error) {
      say(this.wrong, `That is not JSON: ${error.message}.`);
      return null;
    }
    const { definition, faults } = this.form.read();
    // The first is shown last, and so has the focus.
    for (const { pointer, text } of faults.reverse()) if (!this.form.fields.show(pointer, text)) say(this.wrong, text);
    return faults.length ? null : definition;
  }

  #turn() {
    const definition = this.#written();
    if (!definition) return;
    if (this.json.hidden) this.text.value = JSON.stringify(definition, null, 2);
    else this.form.lay(definition, this.#loaded.around);
    this.#turnTo(this.json.hidden);
  }

  #turnTo(json) {
    this.json.hidden = !json;
    this.form.node.hidden = json;
    this.toggle.setAttribute("aria-pressed", String(json));
  }

  async #save() {
    const definition = this.#written();
    if (!definition) return;
    this.save.disabled = true;
    try {
      await this.#makeLayer();
      await this.app.service.change(placeOf(this.app, "experiments", definition.id || "-"), this.#loaded.tag, definition);
      this.#loaded = null;
      this.app.go({ view: "experiment", experiment: definition.id });
    } catch (error) {
      this.#refused(error);
    } finally {
      this.save.disabled = false;
    }
  }

  async #makeLayer() {
    const layer = this.json.hidden ? this.form.layerToMake : null;
    if (!layer) return;
    await this.app.service.change(placeOf(this.app, "layers", layer.id || "-"), null, { buckets: layer.buckets });
    this.form.layerMade(layer);
  }

  #refused(error) {
    if (error instanceof Refused && error.pointer && this.json.hidden && this.form.fields.show(error.pointer, error.message)) return;
    const again = error.status === 412 ? h("button", { type: "button", onclick: () => { this.#loaded = null; this.app.refresh(); } }, "Read it again") : "";
    this.wrong.replaceChildren(`${error.message}. `, again);
  }
}

/** The layer of which most is free; "" where there is none. */
function roomiest(layers, experiments) {
  const free = (layer) => 1 - takenBy(layer, experiments, "").reduce((sum, { start, end }) => sum + end - start, 0) / layer.buckets;
  return [...layers].sort((a, b) => free(b) - free(a))[0]?.id ?? "";
}
