import { useLingui } from "@lingui/react/macro";
import { Page } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { useSession } from "../session/queries";
import { SignedInHome } from "./SignedInHome";
import { SignedOutHome } from "./SignedOutHome";

/** `/`: what is mine and what to do next; for those who are nobody yet, the way in. */
export function HomePage() {
  const { t } = useLingui();
  const session = useSession();
  const user = session.data;
  const name = user?.realname || user?.username || "";
  return (
    <Page title={user ? t`Hello, ${name}` : t`Haven on ${window.location.host}`}>
      {session.isPending && <Loading />}
      {session.isError && (
        <Failed
          what={t`It is unknown whether you are signed in.`}
          error={session.error}
          retry={() => session.refetch()}
        />
      )}
      {user && <SignedInHome user={user} />}
      {user === null && <SignedOutHome />}
    </Page>
  );
}
