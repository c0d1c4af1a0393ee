import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import classes from "./ConfirmDialog.module.css";
import { Dialog } from "./Dialog";
import { Failed } from "./states";

interface Props {
  opened: boolean;
  title: string;
  /** What will be gone, and that it can't be undone. */
  children: ReactNode;
  /** What has to be typed, where a slip would cost much. */
  word?: string;
  /** The button: a verb with its object. */
  action: string;
  busy: boolean;
  /** What went wrong, with the sentence that says so. */
  error?: unknown;
  failed: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that can't be taken back. */
export function ConfirmDialog(props: Props) {
  const { opened, title, onClose } = props;
  return (
    <Dialog title={title} opened={opened} onClose={onClose}>
      <Question {...props} />
    </Dialog>
  );
}

function Question({ children, word, action, busy, error, failed, onConfirm, onClose }: Props) {
  const { t } = useLingui();
  const [typed, setTyped] = useState("");
  const ready = !word || typed === word;

  function submit(event: FormEvent) {
    event.preventDefault();
    if (ready) onConfirm();
  }

  return (
    <form className={classes.question} onSubmit={submit}>
      <div>{children}</div>
      {word && (
        <TextInput
          label={t`Type ${word} to confirm`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      {error !== undefined && error !== null && <Failed what={failed} error={error} />}
      <div className={classes.buttons}>
        <Button variant="default" onClick={onClose}>
          <Trans>Cancel</Trans>
        </Button>
        <Button type="submit" color="red" disabled={!ready} loading={busy}>
          {action}
        </Button>
      </div>
    </form>
  );
}
