import { useLingui } from "@lingui/react/macro";
import { IconCircleCheck, IconCircleDashed, IconCircleX } from "@tabler/icons-react";
import classes from "../identity.module.css";
import type { Outcome } from "./steps";

interface Line {
  title: string;
  outcome: Outcome;
  why?: string;
}

interface Props {
  steps: Line[];
  /** What the outcomes are called, where the usual words don't say it. */
  words?: Record<Outcome, string>;
}

/** The steps of a test, and which of them failed. */
export function StepList({ steps, words }: Props) {
  const { t } = useLingui();
  const said = words ?? { done: t`went well`, failed: t`failed`, untried: t`not tried` };
  const Sign = { done: IconCircleCheck, failed: IconCircleX, untried: IconCircleDashed };
  const tones = { done: classes.ok, failed: classes.bad, untried: classes.dim };
  return (
    <ol className={classes.steps}>
      {steps.map(({ title, outcome, why }) => {
        const Icon = Sign[outcome];
        return (
          <li key={title}>
            <Icon size={20} aria-hidden className={tones[outcome]} />
            <div>
              <span className={outcome === "untried" ? classes.dim : undefined}>
                {title}: {said[outcome]}
              </span>
              {why && <p>{why}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
