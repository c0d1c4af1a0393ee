import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Failed, Loading } from "../../ui/states";
import { effectOf, imageOf, type State, type Threshold } from "./effect";
import { most, type Outcomes, useLatestArtifacts, useVerdicts } from "./queries";
import classes from "./scanning.module.css";

interface Props {
  project: string;
  block: boolean;
  threshold: Threshold;
  outcomes: Outcomes;
}

const shown = 5;

/** What a rule means for the images that are here: what is refused now, and what would be. */
export function BlockEffect({ project, block, threshold, outcomes }: Props) {
  const { t } = useLingui();
  const artifacts = useLatestArtifacts(project);
  const items = artifacts.data?.items ?? [];
  const images = items
    .filter((artifact) => artifact.type === "IMAGE")
    .map((artifact) => `${artifact.repository_name}@${artifact.digest}`);
  const verdicts = useVerdicts(project, images);
  if (artifacts.isPending) return <Loading rows={2} />;
  if (artifacts.isError) {
    return (
      <Failed
        what={t`What this means for the images here can't be told.`}
        error={artifacts.error}
        retry={() => artifacts.refetch()}
      />
    );
  }
  const effect = effectOf(items, threshold, outcomes);
  const after = block ? effect.blocked : [];
  const now = verdicts.data?.filter((verdict) => !verdict.allowed).length;
  const { judged } = effect;
  const more = after.length - shown;
  return (
    <section className={classes.effect} aria-label={t`What this means`} aria-live="polite">
      <h3>
        <Trans>What this means</Trans>
      </h3>
      {judged === 0 ? (
        <p>
          <Trans>There is no image here yet, so nothing changes today.</Trans>
        </p>
      ) : (
        <>
          <p>
            <Trans>
              Would be refused: {after.length} of the last {judged}.
            </Trans>{" "}
            {now !== undefined && <Trans>Refused now, by all rules of the project: {now}.</Trans>}
          </p>
          <ul>
            {after.slice(0, shown).map(({ artifact, state }) => (
              <li key={`${artifact.repository_name} ${artifact.digest}`}>
                <code>{imageOf(artifact)}</code> · <Why state={state} />
              </li>
            ))}
          </ul>
          {more > 0 && (
            <p className={classes.dim}>
              <Plural value={more} one="And # more." other="And # more." />
            </p>
          )}
          {(artifacts.data?.total ?? 0) > most && (
            <p className={classes.dim}>
              <Trans>Older ones are not counted here.</Trans>
            </p>
          )}
        </>
      )}
    </section>
  );
}

function Why({ state }: { state: State }) {
  const { t } = useLingui();
  const words: Record<State, string> = {
    clean: t`nothing found`,
    vulnerable: t`vulnerabilities that are too severe`,
    never_scanned: t`never scanned`,
    pending: t`its scan waits or runs`,
    failed: t`its scan failed`,
    not_evaluated: t`a part of it can't be judged`,
  };
  return words[state];
}
