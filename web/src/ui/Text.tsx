import { Trans } from "@lingui/react/macro";
import { useState } from "react";
import { plain } from "./plain";
import classes from "./Text.module.css";
import { useNumber } from "./useNumber";

interface Props {
  children: string;
  /** So many letters are shown at first. */
  most?: number;
}

/** A text of strangers: what is hidden in it is seen, what is long is cut until somebody wants all. */
export function Text({ children, most = 300 }: Props) {
  const [all, setAll] = useState(false);
  const number = useNumber();
  const long = children.length > most;
  return (
    <bdi className={classes.text}>
      {plain(long && !all ? `${children.slice(0, most)}…` : children)}
      {long && !all && (
        <>
          {" "}
          <button type="button" className={classes.more} onClick={() => setAll(true)}>
            <Trans>Show all {number(children.length)} letters</Trans>
          </button>
        </>
      )}
    </bdi>
  );
}
