import { Trans, useLingui } from "@lingui/react/macro";
import { CommandTabs } from "../../ui/CommandTabs";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { type MirrorConfiguration, useMirror } from "./queries";

/** How clients pull through a project that is a cache, by the names that images have at its upstream. */
export function Mirror({ project }: { project: string }) {
  const { t } = useLingui();
  const mirror = useMirror(project);
  return (
    <Section title={t`Pull through this cache`}>
      {mirror.isPending && <Loading />}
      {mirror.isError && (
        <Failed
          what={t`The files for clients can't be shown.`}
          error={mirror.error}
          retry={mirror.refetch}
        />
      )}
      {mirror.data && <Files mirror={mirror.data} />}
    </Section>
  );
}

function Files({ mirror }: { mirror: MirrorConfiguration }) {
  const { t } = useLingui();
  const { upstream } = mirror;
  const tools = mirror.files.map((file) => ({
    name: file.client,
    steps: [{ title: file.note ? `${file.path}: ${file.note}` : file.path, command: file.content }],
  }));
  return (
    <>
      <p>
        <Trans>
          This project keeps what is pulled through it from {upstream}. With one of these files a
          machine pulls the images of {upstream} by their own names, and gets them from here.
        </Trans>
      </p>
      <CommandTabs tools={tools} label={t`pulling through this cache`} />
    </>
  );
}
