import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Failed } from "../../../ui/states";
import classes from "../identity.module.css";
import type { Draft } from "../settings";
import { directoryTyped, useTryDirectory } from "./queries";
import { StepList } from "./StepList";
import { outcomes, type Step, steps } from "./steps";

/** The button that tries what is typed, and what came of it. */
export function useDirectoryTest(draft: Draft) {
  const { t } = useLingui();
  const trial = useTryDirectory();
  const button = (
    <Button
      variant="default"
      loading={trial.isPending}
      disabled={draft.text("ldap_url") === ""}
      onClick={() => trial.mutate(draft.changed ? directoryTyped(draft) : undefined)}
    >
      <Trans>Test the directory</Trans>
    </Button>
  );
  const result = (
    <div role="status" className={classes.tight}>
      {trial.isError && <Failed what={t`The test was not made.`} error={trial.error} />}
      {trial.data && (
        <Result
          success={trial.data.success}
          message={trial.data.message?.replace(/^error: /, "")}
        />
      )}
    </div>
  );
  return { button, result };
}

function Result({ success, message = "" }: { success: boolean; message: string | undefined }) {
  const { t } = useLingui();
  const found = outcomes(success, message);
  const words: Record<Step, string> = {
    address: t`Reach the server`,
    encryption: t`Agree on encryption`,
    account: t`Sign in with the search account`,
    base: t`Find the place where people are`,
  };
  return (
    <>
      <p>
        {success ? (
          <Trans>The test went well: people of this directory could sign in.</Trans>
        ) : (
          <Trans>The test failed. The server says:</Trans>
        )}
      </p>
      <StepList
        steps={steps.map((step) => ({
          title: words[step],
          outcome: found[step],
          ...(found[step] === "failed" && { why: message }),
        }))}
      />
    </>
  );
}
