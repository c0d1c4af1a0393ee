import { Trans, useLingui } from "@lingui/react/macro";
import { CommandTabs } from "../../ui/CommandTabs";
import { useUser } from "../session/queries";
import { pushTools, thisHost } from "./commands";
import { InsecureNotice } from "./InsecureNotice";

/** How to bring the first image into a project, with this very host. */
export function PushCommands({ project }: { project: string }) {
  const { t } = useLingui();
  const user = useUser();
  const tools = pushTools(thisHost(), project, user?.username ?? "USER", {
    login: t`Sign in once; the password is asked for`,
    tag: t`Give a local image its name here`,
    push: t`Push it`,
  });
  return (
    <>
      <CommandTabs tools={tools} label={t`push`} />
      <InsecureNotice />
      {!user && (
        <p>
          <Trans>Sign in here to get the commands with your name.</Trans>
        </p>
      )}
    </>
  );
}
