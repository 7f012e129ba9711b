// Owns what belonged to whom in a layer, and when: rows of time, each a row of stretches of buckets.

/** [{ from, until, stretches }], oldest first. from null: ever since. Drafts have no bucket yet. */
export function layerRows(layer, experiments) {
  const own = experiments.filter((e) => e.layer === layer.id && e.status !== "draft");
  const moments = new Set(own.flatMap((e) => e.epochs.slice(1).map((epoch) => epoch.effective_at)));
  const from = [null, ...[...moments].sort()];
  return from.map((moment, i) => ({
    from: moment, until: from[i + 1] ?? null, stretches: filled(own.flatMap((e) => stretchesOf(e, epochAt(e, moment))), layer.buckets),
  }));
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

function epochAt(experiment, moment) {
  if (moment === null) return experiment.epochs[0];
  return experiment.epochs.findLast((epoch) => epoch.effective_at === null || new Date(epoch.effective_at) <= new Date(moment));
}

function stretchesOf(experiment, epoch) {
  return Object.entries(epoch.allocation).flatMap(([variation, ranges]) =>
    ranges.map(([start, end]) => ({ start, end, experiment: experiment.id, variation })));
}
