import { Trans, useLingui } from "@lingui/react/macro";
import { useQueries } from "@tanstack/react-query";
import { imageOf } from "../scanning-rules/effect";
import { useLatestArtifacts } from "../scanning-rules/queries";
import classes from "../scanning-rules/scanning.module.css";
import { type Signatures, signaturesQuery } from "./queries";

interface Props {
  project: string;
  policy: boolean;
  cosign: boolean;
  notation: boolean;
}

/** How many images are looked at: each is a request of its own. */
const looked = 10;

/** Whether a pull would be refused for want of a signature. */
function isRefused(standing: Signatures, { policy, cosign, notation }: Props): boolean {
  if (!cosign && !notation) return false;
  if (policy) return !standing.trusted;
  return (cosign && !standing.cosign) || (notation && !standing.notation);
}

/** What it means for the images that came last. */
export function EnforceEffect(props: Props) {
  const { t } = useLingui();
  const artifacts = useLatestArtifacts(props.project);
  const images = (artifacts.data?.items ?? [])
    .filter((artifact) => artifact.type === "IMAGE")
    .slice(0, looked);
  const standings = useQueries({
    queries: images.map((artifact) =>
      signaturesQuery(
        props.project,
        (artifact.repository_name ?? "").replace(`${props.project}/`, ""),
        artifact.digest ?? "",
      ),
    ),
  });
  if (artifacts.isPending || standings.some((standing) => standing.isPending)) return null;
  const refused = images.filter((_, place) => {
    const standing = standings[place]?.data;
    return standing !== undefined && isRefused(standing, props);
  });
  return (
    <section className={classes.effect} aria-label={t`What this means`} aria-live="polite">
      <h3>
        <Trans>What this means</Trans>
      </h3>
      {images.length === 0 ? (
        <p>
          <Trans>There is no image here yet, so nothing changes today.</Trans>
        </p>
      ) : (
        <>
          <p>
            <Trans>
              Would be refused for want of a signature: {refused.length} of the last {images.length}
              .
            </Trans>
          </p>
          <ul>
            {refused.map((artifact) => (
              <li key={`${artifact.repository_name} ${artifact.digest}`}>
                <code>{imageOf(artifact)}</code>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
