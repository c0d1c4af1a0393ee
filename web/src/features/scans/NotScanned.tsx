import { Trans, useLingui } from "@lingui/react/macro";
import type { Schema } from "../../api/client";
import { Empty } from "../../ui/states";
import { Text } from "../../ui/Text";

interface Props {
  overview: Schema["NativeReportSummary"] | undefined;
  mayScan: boolean;
}

/** There is no report: why, and how one comes. */
export function NotScanned({ overview, mayScan }: Props) {
  const { t } = useLingui();
  return (
    <Empty title={t`Nobody has looked at this yet: there is no report.`}>
      {overview?.reason && (
        <p>
          <Trans>The last try ended so:</Trans> <Text>{overview.reason}</Text>
        </p>
      )}
      <p>
        {mayScan ? (
          <Trans>
            Scan it now with the button above. The project's settings can have every push scanned by
            itself.
          </Trans>
        ) : (
          <Trans>
            The project's maintainers can scan it, and have every push scanned by itself.
          </Trans>
        )}
      </p>
      <p>
        <Trans>
          A scan needs the vulnerability database. Where none is there, scans wait for it; an
          administrator brings one with <code>haven vulndb import</code>.
        </Trans>
      </p>
    </Empty>
  );
}
