import { Trans } from "@lingui/react/macro";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { BannerLine } from "../features/banner/BannerLine";
import { Search } from "../features/search/Search";
import { useSession } from "../features/session/queries";
import { Loading } from "../ui/states";
import { Account } from "./Account";
import { Rail } from "./Rail";
import classes from "./Shell.module.css";
import { Work } from "./Work";

/** The frame around every page: skip link, rail, account, content. That waits until it is known for whom it is. */
export function Shell() {
  const session = useSession();
  // Only at first: who signs in or out stays on the page that did it.
  const [known, setKnown] = useState(false);
  if (!known && !session.isPending) setKnown(true);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(path);

  // A new page begins at its top for keyboard and screen reader as well.
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#content">
        <Trans>Skip to the content</Trans>
      </a>
      <Rail />
      <div className={classes.body}>
        <header className={classes.top}>
          <Search />
          <Work />
          <Account />
        </header>
        <main id="content" className={classes.content} ref={main} tabIndex={-1}>
          <BannerLine />
          {known ? <Outlet /> : <Loading />}
        </main>
      </div>
    </div>
  );
}
