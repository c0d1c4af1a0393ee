import { usePreferences } from "../features/preferences/preferences";
import { formatBytes } from "./format";

/** A size in binary units, the exact number of bytes on hover. */
export function Bytes({ value }: { value: number }) {
  const { language } = usePreferences();
  return <span title={`${value} B`}>{formatBytes(value, language)}</span>;
}
