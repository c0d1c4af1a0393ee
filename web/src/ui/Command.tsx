import { useLingui } from "@lingui/react/macro";
import classes from "./Command.module.css";
import { CopyButton } from "./CopyButton";

/** One command to type in a shell, with copy. */
export function Command({ text }: { text: string }) {
  const { t } = useLingui();
  return (
    <div className={classes.command}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls by keyboard too */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <CopyButton value={text} label={t`command ${text}`} />
    </div>
  );
}
