import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";
import { IconCircleCheck, IconCircleDashed, IconCircleX } from "@tabler/icons-react";
import { asProblem } from "../../../api/problem";
import parts from "../parts/parts.module.css";
import classes from "./registries.module.css";
import { failedStep, type Step, steps } from "./steps";

const titles: Record<Step, MessageDescriptor> = {
  address: msg`The address can be used`,
  name: msg`Its name is known`,
  connection: msg`Something answers there`,
  certificate: msg`The connection is safe`,
  registry: msg`What answers is a registry`,
  access: msg`It lets Haven in`,
};

const help: Record<Step, MessageDescriptor> = {
  address: msg`Write it as https://HOST, without a name and password in it.`,
  name: msg`Look for a slip in the address, or ask whoever runs the name server that Haven uses.`,
  connection: msg`Look at the port, at firewalls between the two, and whether the registry runs.`,
  certificate: msg`Enter the authority's certificate below, or http:// where the registry has no TLS.`,
  registry: msg`Look at the kind and the address: it may be that of a web page in front of the registry.`,
  access: msg`Enter access key and secret anew, and see that they may do what is meant.`,
};

/** How a test went, step by step, and what to do about the one that failed. */
export function TestSteps({ error, secure }: { error: unknown; secure: boolean }) {
  const { i18n } = useLingui();
  const problem = error ? asProblem(error) : undefined;
  const failed = problem && failedStep(problem.message);
  const at = failed ? steps.indexOf(failed) : steps.length;
  const shown = steps.filter((step) => step !== "certificate" || secure || step === failed);
  return (
    <div role={failed ? "alert" : "status"} className={classes.test}>
      <ol className={classes.steps}>
        {shown.map((step) => {
          const index = steps.indexOf(step);
          const Sign = index < at ? IconCircleCheck : index === at ? IconCircleX : IconCircleDashed;
          const tone = index < at ? parts.good : index === at ? parts.bad : parts.dim;
          return (
            <li key={step} className={`${classes.step} ${tone}`}>
              <Sign size={16} aria-hidden />
              <span>
                {i18n._(titles[step])}
                {index === at && <Trans>: no</Trans>}
              </span>
            </li>
          );
        })}
      </ol>
      {problem && failed ? (
        <>
          <p>{problem.message.replace(/^the registry is unhealthy: /, "")}</p>
          <p>{i18n._(help[failed])}</p>
        </>
      ) : (
        <p>
          <Trans>The connection works.</Trans>
        </p>
      )}
    </div>
  );
}
