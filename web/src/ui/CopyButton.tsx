import { useLingui } from "@lingui/react/macro";
import { IconCheck, IconCopy, IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import classes from "./CopyButton.module.css";
import { copyText } from "./clipboard";

type State = "idle" | "copied" | "refused";

interface Props {
  value: string;
  /** What is copied, for those who do not see where the button stands. */
  label: string;
}

export function CopyButton({ value, label }: Props) {
  const { t } = useLingui();
  const [state, setState] = useState<State>("idle");

  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 2000);
    return () => clearTimeout(timer);
  }, [state]);

  const spoken = { idle: "", copied: t`Copied`, refused: t`The browser refused to copy` }[state];
  return (
    <>
      <button
        type="button"
        className={classes.copy}
        data-refused={state === "refused" || undefined}
        aria-label={t`Copy ${label}`}
        title={spoken || t`Copy ${label}`}
        onClick={() =>
          copyText(value).then(
            () => setState("copied"),
            () => setState("refused"),
          )
        }
      >
        {state === "idle" && <IconCopy size={16} aria-hidden />}
        {state === "copied" && <IconCheck size={16} aria-hidden />}
        {state === "refused" && <IconX size={16} aria-hidden />}
      </button>
      <span className="visually-hidden" role="status">
        {spoken}
      </span>
    </>
  );
}
