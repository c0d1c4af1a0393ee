import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { When } from "../../ui/When";
import classes from "./audit.module.css";
import { useForwarding } from "./queries";

/** Whether the log goes to a receiver of syslog, and how far that is. */
export function Forwarding() {
  const { t } = useLingui();
  const { data } = useForwarding(true);
  if (!data) return null;
  const { state, endpoint, pending_rows, last_error } = data;
  const words = {
    off: t`The log is not forwarded.`,
    current: t`The log is forwarded to ${endpoint}; nothing waits.`,
    behind: t`The log is forwarded to ${endpoint}; ${pending_rows} rows wait.`,
    failing: t`The log can't be forwarded to ${endpoint}; ${pending_rows} rows wait.`,
  }[state];
  return (
    <div
      className={classes.forwarding}
      data-state={state}
      role={state === "failing" ? "alert" : "status"}
    >
      <p>{words}</p>
      <Link to="/admin">
        <Trans>Settings of forwarding</Trans>
      </Link>
      {state === "failing" && last_error && (
        <p>
          {last_error} (<When time={data.last_error_time ?? undefined} />)
        </p>
      )}
    </div>
  );
}
