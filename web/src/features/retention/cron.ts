/** Which values each field of a cron text may have; null where it says all of them. */
type Field = Set<number> | null;

export interface Cron {
  minutes: Field;
  hours: Field;
  days: Field;
  months: Field;
  weekdays: Field;
}

const names: Record<string, string[]> = {
  months: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  weekdays: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

const bounds = {
  minutes: [0, 59],
  hours: [0, 23],
  days: [1, 31],
  months: [1, 12],
  weekdays: [0, 6],
} as const;

type Name = keyof typeof bounds;

function numberOf(text: string, name: Name): number {
  const place = names[name]?.indexOf(text.toLowerCase()) ?? -1;
  if (place >= 0) return place + bounds[name][0];
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function rangeOf(part: string, name: Name): number[] | null {
  const [span = "", step, ...rest] = part.split("/");
  const [least, most] = bounds[name];
  const by = step === undefined ? 1 : Number(step);
  if (rest.length > 0 || !Number.isSafeInteger(by) || by < 1) return null;
  const any = span === "*" || span === "?";
  const [from = "", to, ...more] = span.split("-");
  const first = any ? least : numberOf(from, name);
  const only = to === undefined && step === undefined ? first : most;
  const last = any ? most : to === undefined ? only : numberOf(to, name);
  if (more.length > 0 || !(first >= least && last <= most && first <= last)) return null;
  return Array.from({ length: Math.floor((last - first) / by) + 1 }, (_, n) => first + n * by);
}

function fieldOf(text: string, name: Name): Field | undefined {
  if (text === "*" || text === "?") return null;
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const range = rangeOf(part, name);
    if (!range) return undefined;
    for (const value of range) values.add(value);
  }
  return values;
}

/** Reads a cron text of six fields, the seconds first and 0; nothing of what is none. */
export function parseCron(text: string): Cron | undefined {
  const [seconds, ...fields] = text.trim().split(/\s+/);
  if (seconds !== "0" || fields.length !== 5) return undefined;
  const order: Name[] = ["minutes", "hours", "days", "months", "weekdays"];
  const cron: Partial<Cron> = {};
  for (const [place, name] of order.entries()) {
    const field = fieldOf(fields[place] ?? "", name);
    if (field === undefined) return undefined;
    cron[name] = field;
  }
  return cron as Cron;
}

const has = (field: Field, value: number) => field === null || field.has(value);

/** A day of the month and one of the week, where both are given, each will do. */
function isDay({ days, weekdays, months }: Cron, time: Date): boolean {
  if (!has(months, time.getUTCMonth() + 1)) return false;
  const [day, weekday] = [time.getUTCDate(), time.getUTCDay()];
  if (days === null || weekdays === null) return has(days, day) && has(weekdays, weekday);
  return days.has(day) || weekdays.has(weekday);
}

const furthest = 5 * 366;

/** The next times, in UTC as the server counts; fewer where they don't come within years. */
export function nextRuns(cron: Cron, after: Date, count: number): Date[] {
  const found: Date[] = [];
  const day = new Date(Date.UTC(after.getUTCFullYear(), after.getUTCMonth(), after.getUTCDate()));
  for (let n = 0; n < furthest && found.length < count; n++) {
    if (isDay(cron, day)) found.push(...timesOf(cron, day).filter((time) => time > after));
    day.setUTCDate(day.getUTCDate() + 1);
  }
  return found.slice(0, count);
}

function timesOf({ hours, minutes }: Cron, day: Date): Date[] {
  const times: Date[] = [];
  for (let hour = 0; hour < 24; hour++) {
    if (!has(hours, hour)) continue;
    for (let minute = 0; minute < 60; minute++) {
      if (has(minutes, minute)) times.push(new Date(day.getTime() + (hour * 60 + minute) * 60_000));
    }
  }
  return times;
}
