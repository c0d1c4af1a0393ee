import { Trans, useLingui } from "@lingui/react/macro";
import { IconCircle, IconCircleCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type Step, steps } from "./progress";
import classes from "./welcome.module.css";

interface Props {
  titles: Record<Step, string>;
  at: Step;
  done: Set<Step>;
}

/** The steps with those that are done; each can be gone to. */
export function StepList({ titles, at, done }: Props) {
  const { t } = useLingui();
  return (
    <nav aria-label={t`Steps`}>
      <ol className={classes.steps}>
        {steps.map((step) => (
          <li key={step} aria-current={step === at ? "step" : undefined}>
            <Link to="/welcome" search={{ step }} className={classes.step}>
              {done.has(step) ? (
                <IconCircleCheck size={20} aria-hidden />
              ) : (
                <IconCircle size={20} aria-hidden />
              )}
              {titles[step]}
              {done.has(step) && (
                <span className="visually-hidden">
                  <Trans>done</Trans>
                </span>
              )}
            </Link>
          </li>
        ))}
      </ol>
    </nav>
  );
}
