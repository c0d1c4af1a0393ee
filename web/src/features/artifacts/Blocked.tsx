import { Trans, useLingui } from "@lingui/react/macro";
import { IconBan } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client";
import { Digest } from "../../ui/Digest";
import { plain } from "../../ui/plain";
import { Severity } from "../../ui/Severity";
import { useUser } from "../session/queries";
import { artifactSplat } from "./address";
import classes from "./Blocked.module.css";
import type { PlaceProps } from "./place";
import { type Artifact, useMayPull, useVerdict, type Verdict } from "./queries";

/** Why an artifact can't be pulled: the rule, what breaks it, what helps. Nothing where it can. */
export function Blocked({ project, repository, artifact }: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  const place = { project, repository };
  const verdict = useVerdict(place, artifact.digest ?? "").data;
  const rights = useMayPull(place, !!useUser()).data;
  if (verdict?.allowed !== false && rights?.allowed !== false) return null;
  return (
    <section className={classes.box} aria-label={t`Why it can't be pulled`}>
      <IconBan size={20} aria-hidden />
      <div className={classes.text}>
        {rights?.allowed === false && <NoRight rights={rights} />}
        {verdict?.allowed === false && <Reasons {...place} artifact={artifact} verdict={verdict} />}
      </div>
    </section>
  );
}

function NoRight({ rights }: { rights: Schema["AccessExplanation"] }) {
  return (
    <>
      <p className={classes.title}>
        <Trans>You may not pull it.</Trans>
      </p>
      <ul>
        {rights.reasons.map((reason) => (
          <li key={reason.text}>{reason.text}</li>
        ))}
      </ul>
    </>
  );
}

type Props = PlaceProps & { artifact: Artifact; verdict: Verdict };

function Reasons({ project, repository, artifact, verdict }: Props) {
  const refused = verdict.images.filter(
    (image) => image.outcome === "block" && image.state !== "clean",
  );
  const { signatures } = verdict;
  const splat = artifactSplat(repository, artifact.digest ?? "");
  return (
    <>
      <p className={classes.title}>
        <Trans>Blocked: nobody can pull this.</Trans>
      </p>
      {signatures && !signatures.trusted && signatures.missing && (
        <p>
          <Trans>The project demands signatures: {signatures.missing}</Trans>
        </p>
      )}
      {refused.map((image) => (
        <Image key={image.digest} image={image} alone={image.digest === artifact.digest} />
      ))}
      {verdict.message && <p className={classes.message}>{plain(verdict.message)}</p>}
      <p className={classes.links}>
        <Link
          to="/p/$project/r/$"
          params={{ project, _splat: splat }}
          search={{ tab: "vulnerabilities" }}
        >
          <Trans>See findings</Trans>
        </Link>
        <Link
          to="/p/$project/r/$"
          params={{ project, _splat: splat }}
          search={{ tab: "signatures" }}
        >
          <Trans>See signatures</Trans>
        </Link>
        <a href={`/p/${encodeURIComponent(project)}/settings/scanning`}>
          <Trans>See the project's rules</Trans>
        </a>
      </p>
    </>
  );
}

/** What is wrong with one image: its findings, or that nobody knows of any. */
function Image({ image, alone }: { image: Schema["GateImage"]; alone: boolean }) {
  return (
    <div>
      {!alone && <Digest value={image.digest} />}
      <p>
        <Why image={image} />
      </p>
      <ul className={classes.findings}>
        {image.findings.map((finding) => (
          <li key={`${finding.cve_id} ${finding.package} ${finding.version}`}>
            <Severity of={finding.severity} /> <strong>{finding.cve_id}</strong>{" "}
            <span>
              {plain(finding.package)} {plain(finding.version)}
            </span>{" "}
            {finding.fixed_version ? (
              <Trans>A fix is in {plain(finding.fixed_version)}.</Trans>
            ) : (
              <Trans>There is no fix yet.</Trans>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Why({ image }: { image: Schema["GateImage"] }) {
  switch (image.state) {
    case "vulnerable":
      return (
        <Trans>
          Findings as severe as the project refuses: {image.refused}, of {image.total} in all; with
          a fix: {image.fixable}.
        </Trans>
      );
    case "never_scanned":
      return (
        <Trans>
          It was never scanned, and the project refuses what nobody has looked at. Scan it.
        </Trans>
      );
    case "pending":
      return (
        <Trans>Its first scan is under way, and the project refuses it until that is done.</Trans>
      );
    case "failed":
      return (
        <Trans>
          Its scan failed, and the project refuses what couldn't be scanned. {plain(image.reason)}
        </Trans>
      );
    case "not_evaluated":
      return (
        <Trans>
          A part of it can't be judged, and the project refuses that. {plain(image.reason)}
        </Trans>
      );
    default:
      return <Trans>Nothing is wrong with it.</Trans>;
  }
}
