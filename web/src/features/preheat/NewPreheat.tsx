import { Trans, useLingui } from "@lingui/react/macro";
import { useNavigate } from "@tanstack/react-router";
import { ButtonLink } from "../../ui/ButtonLink";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { Refused } from "../settings/Refused";
import { bodyOfDraft, newDraft } from "./draft";
import { NoInstance } from "./NoInstance";
import { PreheatForm } from "./PreheatForm";
import { type Provider, useCreatePolicy, useProviders } from "./queries";

/** Makes a policy of preheating, and leads to where it can be carried out. */
export function NewPreheat() {
  const { t } = useLingui();
  const { name } = useCurrent();
  const providers = useProviders(name);
  return (
    <Section title={t`Create preheat policy`}>
      {providers.isPending && <Loading />}
      {providers.isError && (
        <Refused
          what={t`A preheat policy can't be created here.`}
          error={providers.error}
          retry={() => providers.refetch()}
        />
      )}
      {providers.data?.length === 0 && <NoInstance />}
      {providers.data && providers.data.length > 0 && (
        <Create project={name} providers={providers.data} />
      )}
    </Section>
  );
}

function Create({ project, providers }: { project: string; providers: Provider[] }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const navigate = useNavigate();
  const create = useCreatePolicy(project);
  const first = providers.find((provider) => provider.default) ?? providers[0];
  return (
    <PreheatForm
      start={newDraft(first?.id ?? 0)}
      providers={providers}
      action={t`Create policy`}
      busy={create.isPending}
      error={create.error}
      failed={t`The policy was not created.`}
      more={
        <ButtonLink to="/p/$project/settings/preheat" params={{ project }}>
          <Trans>Cancel</Trans>
        </ButtonLink>
      }
      onSubmit={(draft) =>
        create.mutate(bodyOfDraft(draft), {
          onSuccess: () => {
            say(t`The policy ${draft.name} is there.`);
            void navigate({
              to: "/p/$project/settings/preheat/policy/$policy",
              params: { project, policy: draft.name },
            });
          },
        })
      }
    />
  );
}
