import { Trans, useLingui } from "@lingui/react/macro";
import { asProblem } from "../../api/problem";
import { Command } from "../../ui/Command";
import { Section } from "../../ui/Page";
import { Empty, Forbidden, Loading } from "../../ui/states";
import type { PlaceProps } from "../artifacts/place";
import type { Artifact } from "../artifacts/queries";
import { thisHost } from "../repositories/commands";
import { useSignatures } from "./queries";
import { Signatures } from "./Signatures";

/** Who signed an artifact; where nobody did, how one signs. */
export function SignaturesTab({
  project,
  repository,
  artifact,
}: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  const digest = artifact.digest ?? "";
  const signatures = useSignatures(project, repository, digest);
  const standing = signatures.data;
  const forbidden = signatures.isError && asProblem(signatures.error).isForbidden;
  if (signatures.isPending) return <Loading />;
  if (forbidden) {
    return (
      <Forbidden>
        <p>
          <Trans>You may not see who signed it. Ask an admin of {project}.</Trans>
        </p>
      </Forbidden>
    );
  }
  const none = standing && (standing.statement || standing.signatures.length === 0);
  const demands = standing?.policy && !standing.statement;
  return (
    <>
      <Signatures project={project} repository={repository} digest={digest} />
      {none && (
        <Section title={demands ? t`How one signs` : t`Who signed it`}>
          {standing.statement ? (
            <Empty
              title={t`This is a signature itself, or something else said of an artifact: nobody has to sign it.`}
            />
          ) : (
            <Empty title={t`Nobody has signed this.`}>
              <p>
                <Trans>
                  A signature says who made an artifact, and that nobody changed it since. Sign it
                  with a key of yours:
                </Trans>
              </p>
              <Command
                text={`cosign sign --key cosign.key ${thisHost().name}/${project}/${repository}@${digest}`}
              />
            </Empty>
          )}
        </Section>
      )}
    </>
  );
}
