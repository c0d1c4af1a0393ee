import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Bars } from "../../ui/Bars";
import { type Rank, Severity } from "../../ui/Severity";
import { useNumber } from "../../ui/useNumber";
import type { Summary } from "./queries";

const tones = {
  Critical: "critical",
  High: "high",
  Medium: "medium",
  Low: "low",
  Unknown: "unknown",
} as const;

/** Findings by severity, gravest first. The numbers are the table behind the bars, and lead to the findings. */
export function SeverityBars({ summary }: { summary: Summary }) {
  const { t } = useLingui();
  const number = useNumber();
  const counts: [Rank, number][] = [
    ["Critical", summary.critical_cnt],
    ["High", summary.high_cnt],
    ["Medium", summary.medium_cnt],
    ["Low", summary.low_cnt],
    ["Unknown", summary.unknown_cnt],
  ];
  return (
    <Bars
      label={t`Findings by severity`}
      bars={counts.map(([rank, count]) => ({
        key: rank,
        name: <Severity of={rank} />,
        value: count,
        tone: tones[rank],
        shown: (
          <Link
            to="/security"
            search={{ tab: "findings", severity: rank }}
            aria-label={t`${count} findings of the severity ${rank}`}
          >
            {number(count)}
          </Link>
        ),
      }))}
    />
  );
}
