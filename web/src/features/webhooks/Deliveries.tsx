import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Empty, Failed, Loading } from "../../ui/states";
import { DeliveryTable } from "./DeliveryTable";
import { deliveriesPerPage, useDeliveries, useRedeliverAll } from "./queries";
import classes from "./webhooks.module.css";

const route = getRouteApi("/p/$project/settings/webhooks/$webhook");

/** What a webhook sent, what waits, and what was given up. */
export function Deliveries({ id, changes }: { id: number; changes: boolean }) {
  const { t } = useLingui();
  const { status = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const deliveries = useDeliveries(id, { status, page });
  const total = deliveries.data?.total ?? 0;
  return (
    <Section
      title={t`Deliveries`}
      actions={
        <div className={classes.row}>
          {changes && <RedeliverAll id={id} />}
          <NativeSelect
            aria-label={t`Which deliveries`}
            size="xs"
            data={[
              { value: "", label: t`All` },
              { value: "Running", label: t`Waiting` },
              { value: "Success", label: t`Done` },
              { value: "Error", label: t`Failed` },
              { value: "Stopped", label: t`Stopped` },
            ]}
            value={status}
            onChange={(event) =>
              navigate({
                search: event.currentTarget.value ? { status: event.currentTarget.value } : {},
                replace: true,
              })
            }
          />
        </div>
      }
    >
      {deliveries.isPending && <Loading />}
      {deliveries.isError && (
        <Failed
          what={t`The deliveries can't be listed.`}
          error={deliveries.error}
          retry={() => deliveries.refetch()}
        />
      )}
      {deliveries.isSuccess && total === 0 && <Nothing filtered={status !== ""} />}
      {total > 0 && (
        <DeliveryTable id={id} deliveries={deliveries.data?.items ?? []} changes={changes} />
      )}
      <Pager
        page={page}
        size={deliveriesPerPage}
        total={total}
        onPage={(next) => navigate({ search: (search) => ({ ...search, page: next }) })}
      />
    </Section>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  const { t } = useLingui();
  if (filtered) return <Empty title={t`No delivery has this status.`} />;
  return (
    <Empty title={t`Nothing was sent yet.`}>
      <p>
        <Trans>
          What this webhook tells of is sent when it happens, and listed here for a week. A test
          isn't listed.
        </Trans>
      </p>
    </Empty>
  );
}

function RedeliverAll({ id }: { id: number }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const redeliver = useRedeliverAll(id);
  return (
    <Button
      size="xs"
      variant="default"
      loading={redeliver.isPending}
      onClick={() =>
        redeliver.mutate(undefined, {
          onSuccess: ({ deliveries }) => say(t`Sent again: ${deliveries}`),
          onError: (error) => say(t`Nothing was sent again: ${error.message}`),
        })
      }
    >
      <Trans>Send all failed again</Trans>
    </Button>
  );
}
