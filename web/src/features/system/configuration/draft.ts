import { bytesOf, type Size, sizeOf } from "../parts/size";
import type { Configuration, Value } from "./queries";
import type { Setting } from "./settings";

/** What stands in a form: texts as they are typed, sizes with their unit. */
export type Draft = Record<string, string | boolean | Size>;

export function draftOf(settings: Setting[], now: Configuration): Draft {
  const draft: Draft = {};
  for (const setting of settings) {
    const value = now[setting.key]?.value ?? setting.initial;
    draft[setting.key] =
      setting.form === "switch"
        ? value === true
        : setting.form === "size"
          ? sizeOf(Number(value))
          : String(value);
  }
  return draft;
}

/** The value that is meant, or nothing where none is. */
export function meant(setting: Setting, draft: Draft): Value | undefined {
  const typed = draft[setting.key];
  if (setting.form === "size") return bytesOf(typed as Size);
  if (setting.form !== "number") return typed as Value;
  const number = Number(typed);
  const fits = Number.isInteger(number) && number >= setting.least && number <= setting.most;
  return typed !== "" && fits ? number : undefined;
}

/** What differs from what is, or nothing while something isn't right. */
export function changesOf(
  settings: Setting[],
  now: Configuration,
  draft: Draft,
): Record<string, Value> | undefined {
  const changes: Record<string, Value> = {};
  for (const setting of settings) {
    const state = now[setting.key];
    if (!state?.editable) continue;
    const value = meant(setting, draft);
    if (value === undefined) return undefined;
    if (value !== state.value) changes[setting.key] = value;
  }
  return changes;
}
