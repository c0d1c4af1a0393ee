import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { Failed } from "../../ui/states";
import { Exchange } from "./Exchange";
import { type Test, useTestWebhook } from "./queries";
import classes from "./webhooks.module.css";

/** Sends a push that nobody made, and shows what came of it. */
export function WebhookTest({ id }: { id: number }) {
  const { t } = useLingui();
  const test = useTestWebhook();
  return (
    <div className={classes.group}>
      <div className={classes.row}>
        <Button loading={test.isPending} onClick={() => test.mutate(id)}>
          <Trans>Send a test</Trans>
        </Button>
        <span className={classes.dim}>
          <Trans>A push that nobody made is sent now, as it is saved.</Trans>
        </span>
      </div>
      {test.isError && <Failed what={t`The test was not sent.`} error={test.error} />}
      <div role="status" className={classes.group}>
        {test.data?.map((result) => (
          <Result key={result.target_id} result={result} />
        ))}
      </div>
    </div>
  );
}

function Result({ result }: { result: Test }) {
  const { address, took_ms } = result;
  return (
    <div className={classes.group}>
      {result.delivered ? (
        <p className={classes.good}>
          <IconCircleCheck size={16} aria-hidden />
          <span>
            <Trans>
              {address} took it, in {took_ms} ms.
            </Trans>
          </span>
        </p>
      ) : (
        <p className={classes.bad}>
          <IconCircleX size={16} aria-hidden />
          <span>
            <Trans>
              {address} did not take it: {result.complaint}
            </Trans>
          </span>
        </p>
      )}
      <Exchange exchange={result} />
    </div>
  );
}
