import { useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import classes from "../identity.module.css";
import { type Deed, UserDeed, useDeeds } from "./deeds";
import type { User } from "./queries";

/** What can be done with a user, in a row of the list. */
export function UserMenu({ user }: { user: User }) {
  const { t } = useLingui();
  const deeds = useDeeds(user);
  const [deed, setDeed] = useState<Deed>();
  return (
    <>
      <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <ActionIcon variant="subtle" aria-label={t`Actions for ${user.username ?? ""}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {deeds.map(({ deed: each, title, grave }) => (
            <Menu.Item
              key={each}
              {...(grave && { className: classes.grave ?? "" })}
              onClick={() => setDeed(each)}
            >
              {title}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {deed && <UserDeed deed={deed} user={user} onClose={() => setDeed(undefined)} />}
    </>
  );
}
