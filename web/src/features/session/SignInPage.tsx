import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link, useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ownPath } from "../../routes/search";
import { Page } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useSession } from "./queries";
import { SignIn } from "./SignIn";
import classes from "./SignInRequired.module.css";

const route = getRouteApi("/account/sign-in");

/** `/account/sign-in`: the ways in, and why the provider's didn't lead anywhere. It never leaves by itself. */
export function SignInPage() {
  const { t } = useLingui();
  const session = useSession();
  const { reason, next: wanted = "" } = route.useSearch();
  const next = ownPath(wanted) ? wanted : "/"; // what isn't valid may still stand in the address
  const router = useRouter();
  const came = useRef(false);
  if (session.data === null) came.current = true;
  const arrived = !!session.data && came.current;

  // Who signs in here goes on to where they wanted.
  useEffect(() => {
    if (arrived) router.history.replace(next);
  }, [arrived, next, router]);

  return (
    <Page title={t`Sign in`}>
      <div className={classes.box}>
        {reason && <Failure reason={reason} />}
        {session.isPending && <Loading />}
        {session.data && (
          <p>
            <Trans>
              You are signed in as {session.data.username}. <Link to={next}>Go on</Link>
            </Trans>
          </p>
        )}
        {!session.isPending && !session.data && <SignIn next={next} stay />}
      </div>
    </Page>
  );
}

function Failure({ reason }: { reason: string }) {
  const { t } = useLingui();
  const words: Record<string, string> = {
    flow: t`This attempt to sign in took too long, or was begun in another browser. Try again.`,
    denied: t`The provider did not sign you in. Try again, or ask your administrator whether you may use this registry.`,
    refused: t`The answer of the provider could not be trusted, so nobody was signed in. Try again; if it stays, tell your administrator.`,
    profile: t`The provider does not tell enough about you for an account. Tell your administrator.`,
    taken: t`Your user name belongs to another account here. Tell your administrator.`,
    unavailable: t`The provider can't be reached. Try again later.`,
  };
  return (
    <p className={classes.failure} role="alert">
      {words[reason] ?? t`Signing in failed. Try again.`}
    </p>
  );
}
