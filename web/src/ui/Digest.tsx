import { useLingui } from "@lingui/react/macro";
import { CopyButton } from "./CopyButton";
import classes from "./Digest.module.css";
import { shortDigest } from "./format";

/** A digest, short to the eye, whole on hover and in what is copied. */
export function Digest({ value }: { value: string }) {
  const { t } = useLingui();
  return (
    <span className={classes.digest}>
      <code title={value}>{shortDigest(value)}</code>
      <CopyButton value={value} label={t`digest ${shortDigest(value)}`} />
    </span>
  );
}
