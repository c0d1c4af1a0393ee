import { Trans } from "@lingui/react/macro";
import classes from "../identity.module.css";

/** Two modes of Harbor that can be set, and by which nobody comes in here. */
export function OtherMode({ mode }: { mode: string }) {
  if (mode !== "http_auth" && mode !== "uaa_auth") return null;
  return (
    <p className={classes.notice}>
      <Trans>
        The mode is {mode}, which Harbor knows. Here its settings are kept, and nobody is let in by
        it: choose another one.
      </Trans>
    </p>
  );
}
