import { useLingui } from "@lingui/react/macro";
import { useUser } from "../../session/queries";
import { AdministratorDialog } from "./AdministratorDialog";
import { DeleteUser } from "./DeleteUser";
import { PasswordDialog } from "./PasswordDialog";
import type { User } from "./queries";

/** What can be done with a user. */
export type Deed = "administrator" | "password" | "delete";

interface Named {
  deed: Deed;
  title: string;
  grave?: boolean;
}

/** The deeds that the server lets an administrator do with this user. */
export function useDeeds(user: User): Named[] {
  const { t } = useLingui();
  const me = useUser();
  const first = user.user_id === 1;
  const self = me?.user_id === user.user_id;
  const all: Named[] = [];
  if (!first && !self) {
    all.push({
      deed: "administrator",
      title: user.sysadmin_flag ? t`Take administration away` : t`Make administrator`,
    });
  }
  if (!user.provider && !self) all.push({ deed: "password", title: t`Set a new password` });
  if (!first && !self) all.push({ deed: "delete", title: t`Delete user`, grave: true });
  return all;
}

interface Props {
  deed: Deed;
  user: User;
  onClose: () => void;
  /** The user is gone: the page about them has to be left. */
  onGone?: () => void;
}

/** The dialog of a deed. */
export function UserDeed({ deed, user, onClose, onGone }: Props) {
  if (deed === "password") return <PasswordDialog user={user} onClose={onClose} />;
  if (deed === "administrator") return <AdministratorDialog user={user} onClose={onClose} />;
  return <DeleteUser user={user} onClose={onClose} {...(onGone && { onGone })} />;
}
