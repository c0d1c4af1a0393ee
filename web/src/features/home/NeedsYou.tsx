import { Trans } from "@lingui/react/macro";
import { IconKey } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import classes from "./home.module.css";

/** The password of the first start lies in a file on the server: ask for another. */
export function NeedsYou() {
  return (
    <div className={classes.needs}>
      <IconKey size={20} aria-hidden />
      <p>
        <Trans>
          You still use the password that the first start made; it lies in a file on the server.{" "}
          <Link to="/me">Change password</Link>
        </Trans>
      </p>
    </div>
  );
}
