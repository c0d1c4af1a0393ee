import { Button } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import classes from "./Form.module.css";
import { Failed } from "./states";

interface Props {
  onSubmit: () => void;
  /** The button: a verb with its object. */
  action: string;
  busy: boolean;
  /** Nothing to save, or not yet right. */
  disabled?: boolean;
  /** What went wrong, with the sentence that says so. */
  error?: unknown;
  failed: string;
  /** Said when it is done. */
  done?: string | undefined;
  /** Beside the button. */
  more?: ReactNode;
  /** It takes all the room there is, for what stands side by side. */
  wide?: boolean;
  children: ReactNode;
}

/** Fields above each other, a button to save them, and what came of it. What was typed stays. */
export function Form(props: Props) {
  const { onSubmit, action, busy, disabled, error, failed, done, more, wide, children } = props;

  function submit(event: FormEvent) {
    event.preventDefault();
    event.stopPropagation();
    onSubmit();
  }

  return (
    <form className={classes.form} data-wide={wide} onSubmit={submit} noValidate>
      {children}
      {error !== undefined && error !== null && <Failed what={failed} error={error} />}
      <div className={classes.foot}>
        <Button type="submit" loading={busy} disabled={disabled ?? false}>
          {action}
        </Button>
        {more}
        <span role="status">{done}</span>
      </div>
    </form>
  );
}

/** Fields side by side where there is room. */
export function Fields({ children }: { children: ReactNode }) {
  return <div className={classes.fields}>{children}</div>;
}
