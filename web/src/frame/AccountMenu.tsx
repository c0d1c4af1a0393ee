import { Trans } from "@lingui/react/macro";
import { Menu } from "@mantine/core";
import { IconLogout, IconUser } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useProvider, useSignOut, useUser } from "../features/session/queries";
import type { PopupProps } from "../ui/useOnDemand";
import classes from "./Account.module.css";
import { ViewChoices } from "./ViewChoices";

/** The way to the account and out, and how things look. */
export function AccountMenu({ button, opened, onChange }: PopupProps) {
  const navigate = useNavigate();
  const provider = useProvider();
  const user = useUser();
  // Home would lead back to a provider that is the way in.
  const signOut = useSignOut(() => navigate({ to: provider?.primary ? "/account/sign-in" : "/" }));
  return (
    <Menu
      opened={opened}
      onChange={onChange}
      position="bottom-end"
      width={260}
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      classNames={{ dropdown: classes.dropdown }}
    >
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        {user && (
          <>
            <Menu.Item
              leftSection={<IconUser size={16} aria-hidden />}
              onClick={() => navigate({ to: "/me" })}
            >
              <Trans>Your account</Trans>
            </Menu.Item>
            <Menu.Divider />
          </>
        )}
        <ViewChoices />
        {user && (
          <>
            <Menu.Divider />
            <Menu.Item
              leftSection={<IconLogout size={16} aria-hidden />}
              onClick={() => signOut.mutate()}
            >
              <Trans>Sign out</Trans>
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
