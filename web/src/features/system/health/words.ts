import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

interface Part {
  title: MessageDescriptor;
  /** What doesn't work while it is unhealthy, and what to do. */
  advice: MessageDescriptor;
}

/** The parts of the registry, by the names that Harbor's monitors know. */
export const components: Record<string, Part> = {
  core: {
    title: msg`API`,
    advice: msg`Nothing can be changed. Look into the server's log, and restart it if that says no more.`,
  },
  database: {
    title: msg`Database`,
    advice: msg`Nothing works without it. See that it runs, that its address (database_url) leads there, and that its disk isn't full.`,
  },
  jobservice: {
    title: msg`Background work`,
    advice: msg`Scans, replication and deletions wait, and go on when it is well. Look into the server's log.`,
  },
  portal: {
    title: msg`Portal`,
    advice: msg`These pages may be incomplete. Reload; if it stays, the program is damaged: install it anew.`,
  },
  redis: {
    title: msg`Redis`,
    advice: msg`Replicas hear of changes some seconds later. See that it runs and that its address (redis_url) leads there.`,
  },
  registry: {
    title: msg`Store of blobs`,
    advice: msg`Nothing can be pushed or pulled. See that the storage (storage_url) can be reached, isn't full, and that Haven may write there.`,
  },
  trivy: {
    title: msg`Scanner`,
    advice: msg`Nothing is scanned; what was known stays. With scan_confinement full the machine may not let images be read safely: the server's log says why.`,
  },
};
