// Owns how an experiment is said: names, rates, p-values, times and its verdict, in words for who has no statistics.

import { compact, full, NOTHING, words } from "../format.js";

const TITLES = {
  ship: (of) => `Ship ${of}`, rollback: (of) => `Roll ${of} back`, keep_running: () => "Keep it running", no_difference: () => "No difference that matters",
};
const COMPACT_FROM = 1e7;
const SHORT = { ship: "Ship", rollback: "Roll back", keep_running: "Keep running", no_difference: "No difference" };

/** "signups.visitors" is "signups visitors", "orders.orders" just "orders". */
export function goalName(goal) {
  const [metric, measure] = goal.split(".");
  return metric === measure ? words(metric) : `${words(metric)} ${words(measure)}`;
}

/** { kind, title, reason } of results. kind: the verdict, "broken" while visitors come in wrong shares, or "draft". */
export function verdictOf(results) {
  const { decision, goals, sample_ratio: ratio, status } = results;
  const reason = goals.reduce((text, { goal }) => text.replaceAll(goal, `“${goalName(goal)}”`), decision.reason);
  if (!ratio.ok) return { kind: "broken", title: "These numbers can't be trusted", short: "Split is broken", reason };
  if (status === "draft") return { kind: "draft", title: "Not started yet", short: "Not started", reason: "Nobody is assigned to it until it is started." };
  return { kind: decision.verdict, title: TITLES[decision.verdict](decision.variation), short: shortOf(decision), reason };
}

const shortOf = ({ verdict, variation }) => (variation ? `${SHORT[verdict]} ${variation}` : SHORT[verdict]);

/** How a goal did in a variation: "better", "worse" or "unclear", and what a change of this sign means. */
export function standing(goal, compared) {
  const interval = compared?.interval;
  if (!interval || (interval[0] <= 0 && interval[1] >= 0)) return "unclear";
  return interval[0] > 0 === (goal.better === "higher") ? "better" : "worse";
}

/** A value of a goal: rates as "0.573 %", means as numbers. */
export function valueText(kind, value) {
  if (value === null || value === undefined) return NOTHING;
  return kind === "rate" ? `${percent(100 * value)} %` : compact(value);
}

/** How many: in full as long as that can be read at a glance, for decisions rest on it. */
export const countText = (n) => (Math.abs(n) < COMPACT_FROM ? full(Math.round(100 * n) / 100) : compact(n));

/** A value with a sign: a difference of rates is one of percentage points. */
export function differenceText(kind, value) {
  if (value === null || value === undefined) return NOTHING;
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return kind === "rate" ? `${sign}${percent(Math.abs(100 * value))} pp` : `${sign}${compact(Math.abs(value))}`;
}

const percent = (n) => String(Number(n.toPrecision(3)));

/** "0.032", "< 0.0001". */
export function pText(p) {
  if (p === null || p === undefined) return NOTHING;
  return p < 0.0001 ? "< 0.0001" : p >= 0.9995 ? "1" : String(Number(p.toPrecision(2)));
}

/** A moment in the account's zone: "3 Oct 2026, 14:05". */
export function momentText(moment, zone) {
  const parts = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...parts }).format(new Date(moment));
}

/** "from the beginning", or since when, and until when where it has an end. */
export function sinceText({ since, until }, zone) {
  const begun = since ? `since ${momentText(since, zone)}` : "from the beginning";
  return until ? `${begun} until ${momentText(until, zone)}` : begun;
}

/** How long still, of the primary goal; "" where that can't be told. */
export function powerText(power) {
  if (!power || power.visitors_missing === null) return "";
  const effect = `a change of ${percent(100 * power.minimum_effect)} %`;
  if (!power.visitors_missing) return `Enough visitors came to find ${effect}.`;
  const days = power.days_left === null ? "" : `, about ${full(power.days_left)} ${power.days_left === 1 ? "day" : "days"}`;
  return `To find ${effect} takes another ${compact(power.visitors_missing)} visitors${days}.`;
}

export const visitorsOf = (results) => Object.values(results.sample_ratio.observed).reduce((a, b) => a + b, 0);
