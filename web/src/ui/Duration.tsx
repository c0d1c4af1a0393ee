import { usePreferences } from "../features/preferences/preferences";
import { formatDuration } from "./span";

/** A span of time in its greatest unit, the seconds on hover. */
export function Duration({ seconds }: { seconds: number }) {
  const { language } = usePreferences();
  return <span title={`${Math.round(seconds)} s`}>{formatDuration(seconds, language)}</span>;
}
