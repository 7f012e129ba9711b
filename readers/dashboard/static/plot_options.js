// Owns how a chart is drawn: its scales, axes, bars and lines, for uPlot. Places on x are the rows' numbers, so that
// days and hours of any time zone are what the service says they are.

import uPlot from "./vendor/uPlot.js";
import { tickName } from "./days.js";
import { compact } from "./format.js";
import { colour } from "./theme.js";

const FONT = "12px system-ui, sans-serif";
const BARS_MAX = 190; // beyond that bars are thinner than a line

/** uPlot's columns: places, what is over (a line goes on to what is open), what is open, what it is compared with. */
export function columnsOf(points, line) {
  const joined = isLined(points, line);
  return [
    points.map((_, i) => i),
    points.map((p) => (p.open && !joined ? null : p.value)),
    points.map((p) => (p.open ? p.value : null)),
    points.map((p) => p.before),
  ];
}

/** `small`: without axes, for the overview. `line`: for values that are no amounts (min, max, mean). */
export function chartOptions({ points, unit, line, small, width, height, plugins }) {
  const lined = isLined(points, line);
  return {
    width, height, plugins,
    padding: small ? [4, 0, 0, 0] : [12, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: () => [-0.5, points.length - 0.5] }, y: { range: (_, low, high) => heights(low, high, line) } },
    axes: [xAxis(points, unit, small), yAxis(small)],
    series: [{}, ...(lined ? lines(small) : bars()), before(small)],
  };
}

/** Several lines over time; `series`: [{ name, colour, low }], with `low` (and `high`) those in a band of their own.
 *  `heights`: what the axis spans; `tick`: how it says a number. */
export function linesOptions({ labels, unit, series, heights: given, tick, width, height, plugins }) {
  const line = ({ colour: name }) => ({ stroke: () => colour(name), width: 2, points: { show: labels.length < 3 } });
  const edge = ({ colour: name }) => ({ stroke: () => colour(name), width: 1, alpha: 0.45, points: { show: false } });
  return {
    width, height, plugins,
    padding: [12, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: () => [-0.5, labels.length - 0.5] }, y: { range: (_, low, high) => given?.() ?? heights(low, high, false) } },
    axes: [xAxis(labels.map((label) => ({ label })), unit, false), yAxis(false, tick)],
    series: [{}, ...series.flatMap((s) => (s.low ? [line(s), edge(s), edge(s)] : [line(s)]))],
    bands: bandsOf(series),
  };
}

/** Between the high and the low line, which follow each line that has them. */
function bandsOf(series) {
  let at = 1;
  return series.flatMap((s) => {
    const first = at;
    at += s.low ? 3 : 1;
    return s.low ? [{ series: [first + 2, first + 1], fill: () => `${colour(s.colour)}22` }] : [];
  });
}

const isLined = (points, line) => line || points.length > BARS_MAX;

function heights(low, high, line) {
  if (low === null || high === null) return [0, 1];
  const floor = line && low > 0 && low > high * 0.5 ? low - (high - low || high) * 0.3 : Math.min(0, low * 1.08);
  return [floor, high > 0 ? high * 1.08 : low < 0 ? 0 : 1];
}

function bars() {
  const drawn = { paths: uPlot.paths.bars({ size: [0.72, 64], radius: 0.12 }), points: { show: false }, width: 0 };
  return [
    { ...drawn, fill: () => colour("accent") },
    { ...drawn, fill: () => colour("accent-open") },
  ];
}

function lines(small) {
  const drawn = { stroke: () => colour("accent"), width: small ? 1.5 : 2, spanGaps: true };
  return [
    { ...drawn, fill: () => colour("accent-wash"), points: { show: false } },
    { ...drawn, points: { show: true, size: small ? 5 : 8, fill: () => colour("card") } },
  ];
}

function before(small) {
  return { stroke: () => colour("before"), width: small ? 1 : 1.5, dash: small ? [3, 3] : [5, 4], points: { show: false } };
}

function xAxis(points, unit, small) {
  if (small) return { show: false };
  return {
    font: FONT, size: 30, gap: 6,
    stroke: () => colour("soft"),
    grid: { show: false },
    ticks: { show: true, size: 4, stroke: () => colour("line") },
    splits: (u) => everyNth(points.length, u.bbox.width / devicePixelRatio, unit),
    values: (_, splits) => splits.map((i) => (points[i] ? tickName(points[i].label, unit) : "")),
  };
}

function yAxis(small, tick = compact) {
  if (small) return { show: false };
  return {
    font: FONT, size: 52, gap: 8, space: 44,
    stroke: () => colour("soft"),
    grid: { stroke: () => colour("grid"), width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map(tick),
  };
}

function everyNth(n, width, unit) {
  const fit = Math.max(2, Math.floor(width / 64));
  const steps = unit === "hour" ? [1, 2, 3, 6, 12, 24, 48, 72, 168] : [1, 2, 7, 14, 28, 56, 91, 182, 364];
  const step = steps.find((s) => n / s <= fit) ?? Math.ceil(n / fit);
  return Array.from({ length: Math.ceil(n / step) }, (_, i) => i * step);
}
