import { useLingui } from "@lingui/react/macro";
import type { Schema } from "../../api/client";
import { Bars } from "../../ui/Bars";
import { Duration } from "../../ui/Duration";
import { useKindName } from "./KindName";

/** Which queues make one wait: the bars of those that hold somebody up, the longest first. */
export function LatencyBars({ queues }: { queues: Schema["JobQueue"][] }) {
  const { t } = useLingui();
  const name = useKindName();
  const late = queues
    .filter((queue) => (queue.latency ?? 0) > 0)
    .sort((a, b) => (b.latency ?? 0) - (a.latency ?? 0))
    .slice(0, 5);
  if (late.length === 0) return <p>{t`Nobody waits: whatever comes next begins at once.`}</p>;
  return (
    <Bars
      label={t`How long the first of each queue has waited`}
      bars={late.map((queue) => ({
        key: queue.job_type ?? "",
        name: name(queue.job_type),
        value: queue.latency ?? 0,
        shown: <Duration seconds={queue.latency ?? 0} />,
      }))}
    />
  );
}
