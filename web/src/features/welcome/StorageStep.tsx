import { Trans, useLingui } from "@lingui/react/macro";
import { Bytes } from "../../ui/Bytes";
import { Failed, Loading } from "../../ui/states";
import { Check } from "./Check";
import { useHealth, useServer, useVolumes } from "./queries";
import classes from "./welcome.module.css";

const little = 5 * 1024 ** 3;

/** Where images go, whether they can be written there, and how much room there is. */
export function StorageStep() {
  const { t } = useLingui();
  const server = useServer();
  const volumes = useVolumes();
  const health = useHealth();
  if (server.isPending || volumes.isPending || health.isPending) return <Loading rows={3} />;
  if (health.isError) {
    return (
      <Failed
        what={t`The storage could not be tried.`}
        error={health.error}
        retry={() => health.refetch()}
      />
    );
  }
  const isWell = (name: string) =>
    health.data.components.some((part) => part.name === name && part.status === "healthy");
  const kind = server.data?.registry_storage_provider_name ?? "";
  const { free = 0, total = 0 } = volumes.data ?? {};
  return (
    <ul className={classes.checks}>
      <Check right={isWell("registry")}>
        {isWell("registry") ? (
          <Trans>The storage for images ({kind}) answers.</Trans>
        ) : (
          <Trans>The storage for images ({kind}) does not answer. The server's log says why.</Trans>
        )}
      </Check>
      <Check right={isWell("database")}>
        {isWell("database") ? (
          <Trans>The database answers.</Trans>
        ) : (
          <Trans>The database does not answer. The server's log says why.</Trans>
        )}
      </Check>
      <Check right={server.data?.read_only !== true}>
        {server.data?.read_only ? (
          <Trans>The registry is read-only: pushes are refused until you end that.</Trans>
        ) : (
          <Trans>Images may be written.</Trans>
        )}
      </Check>
      {total > 0 && (
        <Check right={free > little}>
          <Trans>
            <Bytes value={free} /> of <Bytes value={total} /> are free.
          </Trans>
        </Check>
      )}
    </ul>
  );
}
