/** Formatters are slow to make, and the same for every cell of a table: each is made once. */
const made = new Map<string, unknown>();

function once<F>(key: string, make: () => F): F {
  const known = made.get(key) as F | undefined;
  if (known) return known;
  const formatter = make();
  made.set(key, formatter);
  return formatter;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes in binary units, one decimal above 1023: `9.5 MiB`. */
export function formatBytes(bytes: number, language: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 ? 0 : 1;
  const number = once(
    `${language} number ${digits}`,
    () => new Intl.NumberFormat(language, { maximumFractionDigits: digits }),
  );
  return `${number.format(value)} ${units[unit]}`;
}

/** A number with the separators of a language: `10,409`. */
export function formatNumber(value: number, language: string): string {
  return once(`${language} number`, () => new Intl.NumberFormat(language)).format(value);
}

/** A digest shortened in the middle: `sha256:4fbc…1dc4`. Other texts stay whole. */
export function shortDigest(digest: string): string {
  const [algorithm, hex] = digest.split(":");
  if (!hex || hex.length <= 12) return digest;
  return `${algorithm}:${hex.slice(0, 6)}…${hex.slice(-4)}`;
}

/** The API writes the year 1 where something never happened. */
export function isNever(time: string | undefined): boolean {
  return !time || time.startsWith("0001-");
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** How long ago or ahead, in words, to the nearest: `3 hours ago`, `in 7 days`. Under a minute is "now". */
export function formatAgo(time: Date, now: Date, language: string): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  const words = once(
    `${language} ago`,
    () => new Intl.RelativeTimeFormat(language, { numeric: "auto" }),
  );
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return words.format(Math.round(seconds / size), unit);
  }
  return words.format(0, "second");
}

/** Date and time to the second, in UTC or in the browser's own zone, with the zone's name. */
export function formatExact(time: Date, language: string, utc: boolean): string {
  const exact = once(
    `${language} exact ${utc}`,
    () =>
      new Intl.DateTimeFormat(language, {
        year: "numeric",
        month: "short",
        day: "numeric",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
        timeZoneName: "short",
        timeZone: utc ? "UTC" : undefined,
      }),
  );
  return exact.format(time);
}
