import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { When } from "../../ui/When";
import type { Need } from "./needs";

const told = 3;

/** What waits, in a sentence. */
export function NeedWords({ need }: { need: Need }): ReactNode {
  switch (need.kind) {
    case "password":
      return (
        <Trans>
          You still use the password that the first start made; it lies in a file on the server.
        </Trans>
      );
    case "critical":
      return (
        <>
          <Plural
            value={need.count}
            one="# critical vulnerability has a fix:"
            other="# critical vulnerabilities have a fix:"
          />{" "}
          {some(need.names)}
        </>
      );
    case "quota": {
      const share = Math.floor(need.share * 100);
      return (
        <Trans>
          The project {need.project} has used {share} % of its quota. When it is full, pushes to it
          are refused.
        </Trans>
      );
    }
    case "jobs":
      return (
        <>
          <Plural
            value={need.count}
            one="# job failed since yesterday:"
            other="# jobs failed since yesterday:"
          />{" "}
          {some(need.names)}
        </>
      );
    case "robot":
      return need.expired ? (
        <Trans>
          The robot {need.name} expired <When time={need.expires} />. What logs in by it is refused.
        </Trans>
      ) : (
        <Trans>
          The robot {need.name} expires <When time={need.expires} />.
        </Trans>
      );
    case "token":
      return need.expired ? (
        <Trans>
          Your token {need.name} expired <When time={need.expires} />.
        </Trans>
      ) : (
        <Trans>
          Your token {need.name} expires <When time={need.expires} />.
        </Trans>
      );
    case "part":
      return <Trans>{need.name} is not healthy. The server's log says why.</Trans>;
    case "scanner":
      return <Trans>The scanner {need.name} does not answer, so images are not scanned.</Trans>;
    case "database":
      return need.updated ? (
        <Trans>
          The vulnerability database was last updated <When time={need.updated} />. Newer
          vulnerabilities are not found.
        </Trans>
      ) : (
        <Trans>There is no vulnerability database yet, so nothing is found in images.</Trans>
      );
  }
}

function some(names: string[]): string {
  return names.slice(0, told).join(", ") + (names.length > told ? " …" : "");
}

/** What the link says that leads to where it is mended. */
export function NeedAction({ need }: { need: Need }): ReactNode {
  switch (need.kind) {
    case "password":
      return <Trans>Change password</Trans>;
    case "critical":
      return <Trans>See findings</Trans>;
    case "quota":
      return <Trans>Make room, or raise the quota</Trans>;
    case "jobs":
      return <Trans>See jobs</Trans>;
    case "robot":
      return <Trans>Renew the robot</Trans>;
    case "token":
      return <Trans>Renew the token</Trans>;
    case "part":
      return <Trans>See health</Trans>;
    case "scanner":
      return <Trans>See scanners</Trans>;
    case "database":
      return <Trans>Update the database</Trans>;
  }
}
