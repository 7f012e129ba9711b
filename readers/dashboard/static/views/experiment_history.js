// Owns what was done to an experiment: who changed what when, and which epoch that opened.

import { h } from "../dom.js";
import { momentText } from "../experiments/say.js";

const DONE = { new: "defined", changed: "changed", deleted: "deleted", unchanged: "pushed again" };

/** entries: oldest first; null or undefined where the service does not know. */
export function historyList(entries, zone) {
  const title = h("header", {}, h("h2", {}, "History"));
  if (!entries?.length) return [title, h("p", { class: "soft" }, "Nobody changed it here. What is changed by a file's owner is not written down.")];
  return [title, h("ol", { class: "history" }, [...entries].reverse().map((entry) => h("li", {},
    h("time", { datetime: entry.at }, momentText(entry.at, zone)), h("span", {}, said(entry), entry.by ? h("span", { class: "soft" }, ` by ${entry.by}`) : null))))];
}

function said({ outcome, fields = [], epoch }) {
  const what = fields.length ? `${DONE[outcome] ?? outcome}: ${fields.join(", ")}` : DONE[outcome] ?? outcome;
  return epoch ? [h("b", {}, what), ` – epoch ${epoch.number} began`] : h("b", {}, what);
}
