/** What looks like the name of a vulnerability, in a text that somebody pasted. */
const name = /[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+/g;

/** The vulnerabilities that a text names, in its order, each once, without those that are known. */
export function cvesIn(text: string, known: string[]): string[] {
  const found = (text.match(name) ?? []).map((each) =>
    /^cve-/i.test(each) ? each.toUpperCase() : each,
  );
  return [...new Set(found)].filter((each) => !known.includes(each));
}

/** The end of a day as the API takes it, in seconds; nothing for no day. */
export function endOfDay(day: string): number | null {
  return day ? Math.floor(new Date(`${day}T23:59:59`).getTime() / 1000) : null;
}

/** The day of a time in seconds, as a date field takes it. */
export function dayOf(seconds: number | null | undefined): string {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
