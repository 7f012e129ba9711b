// Owns calendar days as the API writes them ("2026-10-31"): what today is in a time zone, ranges, and their names.

const DAY_MS = 86_400_000;

export const PRESETS = [
  ["day", "Today"], ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"], ["month", "Month"], ["12mo", "12 months"],
];

/** Today's date where the account counts its days. */
export function todayIn(zone, now = new Date()) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now);
}

const utc = (day) => new Date(`${day}T00:00:00Z`);
export const addDays = (day, n) => new Date(utc(day).getTime() + n * DAY_MS).toISOString().slice(0, 10);
export const daysBetween = (first, last) => Math.round((utc(last) - utc(first)) / DAY_MS) + 1;

/** A real day, written as the API takes it. */
export function isDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text ?? "") && !Number.isNaN(utc(text).getTime()) && addDays(text, 0) === text;
}

/** The first and last day of a preset's name or a pair of days, as the API understands them. */
export function spanOf(range, today) {
  if (Array.isArray(range)) return range;
  const length = { day: 1, "7d": 7, "30d": 30, "90d": 90 }[range];
  if (length) return [addDays(today, 1 - length), today];
  const month = `${today.slice(0, 8)}01`;
  return [range === "month" ? month : `${addDays(month, -330).slice(0, 8)}01`, today];
}

/** The span of the same length just before (-1) or after (1); never past today. */
export function shifted([first, last], by, today) {
  const length = daysBetween(first, last);
  const end = addDays(last, by * length);
  const kept = end > today ? today : end;
  return [addDays(kept, 1 - length), kept];
}

const formats = new Map();
function written(day, options, locale) {
  const key = JSON.stringify([locale, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }));
  return formats.get(key).format(utc(day));
}

const shortParts = (day, year) => ({ day: "numeric", month: "short", ...(year === day.slice(0, 4) ? {} : { year: "numeric" }) });

/** "3 Nov", with the year where it is not this one. */
export const shortDay = (day, year, locale = "en-GB") => written(day, shortParts(day, year), locale);
/** "Tue 3 Nov 2026". */
export const longDay = (day, locale = "en-GB") =>
  written(day, { weekday: "short", day: "numeric", month: "short", year: "numeric" }, locale).replace(",", "");
export const monthName = (day, locale = "en-GB") => written(day, { month: "short", year: "numeric" }, locale);
export const isWeekend = (day) => [0, 6].includes(utc(day).getUTCDay());

/** "24 Oct – 22 Nov 2026"; one day in full. */
export function spanName([first, last], locale = "en-GB") {
  if (first === last) return longDay(first, locale);
  return `${shortDay(first, last.slice(0, 4), locale)} – ${shortDay(last, "", locale)}`;
}

/** The day that a row's day is compared with: as far into `compared` as it is into `span`, or the year before. */
export function comparedDay(label, span, compared, compare) {
  const day = label.slice(0, 10);
  if (compare !== "previous_year") return addDays(compared[0], daysBetween(span[0], day) - 1);
  return day.endsWith("-02-29") ? `${day.slice(0, 4) - 1}-02-28` : `${day.slice(0, 4) - 1}${day.slice(4)}`;
}

/** The name of a row of a chart: a day, an hour with its offset, a week or a month. */
export function rowName(label, unit, locale = "en-GB") {
  if (unit === "hour") return `${longDay(label.slice(0, 10), locale)}, ${label.slice(11, 16)}`;
  if (unit === "week") return `Week of ${longDay(label, locale)}`;
  return unit === "month" ? monthName(label, locale) : longDay(label, locale);
}

/** The same, short enough for an axis. */
export function tickName(label, unit, locale = "en-GB") {
  if (unit === "hour") return label.slice(11, 16);
  if (unit === "month") return written(label, { month: "short", year: "2-digit" }, locale);
  return written(label, { day: "numeric", month: "short" }, locale);
}
