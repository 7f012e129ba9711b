// Owns turning shares into buckets: the fewest buckets change hands. A variation keeps what it has as long as it may;
// what one gives up another takes first, then free buckets, those beside its own before others.

/** Buckets for shares in percent of the layer: whole, their sum that of the rounded total. */
export function bucketsOf(percents, buckets) {
  const exact = percents.map((p) => (p * buckets) / 100), counts = exact.map(Math.floor);
  let left = Math.round(exact.reduce((a, b) => a + b, 0)) - counts.reduce((a, b) => a + b, 0);
  const order = exact.map((n, i) => [n - counts[i], i]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  for (const [, i] of order) if (left-- > 0) counts[i] += 1;
  return counts;
}

/** New ranges by variation. held: the ranges there are; taken: [{ start, end }] of others; wanted: buckets by variation.
 *  null where there are not enough. */
export function allocate({ buckets, held, taken, wanted }) {
  const owner = new Array(buckets).fill(null);
  for (const { start, end } of taken) owner.fill(true, start, end);
  for (const [variation, ranges] of Object.entries(held)) keep(owner, variation, ranges, wanted[variation] ?? 0);
  const released = new Set();
  for (const [start, end] of Object.values(held).flat()) for (let i = start; i < end; i++) if (owner[i] === null) released.add(i);
  for (const [variation, count] of Object.entries(wanted)) if (!fill(owner, variation, count, released)) return null;
  return Object.fromEntries(Object.keys(wanted).map((variation) => [variation, rangesOf(owner, variation)]).filter(([, ranges]) => ranges.length));
}

/** How many buckets of two allocations belong to another, or no longer to nobody. */
export function moved(before, after, buckets) {
  const [one, other] = [before, after].map((allocation) => {
    const owner = new Array(buckets).fill(null);
    for (const [variation, ranges] of Object.entries(allocation)) for (const [start, end] of ranges) owner.fill(variation, start, end);
    return owner;
  });
  return one.filter((variation, i) => variation !== other[i]).length;
}

export const sizeOf = (ranges) => (ranges ?? []).reduce((sum, [start, end]) => sum + end - start, 0);

function keep(owner, variation, ranges, count) {
  let left = count;
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    for (let i = start; i < end && left > 0; i++) {
      if (owner[i] !== null) continue; // somebody else's by now
      owner[i] = variation;
      left -= 1;
    }
  }
}

function fill(owner, variation, count, released) {
  let left = count - owner.filter((o) => o === variation).length;
  const take = (i) => {
    if (left <= 0 || owner[i] !== null) return false;
    owner[i] = variation;
    left -= 1;
    return true;
  };
  for (const i of released) take(i);
  // On from its own last bucket, as far as nobody is in the way.
  for (let i = owner.lastIndexOf(variation) + 1; i > 0 && i < owner.length && take(i); i++);
  for (let i = 0; i < owner.length && left > 0; i++) take(i);
  return left <= 0;
}

function rangesOf(owner, variation) {
  const ranges = [];
  owner.forEach((o, i) => {
    if (o !== variation) return;
    if (ranges.at(-1)?.[1] === i) ranges.at(-1)[1] = i + 1;
    else ranges.push([i, i + 1]);
  });
  return ranges;
}
