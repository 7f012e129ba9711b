// Owns what belonged to whom in a layer, and when: rows of time, each a row of stretches of buckets.

const NOBODY = { allocation: {} };

/** [{ from, until, stretches }], oldest first. from null: ever since, or not known. Drafts have no bucket yet. */
export function layerRows(layer, experiments) {
  const own = experiments.filter((e) => e.layer === layer.id && e.status !== "draft");
  const begun = new Map(own.map((e) => [e.id, begunAt(e)]));
  const moments = new Set([...begun.values(), ...own.flatMap((e) => e.epochs.slice(1).map((epoch) => epoch.effective_at))].filter(Boolean));
  const from = [null, ...[...moments].sort((a, b) => new Date(a) - new Date(b))];
  const rows = from.map((moment, i) => ({
    from: moment, until: from[i + 1] ?? null, stretches: filled(own.flatMap((e) => stretchesOf(e, epochAt(e, moment, begun.get(e.id)))), layer.buckets),
  }));
  // What was before the first experiment needs no row.
  return rows.length > 1 && rows[0].stretches.every((s) => !s.experiment) ? rows.slice(1) : rows;
}

/** When the first epoch really began, which for counting is open to the past: the start of a draft, else its first push.
 *  null where that isn't known, or can't be, as it is after the second epoch began. */
function begunAt({ epochs, history }) {
  const next = epochs[1]?.effective_at, before = (history ?? []).filter((entry) => !next || new Date(entry.at) < new Date(next));
  const entry = before.find((e) => e.fields?.includes("status")) ?? before.find((e) => e.outcome === "new");
  return entry?.at ?? null;
}

/** The row that is in force now. */
export function rowNow(rows, now) {
  return rows.findLast((row) => row.from === null || new Date(row.from) <= now);
}

/** Ranges of buckets of the running experiments of a layer but one. */
export function takenBy(layer, experiments, but) {
  const others = experiments.filter((e) => e.layer === layer.id && e.id !== but && e.status === "running");
  return others.flatMap((e) => stretchesOf(e, e));
}

/** How many buckets, of all, belong to nobody. */
export const freeOf = (stretches) => stretches.filter((s) => !s.experiment).reduce((sum, s) => sum + s.end - s.start, 0);

/** All buckets from 0 to the last, those of nobody as stretches of their own. */
export function filled(stretches, buckets) {
  const sorted = [...stretches].sort((a, b) => a.start - b.start), all = [];
  let at = 0;
  for (const stretch of sorted) {
    if (stretch.start > at) all.push({ start: at, end: stretch.start, experiment: null, variation: null });
    all.push(stretch);
    at = Math.max(at, stretch.end);
  }
  if (at < buckets) all.push({ start: at, end: buckets, experiment: null, variation: null });
  return all;
}

function epochAt(experiment, moment, begun) {
  if (begun && (moment === null || new Date(moment) < new Date(begun))) return NOBODY;
  if (moment === null) return experiment.epochs[0];
  return experiment.epochs.findLast((epoch) => epoch.effective_at === null || new Date(epoch.effective_at) <= new Date(moment));
}

function stretchesOf(experiment, epoch) {
  return Object.entries(epoch.allocation).flatMap(([variation, ranges]) =>
    ranges.map(([start, end]) => ({ start, end, experiment: experiment.id, variation })));
}
