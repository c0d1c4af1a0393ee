import { useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { ReadOnly, Refused } from "../settings/Refused";
import { AllowlistForm } from "./AllowlistForm";
import { BlockForm } from "./BlockForm";
import { useOutcomes } from "./queries";
import { Statements } from "./Statements";
import { WhenForm } from "./WhenForm";

/** When images of a project are scanned, what is refused because of it, and what is put up with. */
export function ScanningPage() {
  const { t } = useLingui();
  const { name, project, may } = useCurrent();
  const outcomes = useOutcomes(name);
  const changes = may("project", "update"); // a dot is the project itself
  if (outcomes.isPending) return <Loading />;
  if (outcomes.isError) {
    return (
      <Refused
        what={t`The rules about scans can't be shown.`}
        error={outcomes.error}
        retry={() => outcomes.refetch()}
      />
    );
  }
  return (
    <>
      {!changes && <ReadOnly />}
      <Section title={t`Scanning`}>
        <WhenForm project={project} changes={changes} />
      </Section>
      <Section title={t`Block vulnerable images`}>
        <BlockForm project={project} saved={outcomes.data} changes={changes} />
      </Section>
      <Section title={t`Vulnerabilities that are put up with`}>
        <AllowlistForm project={project} changes={changes} />
      </Section>
      <Statements project={name} changes={changes} />
    </>
  );
}
