import { Trans, useLingui } from "@lingui/react/macro";
import { CopyButton } from "../../ui/CopyButton";
import { plain } from "../../ui/plain";
import { Severity } from "../../ui/Severity";
import { Text } from "../../ui/Text";
import type { Vulnerability } from "./queries";
import classes from "./scans.module.css";

/** Each finding of a package with what is known of it. Where it leads elsewhere is text: no page of this registry sends anybody there. */
export function FindingDetails({ findings }: { findings: Vulnerability[] }) {
  return (
    <ul className={classes.findings}>
      {findings.map((finding) => (
        <li key={finding.id}>
          <Head finding={finding} />
          {finding.title && (
            <p className={classes.title}>
              <Text>{finding.title}</Text>
            </p>
          )}
          {finding.description && finding.description !== finding.title && (
            <p>
              <Text most={400}>{finding.description}</Text>
            </p>
          )}
          <Excuse finding={finding} />
          <Places finding={finding} />
          <Links finding={finding} />
        </li>
      ))}
    </ul>
  );
}

function Head({ finding }: { finding: Vulnerability }) {
  const score = finding.preferred_cvss?.score_v3;
  return (
    <p className={classes.head}>
      <Severity of={finding.severity} />
      <strong>{plain(finding.id)}</strong>
      {!!score && <span>CVSS {score}</span>}
      {finding.fix_version ? (
        <span>
          <Trans>Fixed in {plain(finding.fix_version)}</Trans>
        </span>
      ) : (
        <span className={classes.dim}>
          <Trans>no fix</Trans>
        </span>
      )}
    </p>
  );
}

/** Why the finding isn't held against the image. */
function Excuse({ finding }: { finding: Vulnerability }) {
  const { excuse } = finding;
  if (!excuse) return null;
  return (
    <p className={classes.notice}>
      {excuse.allowlist ? (
        <Trans>On the allowlist: it isn't held against the image.</Trans>
      ) : (
        <Trans>
          A statement by {plain(excuse.author ?? "")} says: {plain(excuse.status ?? "")}{" "}
          {plain(excuse.justification ?? "")} {plain(excuse.reason ?? "")}
        </Trans>
      )}
    </p>
  );
}

function Places({ finding }: { finding: Vulnerability }) {
  const paths = (finding.places ?? []).flatMap((place) => (place.path ? [place.path] : []));
  if (paths.length === 0) return null;
  return (
    <p className={classes.dim}>
      <Trans>In</Trans> <Text most={200}>{paths.slice(0, 5).join(", ")}</Text>
    </p>
  );
}

function Links({ finding }: { finding: Vulnerability }) {
  const { t } = useLingui();
  if (finding.links.length === 0) return null;
  return (
    <ul className={classes.links} aria-label={t`Advisories`}>
      {finding.links.slice(0, 8).map((link) => (
        <li key={link}>
          <code>{plain(link).slice(0, 300)}</code>
          <CopyButton value={link} label={t`address of the advisory`} />
        </li>
      ))}
    </ul>
  );
}
