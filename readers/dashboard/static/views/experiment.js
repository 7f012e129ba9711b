// Owns the page of one experiment: what to do, why, how the variations did, over time and in the buckets of its layer.

import { Refused } from "../ask.js";
import { h, renew, say } from "../dom.js";
import { lastPart, words } from "../format.js";
import { coloursOf, placeOf } from "../experiments/places.js";
import { momentText } from "../experiments/say.js";
import { Whole } from "../experiments/whole.js";
import { ByValue } from "./by_value.js";
import { badge } from "./experiments.js";
import { definitionOf, ExperimentActions } from "./experiment_actions.js";
import { historyList } from "./experiment_history.js";
import { GoalCard } from "./goal_card.js";
import { LayerPicture } from "./layers_picture.js";
import { OverTimeCard } from "./over_time_card.js";
import { VerdictCard } from "./verdict_card.js";

const HOW = "The thick bar is the always-valid interval: it may be looked at whenever you like, and a winner may be called as soon as it leaves the zero line. "
  + "The thin line is the fixed-horizon interval: narrower, but right only if looked at once, on a day chosen before.";
const SEVERAL = " With several variations the verdict asks for more than one bar that leaves the line: among many, one does so by chance.";

export class ExperimentView {
  rhythm = "open";
  #goals = new Map();
  #last = null;

  constructor(app) {
    this.app = app;
    this.whole = new Whole(app);
    this.back = h("a", { class: "back", href: "/" }, "‹ Experiments");
    this.title = h("h1", {});
    this.about = h("p", { class: "soft" });
    this.actions = new ExperimentActions(app);
    this.choices = h("div", { class: "row picks" });
    this.verdict = new VerdictCard();
    this.goals = h("div", {});
    this.how = h("p", { class: "soft fine how" });
    this.by = new ByValue(app);
    this.time = new OverTimeCard(app);
    this.layer = new LayerPicture(app);
    this.history = h("section", { class: "card", "aria-label": "History" });
    this.definition = h("details", { class: "card definition" });
    this.body = h("div", {}, this.verdict.node, this.goals, this.by.node, this.time.node, this.layer.node, this.history, this.definition);
    this.node = h("div", { class: "detail experiment" }, this.back, h("div", { class: "row head" }, this.title, this.actions.node), this.about, this.choices, this.body);
  }

  async refresh(state, current) {
    this.back.href = this.app.link({ view: "experiments", experiment: "" });
    // What leads on from here does so from the present state, whatever the numbers still are of.
    if (this.#last?.[0].id === state.experiment) this.#show(state, ...this.#last);
    const get = (kind, ...more) => this.app.service.get(placeOf(this.app, kind, ...more));
    try {
      const [own, { experiments }, { layers }] = await Promise.all([get("experiments", state.experiment), get("experiments"), get("layers")]);
      const asked = { ...(state.epoch ? { epoch: state.epoch } : {}), ...(own.breakdowns.includes(state.by) ? { by: state.by } : {}) };
      const beside = experiments.filter((e) => e.layer === own.layer && e.id !== own.id);
      const [results, others] = await Promise.all([get("experiments", state.experiment, "/results", asked), this.whole.all(beside)]);
      if (!current()) return;
      this.#last = [own, results, [own, ...others], layers];
      this.#show(state, ...this.#last);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404) throw error;
      if (current()) this.#unknown(error.message);
    }
  }

  close() {
    this.time.close();
  }

  #show(state, own, results, experiments, layers) {
    const zone = this.app.zone, colours = coloursOf(own, results.goals[0].variations.map((v) => v.id));
    renew(this.title, JSON.stringify([own.id, own.status]), () => [h("span", {}, words(own.id)), badge(own.status)]);
    say(this.about, own.description);
    this.body.hidden = false;
    this.actions.update(own);
    this.rhythm = own.status === "running" ? "open" : "closed";
    renew(this.choices, JSON.stringify([own.epochs, own.breakdowns, state, results.epoch]), () => [this.#epochs(own, Number(state.epoch) || results.epoch), this.#breakdowns(own, state)]);
    this.verdict.update(results, zone);
    this.#compare(results, colours);
    this.by.update(results, colours);
    this.time.update(results, state.goal, colours);
    const layer = layers.find((l) => l.id === own.layer), latest = coloursOf(own);
    this.layer.node.hidden = !layer;
    if (layer) this.layer.update(layer, experiments, { paint: (id, variation) => (id === own.id ? latest.get(variation) ?? colours.get(variation) ?? "c5" : "others"), chosen: own.id });
    renew(this.history, JSON.stringify(own.history ?? null), () => historyList(own.history, zone));
    const { revision } = own, definition = definitionOf(own);
    renew(this.definition, JSON.stringify(definition), () => [h("summary", {}, "How it is defined"),
      h("pre", { tabindex: 0 }, JSON.stringify(definition, null, 2)), h("p", { class: "soft" }, `Revision ${revision}`)]);
  }

  #compare(results, colours) {
    const cards = results.goals.map((goal) => {
      if (!this.#goals.has(goal.goal)) this.#goals.set(goal.goal, new GoalCard(this.app));
      const card = this.#goals.get(goal.goal);
      card.update(goal, results.control, colours);
      return card;
    });
    renew(this.goals, JSON.stringify(results.goals.map((goal) => goal.goal)), () => [cards[0].node, this.how, ...cards.slice(1).map((card) => card.node)]);
    say(this.how, HOW + (colours.size > 2 ? SEVERAL : ""));
  }

  #epochs(own, chosen) {
    if (own.epochs.length < 2) return null;
    const name = ({ number, effective_at: at }) => `Epoch ${number}: ${at ? `since ${momentText(at, this.app.zone)}` : "from the beginning"}`;
    const select = h("select", { "data-key": "epoch", onchange: () => this.app.go({ epoch: select.value }) },
      own.epochs.map((epoch) => h("option", { value: epoch.number, selected: epoch.number === chosen }, name(epoch))));
    return h("label", { class: "compare" }, h("span", {}, "Results of"), select);
  }

  #breakdowns(own, state) {
    if (!own.breakdowns.length) return null;
    const link = (by, text) => h("a", { href: this.app.link({ by }), "data-key": `by ${by}`, title: by, ...(state.by === by ? { "aria-current": "true" } : {}) }, text);
    return h("nav", { class: "choices", "aria-label": "Breakdowns" }, link("", "all visitors"), own.breakdowns.map((path) => link(path, `by ${lastPart(path)}`)));
  }

  #unknown(message) {
    this.#last = null;
    renew(this.title, message, () => h("span", {}, "There is no such experiment"));
    say(this.about, `${message}.`);
    this.body.hidden = true;
    this.actions.update(null);
    renew(this.choices, "", () => []);
  }
}
