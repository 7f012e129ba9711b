// Owns the common axis of interval bars: what it spans, its ticks, and where a difference stands on it.

const TICKS = 5;
const CUT_AT = 3; // times what the other intervals span

/** The axis for comparisons with control; null: nothing to draw yet. */
export function axisOf(comparisons) {
  const known = comparisons.filter((c) => c && c.difference !== null);
  if (!known.length) return null;
  const near = known.flatMap((c) => [c.difference, ...(c.fixed?.interval ?? [])]), far = known.flatMap((c) => c.interval ?? []);
  // An interval that is far wider than the fixed one is cut: it only says that it is too early.
  const reach = CUT_AT * Math.max(...near.map(Math.abs)) || Math.max(...far.map(Math.abs), 0) || 1;
  const low = Math.min(0, ...near, ...far.map((n) => Math.max(n, -reach))), high = Math.max(0, ...near, ...far.map((n) => Math.min(n, reach)));
  const pad = (high - low || 1) * 0.06;
  return { low: low - pad, high: high + pad, ticks: ticksOf(low - pad, high + pad) };
}

/** Percent of the axis' width, kept inside. */
export const placeOn = (axis, n) => Math.min(100, Math.max(0, (100 * (n - axis.low)) / (axis.high - axis.low)));

function ticksOf(low, high) {
  const rough = (high - low) / TICKS, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * size).find((n) => n >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
