import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ButtonLink } from "../../ui/ButtonLink";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { useDeletable, useDeleteProject } from "./queries";

/** The end of a project, or why it can't be deleted yet. */
export function DeleteProject({ name }: { name: string }) {
  const { t } = useLingui();
  const deletable = useDeletable(name);
  const [asked, setAsked] = useState(false);
  return (
    <Section title={t`Delete project`}>
      {deletable.isPending && <Loading rows={2} />}
      {deletable.isError && (
        <Failed
          what={t`Whether it can be deleted is unknown.`}
          error={deletable.error}
          retry={() => deletable.refetch()}
        />
      )}
      {deletable.data && !deletable.data.deletable && (
        <Kept name={name} message={deletable.data.message ?? ""} />
      )}
      {deletable.data?.deletable && (
        <>
          <p>
            <Trans>
              Its members, robots, labels and rules go with it, and its name is free again.
              Administrators of the registry can restore it for as long as deleted things are kept.
            </Trans>
          </p>
          <div>
            <Button color="red" onClick={() => setAsked(true)}>
              <Trans>Delete project</Trans>
            </Button>
          </div>
        </>
      )}
      <Question name={name} opened={asked} onClose={() => setAsked(false)} />
    </Section>
  );
}

/** Why it stays: repositories are in it, or somebody must keep them. */
function Kept({ name, message }: { name: string; message: string }) {
  const held = message.includes("legal hold");
  return (
    <>
      <p>
        {held ? (
          <Trans>It can't be deleted: {message}.</Trans>
        ) : (
          <Trans>
            It can't be deleted while it holds repositories. Delete these first; each of them can be
            restored for a while.
          </Trans>
        )}
      </p>
      <div>
        <ButtonLink to="/p/$project" params={{ project: name }}>
          <Trans>Show repositories</Trans>
        </ButtonLink>
      </div>
    </>
  );
}

interface QuestionProps {
  name: string;
  opened: boolean;
  onClose: () => void;
}

function Question({ name, opened, onClose }: QuestionProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const navigate = useNavigate();
  const remove = useDeleteProject(name, async () => {
    await navigate({ to: "/projects" });
    say(t`The project ${name} is deleted.`);
  });
  return (
    <ConfirmDialog
      opened={opened}
      title={t`Delete the project ${name}`}
      word={name}
      action={t`Delete project`}
      failed={t`The project was not deleted.`}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        <Trans>Nobody can work with it any more, and you can't take this back yourself.</Trans>
      </p>
    </ConfirmDialog>
  );
}
