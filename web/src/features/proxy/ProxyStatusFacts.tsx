import { Trans, useLingui } from "@lingui/react/macro";
import { IconCircleCheck, IconCloudOff, IconHandStop } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Bytes } from "../../ui/Bytes";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import classes from "./proxy.module.css";
import { type ProxyStatus, useProxyStatus } from "./queries";

/** How the registry is that the project caches, and what is served meanwhile. */
export function ProxyStatusFacts({ project }: { project: string }) {
  const { t } = useLingui();
  const status = useProxyStatus(project);
  return (
    <Section title={t`The registry that is cached`}>
      {status.isPending && <Loading rows={3} />}
      {status.isError && (
        <Failed
          what={t`How the registry is can't be shown.`}
          error={status.error}
          retry={() => status.refetch()}
        />
      )}
      {status.data && <Facts status={status.data} />}
    </Section>
  );
}

function isAhead(time: string | undefined): boolean {
  return !!time && new Date(time) > new Date();
}

function Facts({ status }: { status: ProxyStatus }) {
  const { t } = useLingui();
  const { registry_name, url, process } = status;
  return (
    <>
      <Condition status={status} />
      <dl className={classes.facts}>
        <Fact title={t`Registry`}>
          {registry_name} <span className={classes.dim}>{url}</span>
        </Fact>
        <Fact title={t`Manifests that it still allows`}>
          {status.remaining < 0 ? <Trans>it sets no limit</Trans> : status.remaining}
        </Fact>
        <Fact title={t`Served, though parts of it are still to come`}>
          <Trans>
            {status.waiting_manifests} manifests, <Bytes value={status.waiting_bytes} />
          </Trans>
        </Fact>
      </dl>
      <p className={classes.subhead}>
        <Trans>What this process did for all caches since it began</Trans>
      </p>
      <dl className={classes.facts}>
        <Fact title={t`Asked for manifests and tags`}>{process.manifests}</Fact>
        <Fact title={t`Asked for blobs`}>
          <Trans>
            {process.blobs}, <Bytes value={process.bytes} /> came, {process.fetching} come now
          </Trans>
        </Fact>
        <Fact title={t`Answered from here, as the registry gave no answer`}>{process.stale}</Fact>
      </dl>
    </>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** In a sentence: asked with each pull, left alone until a time, or down; and what that means for pulls. */
function Condition({ status }: { status: ProxyStatus }) {
  if (isAhead(status.blocked_until)) {
    return (
      <p className={classes.bad}>
        <IconHandStop size={20} aria-hidden />
        <span>
          <Trans>
            It wants to be left alone, and is asked again <When time={status.blocked_until} />. What
            is here is served; what isn't is refused with 429.
          </Trans>
        </span>
      </p>
    );
  }
  if (isAhead(status.down_until) || !status.healthy) {
    return (
      <p className={classes.bad}>
        <IconCloudOff size={20} aria-hidden />
        <span>
          <Trans>It doesn't answer. What is here is served; what isn't is refused with 503.</Trans>
        </span>
      </p>
    );
  }
  return (
    <p className={classes.good}>
      <IconCircleCheck size={20} aria-hidden />
      <span>
        <Trans>It answers.</Trans>
      </span>
    </p>
  );
}
