import { useLingui } from "@lingui/react/macro";
import {
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconLoader,
  IconPlayerStop,
} from "@tabler/icons-react";
import classes from "./Status.module.css";

type Word = "waiting" | "running" | "done" | "failed" | "stopped";

/** The words that the API uses for the five that people read. */
const words: Record<string, Word> = {
  pending: "waiting",
  scheduled: "waiting",
  waiting: "waiting",
  running: "running",
  inprogress: "running",
  in_progress: "running",
  success: "done",
  succeed: "done",
  done: "done",
  error: "failed",
  failed: "failed",
  stopped: "stopped",
};

/** How far work is, as a sign and a word that are the same everywhere. */
export function Status({ of }: { of: string | undefined }) {
  const { t } = useLingui();
  const word = words[(of ?? "").toLowerCase()];
  if (!word) return <span>{of || "–"}</span>;
  const { Sign, text } = {
    waiting: { Sign: IconCircleDashed, text: t`Waiting` },
    running: { Sign: IconLoader, text: t`Running` },
    done: { Sign: IconCircleCheck, text: t`Done` },
    failed: { Sign: IconCircleX, text: t`Failed` },
    stopped: { Sign: IconPlayerStop, text: t`Stopped` },
  }[word];
  return (
    <span className={`${classes.status} ${classes[word] ?? ""}`}>
      <Sign size={16} aria-hidden />
      {text}
    </span>
  );
}

/** Whether work goes on, so that who shows it has to look again. */
export function isUnderWay(status: string | undefined): boolean {
  const word = words[(status ?? "").toLowerCase()];
  return word === "waiting" || word === "running";
}
