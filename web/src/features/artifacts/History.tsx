import { useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import classes from "./artifacts.module.css";
import type { PlaceProps } from "./place";
import { type Artifact, useBuildHistory } from "./queries";

/** The commands that made an image, oldest first. Nothing where there is no such record. */
export function History({ project, repository, artifact }: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  const history = useBuildHistory(project, repository, artifact);
  if (!history.isEnabled || history.data?.length === 0) return null;
  return (
    <Section title={t`How it was built`}>
      {history.isPending && <Loading />}
      {history.isError && (
        <Failed
          what={t`The build steps can't be shown.`}
          error={history.error}
          retry={() => history.refetch()}
        />
      )}
      <ol className={classes.history}>
        {history.data?.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps repeat and never move
          <li key={index} className={step.empty_layer ? classes.empty : undefined}>
            <code>{step.created_by || "–"}</code>
          </li>
        ))}
      </ol>
    </Section>
  );
}
