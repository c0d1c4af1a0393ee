import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { formatBytes } from "../../ui/format";
import { Failed, Loading } from "../../ui/states";
import { useNumber } from "../../ui/useNumber";
import { usePreferences } from "../preferences/preferences";
import { daily } from "./chart";
import { type Day, useTrends } from "./queries";
import { TrendChart } from "./TrendChart";
import classes from "./Trends.module.css";

interface Props {
  days: number;
  /** How many bars stand for the charts until they come. */
  rows: number;
}

/** How the registry grew and how it fares, for administrators. */
export function Trends({ days, rows }: Props) {
  const { t } = useLingui();
  const trends = useTrends(days, true);
  return (
    <>
      {trends.isPending && <Loading rows={rows} />}
      {trends.isError && (
        <Failed
          what={t`The last days can't be shown.`}
          error={trends.error}
          retry={() => trends.refetch()}
        />
      )}
      {trends.data && <Charts days={trends.data} />}
    </>
  );
}

function Charts({ days }: { days: Day[] }) {
  const { t } = useLingui();
  const { language } = usePreferences();
  const [tabled, setTabled] = useState(false);
  const number = useNumber();
  const date = new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  });
  const shared = {
    days: days.map((each) => each.day),
    format: number,
    formatDay: (day: string) => (day ? date.format(new Date(day)) : ""),
  };
  const series = (key: keyof Omit<Day, "day">) => days.map((each) => each[key]);
  return (
    <>
      <div className={classes.charts}>
        <TrendChart
          {...shared}
          title={t`Storage`}
          series={[{ name: t`Storage`, tone: "accent", values: series("bytes") }]}
          format={(bytes) => formatBytes(bytes, language)}
          binary
        />
        <TrendChart
          {...shared}
          title={t`Artifacts`}
          series={[{ name: t`Artifacts`, tone: "accent", values: series("artifacts") }]}
        />
        <TrendChart
          {...shared}
          title={t`Pulls a day`}
          days={days.length > 1 ? shared.days.slice(1) : shared.days}
          series={[
            {
              name: t`Pulls a day`,
              tone: "accent",
              values: days.length > 1 ? daily(series("pulls")) : [0],
            },
          ]}
        />
        <TrendChart
          {...shared}
          title={t`Findings`}
          series={[
            { name: t`Low`, tone: "low", values: series("low") },
            { name: t`Medium`, tone: "medium", values: series("medium") },
            { name: t`High`, tone: "high", values: series("high") },
            { name: t`Critical`, tone: "critical", values: series("critical") },
          ]}
        />
      </div>
      {days.length < 3 && (
        <p className={classes.young}>
          <Trans>Each night adds a day; until there are some, the lines are flat.</Trans>
        </p>
      )}
      <details onToggle={(event) => setTabled(event.currentTarget.open)}>
        <summary>
          <Trans>The same as a table</Trans>
        </summary>
        {tabled && <DayTable days={[...days].reverse()} />}
      </details>
    </>
  );
}

function DayTable({ days }: { days: Day[] }) {
  const { t } = useLingui();
  const count = (key: keyof Omit<Day, "day">, title: string): Column<Day> => ({
    key,
    title,
    number: true,
    cell: (each) => each[key],
  });
  const columns: Column<Day>[] = [
    { key: "day", title: t`Day`, names: true, cell: (each) => each.day },
    {
      key: "bytes",
      title: t`Storage`,
      number: true,
      cell: (each) => <Bytes value={each.bytes} />,
    },
    count("artifacts", t`Artifacts`),
    count("pulls", t`Pulls so far`),
    count("critical", t`Critical`),
    count("high", t`High`),
    count("medium", t`Medium`),
    count("low", t`Low`),
  ];
  return (
    <DataTable
      caption={t`The registry by day`}
      columns={columns}
      rows={days}
      rowKey={(each) => each.day}
    />
  );
}
