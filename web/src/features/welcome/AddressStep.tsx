import { Trans, useLingui } from "@lingui/react/macro";
import { Command } from "../../ui/Command";
import { Failed, Loading } from "../../ui/states";
import { isLocal, needsInsecureSetting, thisHost } from "../repositories/commands";
import { Check } from "./Check";
import { useAnswers, useServer } from "./queries";
import classes from "./welcome.module.css";

/** What clients will call this registry, and whether it answers there. */
export function AddressStep() {
  const { t } = useLingui();
  const server = useServer();
  const answers = useAnswers();
  const host = thisHost();
  const address = server.data?.external_url ?? "";
  const same = address === window.location.origin;
  if (server.isPending || answers.isPending) return <Loading rows={3} />;
  if (server.isError) return <Failed what={t`The address is unknown.`} error={server.error} />;
  return (
    <>
      <p>
        <Trans>Clients reach this registry at {address}. It is the beginning of image names:</Trans>
      </p>
      <Command text={`docker pull ${server.data.registry_url ?? host.name}/my-team/my-app:1.0`} />
      <ul className={classes.checks}>
        <Check right={answers.data === true}>
          {answers.data ? (
            <Trans>The registry answers to this browser.</Trans>
          ) : (
            <Trans>
              The registry does not answer to this browser. A proxy between may let only pages
              through: it must pass /v2/ and /service/ too.
            </Trans>
          )}
        </Check>
        <Check right={same}>
          {same ? (
            <Trans>The server calls itself as this browser does.</Trans>
          ) : (
            <Trans>
              This browser calls it {window.location.origin}. Set external_url to the address that
              all clients shall use, and have the proxy pass on the host and the scheme.
            </Trans>
          )}
        </Check>
        <Check right={!needsInsecureSetting(host)}>
          {host.secure && <Trans>The connection is encrypted.</Trans>}
          {!host.secure && isLocal(host) && (
            <Trans>
              The connection is not encrypted. On this machine that is fine; for other machines put
              TLS in front.
            </Trans>
          )}
          {needsInsecureSetting(host) && (
            <Trans>
              The connection is not encrypted: docker on other machines refuses that, and passwords
              can be read on the way. Give Haven a certificate, or put a proxy with one in front.
            </Trans>
          )}
        </Check>
      </ul>
    </>
  );
}
