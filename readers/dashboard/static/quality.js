// Owns telling what the numbers rest on: what was dropped, rejected or late, and what the service warns of.

import { h } from "./dom.js";
import { compact, full } from "./format.js";
import { REJECTED } from "./questions.js";

const NOTES = {
  rejected: ["rejected", "Records that could not be counted. Choose this to see why."],
  duplicates: ["duplicates dropped", "Deliveries of events that were counted already; a rough figure, retries add to it"],
  no_visitor: ["without a visitor", "Events that name no visitor: they count, but in no measure that counts visitors"],
  late: ["late", "Events that arrived more than a day after their day had ended; counted as any other"],
  no_number: ["without a number", "Events whose field is no number: the measure of that field leaves them out"],
};

/** The receipt of an answer as a list. link(change) gives addresses. */
export function qualityNotes(meta, link) {
  const counted = Object.entries(NOTES).filter(([name]) => meta.quality[name]);
  const chips = counted.map(([name, [text, why]]) => {
    const shown = [h("b", { title: full(meta.quality[name]) }, compact(meta.quality[name])), ` ${text}`];
    if (name === "rejected") return h("li", { title: why }, h("a", { href: link({ metric: REJECTED, view: "metric" }) }, shown));
    return h("li", { title: why, tabindex: 0 }, shown, h("span", { class: "unseen" }, `: ${why}`));
  });
  const clean = chips.length ? [] : [h("li", { class: "clean" }, "✓ nothing rejected, dropped or late")];
  return h("div", { class: "quality" },
    h("ul", { class: "chips", "aria-label": "Quality of these numbers" }, chips, clean),
    meta.warnings.length ? h("ul", { class: "warnings", "aria-label": "Warnings" }, meta.warnings.map((text) => h("li", {}, readable(text)))) : null);
}

/** Moments as people write them; nobody needs their milliseconds. */
const readable = (text) => text.replace(/(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):[\d.]+(?:Z|\+00:00)/g, "$1 $2 UTC");

/** Several answers' receipts as one. */
export function together(metas) {
  const quality = {};
  for (const meta of metas) {
    for (const [name, count] of Object.entries(meta.quality)) {
      // Rejects are the account's, the same in each answer; the others are the metrics' own.
      quality[name] = name === "rejected" ? Math.max(quality[name] ?? 0, count) : (quality[name] ?? 0) + count;
    }
  }
  // What has no total over several days is shown as its mean day, so that it is not left out here.
  const warnings = metas.flatMap((meta) => meta.warnings).filter((text) => !text.includes(" is left out: "));
  return { quality, warnings: [...new Set(warnings)] };
}
