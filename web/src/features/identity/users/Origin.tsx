import { useLingui } from "@lingui/react/macro";
import classes from "../identity.module.css";
import type { User } from "./queries";

/** Who brought an account: this registry, or the company's directory or provider. */
export function Origin({ user }: { user: User }) {
  const { t } = useLingui();
  const names: Record<string, string> = { ldap: t`LDAP directory`, oidc: t`OpenID provider` };
  return (
    <span className={classes.whole}>
      {user.provider ? (names[user.provider] ?? user.provider) : t`this registry`}
    </span>
  );
}
