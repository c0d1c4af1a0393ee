import { Trans, useLingui } from "@lingui/react/macro";
import { Outlet } from "@tanstack/react-router";
import { Page } from "../../ui/Page";
import { Sections } from "../../ui/Sections";
import { Failed, Loading } from "../../ui/states";
import { useSession } from "../session/queries";
import { SignInRequired } from "../session/SignInRequired";
import { useAdminPages } from "./groups";

/** The frame of what administrators do. */
export function AdminPage() {
  const { t } = useLingui();
  const session = useSession();
  const groups = useAdminPages();
  return (
    <Page title={t`Administration`}>
      {session.isPending && <Loading />}
      {session.isError && (
        <Failed
          what={t`It is unknown whether you are signed in.`}
          error={session.error}
          retry={() => session.refetch()}
        />
      )}
      {session.isSuccess && !session.data?.sysadmin_flag && (
        <SignInRequired>
          <p>
            <Trans>This is for administrators of the registry.</Trans>
          </p>
        </SignInRequired>
      )}
      {session.data?.sysadmin_flag && (
        <Sections label={t`Administration`} groups={groups}>
          <Outlet />
        </Sections>
      )}
    </Page>
  );
}
