import { Trans, useLingui } from "@lingui/react/macro";
import { pretty } from "./pretty";
import classes from "./webhooks.module.css";

interface Props {
  exchange: {
    request_head?: string;
    request_body?: string;
    answer?: number;
    answer_body?: string;
  };
}

/** What was sent, without its secrets, and what was answered. */
export function Exchange({ exchange }: Props) {
  const { t } = useLingui();
  const { request_head = "", request_body = "", answer, answer_body = "" } = exchange;
  return (
    <div className={classes.exchange}>
      <Message title={t`Request`} text={`${request_head}\n\n${pretty(request_body)}`} />
      {answer ? (
        <Message title={t`Answer ${answer}`} text={answer_body} />
      ) : (
        <div className={classes.message}>
          <h3>{t`Answer`}</h3>
          <p className={classes.dim}>
            <Trans>None came.</Trans>
          </p>
        </div>
      )}
    </div>
  );
}

function Message({ title, text }: { title: string; text: string }) {
  return (
    <div className={classes.message}>
      <h3>{title}</h3>
      {text.trim() === "" ? (
        <p className={classes.dim}>
          <Trans>Without a body.</Trans>
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long message scrolls by keyboard too
        <pre tabIndex={0}>{text}</pre>
      )}
    </div>
  );
}
