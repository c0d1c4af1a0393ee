import { Trans, useLingui } from "@lingui/react/macro";
import { IconCertificate } from "@tabler/icons-react";
import type { Schema } from "../../api/client";
import classes from "./trust.module.css";

/** Whether somebody has attached a signature. Who it was, and what it is worth, the artifact's page says. */
export function Seal({ accessories }: { accessories: Schema["Accessory"][] | null }) {
  const { t } = useLingui();
  const signed = accessories?.some((each) => each.type.startsWith("signature."));
  if (!signed) {
    return (
      <span className={classes.dim}>
        <span aria-hidden>–</span>
        <span className="visually-hidden">
          <Trans>not signed</Trans>
        </span>
      </span>
    );
  }
  return (
    <span
      className={`${classes.dim} ${classes.state}`}
      title={t`A signature is attached. Whose it is and what it is worth says the artifact's page.`}
    >
      <IconCertificate size={16} aria-hidden />
      <Trans>Signed</Trans>
    </span>
  );
}
