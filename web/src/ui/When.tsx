import { Trans } from "@lingui/react/macro";
import { usePreferences } from "../features/preferences/preferences";
import { formatAgo, formatExact, isNever } from "./format";

/** A time in relative words, exact on hover. */
export function When({ time }: { time: string | undefined }) {
  const { language, utc } = usePreferences();
  if (!time || isNever(time)) return <Trans>never</Trans>;
  const date = new Date(time);
  return (
    <time dateTime={time} title={formatExact(date, language, utc)}>
      {formatAgo(date, new Date(), language)}
    </time>
  );
}
