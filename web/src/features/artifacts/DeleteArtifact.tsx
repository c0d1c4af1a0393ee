import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { Failed } from "../../ui/states";
import type { PlaceProps } from "./place";
import type { Artifact } from "./queries";
import { useDelete } from "./useDelete";

/** Deletes an artifact with all its tags at once; the notice that says so can take it back. */
export function DeleteArtifact({
  project,
  repository,
  artifact,
}: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const { remove, isPending, error } = useDelete({ project, repository });
  const leave = () => navigate({ to: "/p/$project/r/$", params: { project, _splat: repository } });
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconTrash size={16} aria-hidden />}
        loading={isPending}
        title={t`With all its tags; what was deleted can be taken back.`}
        onClick={() => remove([{ digest: artifact.digest ?? "" }], leave)}
      >
        <Trans>Delete artifact</Trans>
      </Button>
      {error && <Failed what={t`The artifact was not deleted.`} error={error} />}
    </>
  );
}
