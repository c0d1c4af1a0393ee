import { Trans, useLingui } from "@lingui/react/macro";
import { IconAlertTriangle, IconCircleCheck, IconHelpCircle } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { linkTo } from "../../ui/destination";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import type { Project } from "../projects/queries";
import type { SignedIn } from "../session/queries";
import classes from "./home.module.css";
import { NeedAction, NeedWords } from "./NeedLine";
import { needPlace } from "./needPlaces";
import { type Need, useNeeds } from "./needs";

/** What waits for the caller, each with the way to where it is mended; else that all is well. */
export function NeedsYou({ user, mine }: { user: SignedIn; mine: Project[] }) {
  const { t } = useLingui();
  const { needs, pending, failed } = useNeeds(user, mine);
  return (
    <Section title={t`What needs you`}>
      {needs.length > 0 && (
        <ul className={classes.needs}>
          {needs.map((need) => (
            <li key={keyOf(need)} className={classes.need}>
              <IconAlertTriangle size={20} aria-hidden />
              <div>
                <p>
                  <NeedWords need={need} />
                </p>
                <Link {...linkTo(needPlace(user, need))}>
                  <NeedAction need={need} />
                </Link>
              </div>
            </li>
          ))}
        </ul>
      )}
      {pending && needs.length === 0 && <Loading rows={1} />}
      {!pending && needs.length === 0 && failed.length === 0 && (
        <p className={classes.well}>
          <IconCircleCheck size={20} aria-hidden />
          <Trans>All is well.</Trans>
        </p>
      )}
      {failed.length > 0 && (
        <p className={classes.unknown}>
          <IconHelpCircle size={20} aria-hidden />
          <Trans>Some of it can't be found out at the moment.</Trans>
        </p>
      )}
    </Section>
  );
}

function keyOf(need: Need): string {
  const name = "name" in need ? need.name : "project" in need ? need.project : "";
  return `${need.kind} ${name}`;
}
