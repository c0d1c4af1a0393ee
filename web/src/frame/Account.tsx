import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconChevronDown, IconSettings, IconUser } from "@tabler/icons-react";
import { Link, useRouterState } from "@tanstack/react-router";
import { useSession } from "../features/session/queries";
import { useOnDemand } from "../ui/useOnDemand";
import classes from "./Account.module.css";

const loadMenu = () => import("./AccountMenu").then((part) => part.AccountMenu);

/** Who is signed in or the way in, and the button of the menu. */
export function Account() {
  const { t } = useLingui();
  const session = useSession();
  const here = useRouterState({ select: (state) => state.location });
  const next = here.pathname.startsWith("/account/") || here.pathname === "/" ? "" : here.href;
  const user = session.data;
  const menu = useOnDemand(loadMenu);
  const button = (
    <Button
      {...menu.button}
      variant="subtle"
      size="xs"
      aria-haspopup="menu"
      leftSection={
        user ? <IconUser size={16} aria-hidden /> : <IconSettings size={16} aria-hidden />
      }
      rightSection={<IconChevronDown size={14} aria-hidden />}
    >
      {user ? user.username : t`View`}
    </Button>
  );

  return (
    <>
      {user === null && (
        <Link to="/account/sign-in" search={next ? { next } : {}} className={classes.signIn}>
          <Trans>Sign in</Trans>
        </Link>
      )}
      {menu.Popup ? <menu.Popup {...menu.popup} button={button} /> : button}
    </>
  );
}
