import { Trans } from "@lingui/react/macro";
import { needsInsecureSetting, thisHost } from "./commands";

/** Docker refuses plain http to other machines: says which setting allows it. */
export function InsecureNotice() {
  const host = thisHost();
  if (!needsInsecureSetting(host)) return null;
  const setting = `{"insecure-registries": ["${host.name}"]}`;
  return (
    <p>
      <Trans>
        This registry answers over plain HTTP. Docker needs <code>{setting}</code> in its
        daemon.json, or better, give the registry a certificate.
      </Trans>
    </p>
  );
}
