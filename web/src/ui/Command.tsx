import { useLingui } from "@lingui/react/macro";
import classes from "./Command.module.css";
import { CopyButton } from "./CopyButton";

interface Props {
  text: string;
  /** What the command does, in a few words. */
  title?: string | undefined;
}

/** One command to type in a shell, with copy. */
export function Command({ text, title }: Props) {
  const { t } = useLingui();
  return (
    <div>
      {title && <p className={classes.title}>{title}</p>}
      <div className={classes.command}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls by keyboard too */}
        <pre tabIndex={0}>
          <code>{text}</code>
        </pre>
        <CopyButton value={text} label={t`command ${text}`} />
      </div>
    </div>
  );
}
