import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconAlertTriangle, IconLock } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { asProblem, type Problem } from "../api/problem";
import classes from "./states.module.css";

/** Grey bars where rows will be, so that nothing jumps when they come. */
export function Loading({ rows = 5 }: { rows?: number }) {
  const { t } = useLingui();
  return (
    <div className={classes.loading} role="status" aria-label={t`Loading`} data-loading>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity
        <span key={row} className={classes.bar} />
      ))}
    </div>
  );
}

/** Nothing is here yet: what would be, and how it comes. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <p className={classes.title}>{title}</p>
      {children}
    </div>
  );
}

function useReason(problem: Problem): { why: string; todo: string } {
  const { t } = useLingui();
  if (problem.status === 0) {
    return {
      why: t`The server did not answer.`,
      todo: t`Check that it runs and that your network reaches it, then try again.`,
    };
  }
  if (problem.status === 404) {
    return {
      why: t`It does not exist, or no longer does.`,
      todo: t`Check the address, or go back one step in the path above.`,
    };
  }
  if (problem.status === 429) {
    return { why: t`Too many requests came from here.`, todo: t`Wait a minute, then try again.` };
  }
  if (problem.status >= 500) {
    return {
      why: t`The server failed while it answered.`,
      todo: t`Try again. If it stays, give your administrator the request id below.`,
    };
  }
  return { why: problem.message, todo: t`Change the request and try again.` };
}

interface FailedProps {
  /** What could not be done, as a sentence. */
  what: string;
  error: unknown;
  retry?: () => void;
}

/** An error in three parts: what happened, why, what to do; and the request id. */
export function Failed({ what, error, retry }: FailedProps) {
  const problem = asProblem(error);
  const { why, todo } = useReason(problem);
  return (
    <div className={classes.failed} role="alert">
      <IconAlertTriangle size={20} aria-hidden />
      <div>
        <p className={classes.title}>{what}</p>
        <p>{why}</p>
        <p>{todo}</p>
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            <Trans>Try again</Trans>
          </Button>
        )}
        {problem.requestId && (
          <details className={classes.details}>
            <summary>
              <Trans>Request id</Trans>
            </summary>
            <code>{problem.requestId}</code>
          </details>
        )}
      </div>
    </div>
  );
}

/** The caller may not see this: who may, and what to do. */
export function Forbidden({ children }: { children: ReactNode }) {
  return (
    <div className={classes.forbidden} role="alert">
      <IconLock size={20} aria-hidden />
      <div>{children}</div>
    </div>
  );
}
