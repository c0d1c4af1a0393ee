import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconLogout, IconSettings, IconUser } from "@tabler/icons-react";
import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { useProvider, useSession, useSignOut } from "../features/session/queries";
import classes from "./Account.module.css";
import { ViewChoices } from "./ViewChoices";

/** Who is signed in, the way to the account and out, and how things look. */
export function Account() {
  const { t } = useLingui();
  const session = useSession();
  const navigate = useNavigate();
  const provider = useProvider();
  const here = useRouterState({ select: (state) => state.location });
  const next = here.pathname.startsWith("/account/") || here.pathname === "/" ? "" : here.href;
  // Home would lead back to a provider that is the way in.
  const signOut = useSignOut(() => navigate({ to: provider?.primary ? "/account/sign-in" : "/" }));
  const user = session.data;

  return (
    <>
      {user === null && (
        <Link to="/account/sign-in" search={next ? { next } : {}} className={classes.signIn}>
          <Trans>Sign in</Trans>
        </Link>
      )}
      <Menu
        position="bottom-end"
        width={260}
        withinPortal={false}
        withInitialFocusPlaceholder={false}
        classNames={{ dropdown: classes.dropdown }}
      >
        <Menu.Target>
          <Button
            variant="subtle"
            size="xs"
            leftSection={
              user ? <IconUser size={16} aria-hidden /> : <IconSettings size={16} aria-hidden />
            }
            rightSection={<IconChevronDown size={14} aria-hidden />}
          >
            {user ? user.username : t`View`}
          </Button>
        </Menu.Target>
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
    </>
  );
}
