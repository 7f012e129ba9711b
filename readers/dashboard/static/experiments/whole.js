// Owns experiments with their epochs, which the list leaves out: each is asked for when the list says it is another.

import { placeOf } from "./places.js";

export class Whole {
  #held = new Map(); // id -> { sign, experiment }

  constructor(app) {
    this.app = app;
  }

  /** Those of a list, with their epochs. */
  all(listed) {
    return Promise.all(listed.map((experiment) => this.#one(experiment)));
  }

  async #one(listed) {
    const sign = JSON.stringify(listed), held = this.#held.get(listed.id);
    if (held?.sign === sign) return held.experiment;
    const experiment = await this.app.service.get(placeOf(this.app, "experiments", listed.id));
    this.#held.set(listed.id, { sign, experiment });
    return experiment;
  }
}

/** One of a list, as if what is in force now were its only epoch. */
export const asOfNow = (listed) => ({ ...listed, epochs: [{ number: listed.epoch, effective_at: null, allocation: listed.allocation }] });
