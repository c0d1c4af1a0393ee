import { Plural, Trans, useLingui } from "@lingui/react/macro";
import type { Schema } from "../../api/client";
import { kindOf, lines } from "./rights";
import classes from "./Tokens.module.css";

type Permission = Schema["RobotPermission"];

/** Where something may act: the registry, all projects, or one. */
export function Place({ permission }: { permission: Permission }) {
  if (permission.kind === "system") return <Trans>the registry</Trans>;
  if (permission.namespace === "*") return <Trans>all projects</Trans>;
  return <>{permission.namespace}</>;
}

interface Props {
  permissions: Permission[];
  /** A project that needn't be named. */
  here?: string | undefined;
}

/** What something may do, place by place; the single rights fold out. */
export function Permissions({ permissions, here }: Props) {
  return (
    <ul className={classes.permissions}>
      {permissions.map((permission) => (
        <li key={`${permission.kind} ${permission.namespace}`}>
          <OfPlace permission={permission} here={here} />
        </li>
      ))}
    </ul>
  );
}

function OfPlace({ permission, here }: { permission: Permission; here: string | undefined }) {
  const { t } = useLingui();
  const access = permission.access ?? [];
  const kind = kindOf(access);
  const word = { everything: t`everything`, push: t`pull and push`, pull: t`pull`, some: "" }[kind];
  const place = permission.namespace !== here && (
    <>
      <Place permission={permission} />:{" "}
    </>
  );
  if (kind === "everything") {
    return (
      <>
        {place}
        {word}
      </>
    );
  }
  return (
    <details>
      <summary>
        {place}
        {word || <Plural value={access.length} one="# right" other="# rights" />}
      </summary>
      <ul className={classes.rights}>
        {lines(access).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  );
}
