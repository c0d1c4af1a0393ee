import { useLingui } from "@lingui/react/macro";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { draftOf } from "./draft";
import { PolicyForm } from "./PolicyForm";
import { usePolicy, useUpdatePolicy } from "./queries";

const route = getRouteApi("/replication/$policy/edit");

/** Changes a policy. */
export function EditPolicyPage() {
  const { t } = useLingui();
  const { policy: id } = route.useParams();
  const navigate = useNavigate();
  const policy = usePolicy(Number(id));
  const update = useUpdatePolicy(Number(id));
  const params = { policy: id };
  return (
    <Page
      title={t`Edit policy`}
      crumbs={[
        { label: t`Replication`, link: { to: "/replication" } },
        {
          label: policy.data?.name ?? t`Policy ${id}`,
          link: { to: "/replication/$policy", params },
        },
      ]}
    >
      <AdministratorsOnly>
        {policy.isPending && <Loading />}
        {policy.isError && (
          <Failed
            what={t`The policy can't be shown.`}
            error={policy.error}
            retry={() => policy.refetch()}
          />
        )}
        {policy.data && (
          <Section title={t`Policy`}>
            <PolicyForm
              first={draftOf(policy.data)}
              action={t`Save policy`}
              failed={t`The policy was not saved.`}
              busy={update.isPending}
              error={update.error}
              onSave={(changed) =>
                update.mutate(changed, {
                  onSuccess: () => navigate({ to: "/replication/$policy", params }),
                })
              }
            />
          </Section>
        )}
      </AdministratorsOnly>
    </Page>
  );
}
