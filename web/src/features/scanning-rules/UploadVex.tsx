import { Trans, useLingui } from "@lingui/react/macro";
import { Button, FileButton } from "@mantine/core";
import { useState } from "react";
import { Problem } from "../../api/problem";
import { useNotices } from "../../ui/Notices";
import { Failed } from "../../ui/states";
import { useMakeStatement } from "./queries";

/** Takes in an OpenVEX document: its statements hold for the whole project. */
export function UploadVex({ project }: { project: string }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const make = useMakeStatement(project);
  const [fault, setFault] = useState<Problem>();

  async function take(file: File | null) {
    if (!file) return;
    setFault(undefined);
    make.reset();
    try {
      const openvex = JSON.parse(await file.text()) as Record<string, unknown>;
      make.mutate(
        { openvex },
        { onSuccess: (made) => say(t`${made.length} statements of ${file.name} hold now.`) },
      );
    } catch {
      setFault(new Problem(400, "BAD_REQUEST", t`${file.name} is not JSON.`, ""));
    }
  }

  const error = fault ?? make.error;
  return (
    <>
      <FileButton onChange={take} accept=".json,application/json">
        {(props) => (
          <Button {...props} variant="default" loading={make.isPending}>
            <Trans>Upload OpenVEX document</Trans>
          </Button>
        )}
      </FileButton>
      {error && <Failed what={t`The document was not taken in.`} error={error} />}
    </>
  );
}
