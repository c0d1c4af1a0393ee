import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { Command } from "../../../ui/Command";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { Failed, Loading } from "../../../ui/states";
import classes from "../identity.module.css";
import { DeletePolicy } from "./DeletePolicy";
import { type Typed, typedOf } from "./draft";
import { PolicyForm } from "./PolicyForm";
import { type Policy, usePolicy, useSavePolicy } from "./queries";

const route = getRouteApi("/admin/workloads/$policy");

/** One policy, and how a program logs in by it. */
export function PolicyPage() {
  const { t } = useLingui();
  const policy = usePolicy(Number(route.useParams().policy));
  return (
    <>
      <p>
        <Link
          to="/admin/workloads"
          search={policy.data?.project ? { project: policy.data.project } : {}}
        >
          <Trans>All policies</Trans>
        </Link>
      </p>
      {policy.isPending && <Loading />}
      {policy.isError && (
        <Failed
          what={t`The policy can't be shown.`}
          error={policy.error}
          retry={() => policy.refetch()}
        />
      )}
      {policy.data && (
        <Section title={policy.data.full_name} actions={<Deletion policy={policy.data} />}>
          <div className={classes.tight}>
            <p>
              <Trans>A program logs in with its token as the password:</Trans>
            </p>
            <Command
              text={`echo "$TOKEN" | docker login ${window.location.host} -u workload/${policy.data.full_name} --password-stdin`}
            />
          </div>
          <Change key={policy.data.update_time} policy={policy.data} />
        </Section>
      )}
    </>
  );
}

function Deletion({ policy }: { policy: Policy }) {
  const navigate = route.useNavigate();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setOpen(true)}>
        <Trans>Delete policy</Trans>
      </Button>
      {open && (
        <DeletePolicy
          policy={policy}
          onClose={() => setOpen(false)}
          onGone={() => navigate({ to: "/admin/workloads" })}
        />
      )}
    </>
  );
}

function Change({ policy }: { policy: Policy }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const save = useSavePolicy(policy.id);
  const [typed, setTyped] = useState<Typed>(() => typedOf(policy));
  return (
    <PolicyForm
      typed={typed}
      onChange={setTyped}
      exists
      action={t`Save policy`}
      busy={save.isPending}
      error={save.error}
      failed={t`The policy was not changed.`}
      onSave={(draft) =>
        save.mutate(draft, {
          onSuccess: () => say(t`The policy is changed. What was issued by it before is void.`),
        })
      }
    />
  );
}
