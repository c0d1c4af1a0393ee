import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { formatExact } from "../../ui/format";
import { usePreferences } from "../preferences/preferences";
import { nextRuns, parseCron } from "./cron";
import classes from "./retention.module.css";

/** The schedules that have a name. */
const named = {
  none: "",
  hourly: "0 0 * * * *",
  daily: "0 0 0 * * *",
  weekly: "0 0 0 * * 0",
} as const;

type Kind = keyof typeof named | "custom";

function kindOf(cron: string): Kind {
  const known = (Object.keys(named) as (keyof typeof named)[]).find((each) => named[each] === cron);
  return known ?? "custom";
}

/** Whether a text is a schedule, or none at all. */
export function isSchedule(cron: string): boolean {
  const parsed = parseCron(cron);
  return cron === "" || (!!parsed && nextRuns(parsed, new Date(), 1).length > 0);
}

interface Props {
  cron: string;
  /** What it means that there is no schedule. */
  idle: string;
  onChange: (cron: string) => void;
}

/** When something is done by itself, with the next times in words. */
export function ScheduleField({ cron, idle, onChange }: Props) {
  const { t } = useLingui();
  const [wanted, setWanted] = useState(false);
  const custom = wanted || kindOf(cron) === "custom";
  const kind = custom ? "custom" : kindOf(cron);

  function choose(next: Kind) {
    setWanted(next === "custom");
    onChange(next === "custom" ? cron || "0 0 3 * * *" : named[next]);
  }

  return (
    <>
      <NativeSelect
        label={t`When it is carried out`}
        data={[
          { value: "none", label: idle },
          { value: "hourly", label: t`every hour` },
          { value: "daily", label: t`every day at midnight (UTC)` },
          { value: "weekly", label: t`every Sunday at midnight (UTC)` },
          { value: "custom", label: t`by a schedule of your own` },
        ]}
        value={kind}
        onChange={(event) => choose(event.currentTarget.value as Kind)}
      />
      {custom && (
        <TextInput
          label={t`Schedule`}
          description={t`Six fields of cron, in UTC: second (0), minute, hour, day of the month, month, day of the week`}
          autoComplete="off"
          spellCheck={false}
          value={cron}
          error={
            !isSchedule(cron) &&
            t`This is no schedule, or its time never comes: 0 0 3 * * * is every day at 3.`
          }
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <NextRuns cron={cron} />
    </>
  );
}

function NextRuns({ cron }: { cron: string }) {
  const { language, utc } = usePreferences();
  const parsed = parseCron(cron);
  const times = parsed ? nextRuns(parsed, new Date(), 3) : [];
  if (times.length === 0) return null;
  return (
    <div className={classes.facts}>
      <Trans>The next times:</Trans>
      <ul>
        {times.map((time) => (
          <li key={time.getTime()}>{formatExact(time, language, utc)}</li>
        ))}
      </ul>
    </div>
  );
}
