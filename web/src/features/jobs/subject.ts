import type { Task } from "./queries";

/** Keys under which kinds of work say what a task is about, the most telling first. */
const keys = ["source", "repository", "artifact", "resource", "name", "project"];

/** Copies are told with how many they are, which their logs say one by one. */
function plain(name: unknown): string {
  return typeof name === "string" ? name.replace(/ \[.*\]$/, "") : "";
}

/** What a task is about, as far as it says so; "" where it doesn't. */
export function taskSubject({ extra_attrs: extra }: Pick<Task, "extra_attrs">): string {
  const [from, to] = [plain(extra?.src_resource), plain(extra?.dst_resource)];
  if (from || to) return [from, to].filter(Boolean).join(" → ");
  return plain(keys.map((key) => extra?.[key]).find((value) => typeof value === "string" && value));
}
