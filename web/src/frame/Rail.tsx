import { useLingui } from "@lingui/react/macro";
import { Link, useRouterState } from "@tanstack/react-router";
import { useUser } from "../features/session/queries";
import { places } from "./places";
import classes from "./Rail.module.css";

/** The places one always reaches: a rail, icons on narrow screens, a bar below on phones. */
export function Rail() {
  const { t, i18n } = useLingui();
  const user = useUser();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <nav className={classes.rail} aria-label={t`Places`}>
      <Link to="/" className={classes.brand} aria-label="Haven">
        <img src="/favicon.svg" alt="" width={24} height={24} />
        <span>Haven</span>
      </Link>
      <ul>
        {places
          .filter((place) => place.shown(user))
          .map(({ title, to, Sign, within }) => (
            <li key={to}>
              <Link
                to={to}
                className={classes.place}
                activeOptions={{ exact: true }}
                data-within={within.some((start) => path.startsWith(start))}
              >
                <Sign size={20} aria-hidden />
                <span>{i18n._(title)}</span>
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}
