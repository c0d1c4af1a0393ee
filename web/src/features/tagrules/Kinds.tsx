import { Trans, useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { kinds } from "./rule";
import classes from "./tagrules.module.css";
import { useKindWords } from "./words";

/** What each kind of rule forbids. */
export function Kinds() {
  const { t } = useLingui();
  const words = useKindWords();
  return (
    <Section title={t`What rules forbid`}>
      <dl className={classes.kinds}>
        {kinds.map((kind) => (
          <div key={kind}>
            <dt>{words[kind].title}</dt>
            <dd>{words[kind].what}</dd>
          </div>
        ))}
      </dl>
      <p className={classes.dim}>
        <Trans>
          Rules bind pushes, deletions, copies, replication and retention alike. Who is refused is
          told which rule it was.
        </Trans>
      </p>
    </Section>
  );
}
