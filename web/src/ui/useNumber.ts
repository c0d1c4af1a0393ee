import { usePreferences } from "../features/preferences/preferences";
import { formatNumber } from "./format";

/** Writes numbers as the reader's language does. */
export function useNumber(): (value: number) => string {
  const { language } = usePreferences();
  return (value) => formatNumber(value, language);
}
