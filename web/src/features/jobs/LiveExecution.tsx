import { Trans, useLingui } from "@lingui/react/macro";
import type { QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Section } from "../../ui/Page";
import { ExecutionFacts } from "./ExecutionFacts";
import type { Execution } from "./queries";
import { Tasks } from "./Tasks";
import { useWatch } from "./useWatch";

interface TasksSearch {
  status?: string;
  page?: number;
}

interface Props {
  execution: Execution;
  /** Which of its tasks are listed, from the address, and what changes that. */
  search: TasksSearch;
  onSearch: (search: TasksSearch, replace?: boolean) => void;
  /** What else is asked for anew with every news. */
  also?: QueryKey[] | undefined;
  /** What else there is to say of how far it is. */
  children?: ReactNode;
}

/** How far one piece of work is, live, and its tasks. */
export function LiveExecution({ execution, search, onSearch, also, children }: Props) {
  const { t } = useLingui();
  const { status = "", page = 1 } = search;
  const how = useWatch(execution, also);
  return (
    <>
      <Section title={t`How far it is`}>
        <ExecutionFacts execution={execution} />
        {children}
        {how === "polling" && (
          <p role="status">
            <Trans>
              News don't get through by themselves here; this page looks every two seconds.
            </Trans>
          </p>
        )}
      </Section>
      <Tasks
        execution={execution}
        status={status}
        page={page}
        onStatus={(value) => onSearch({ status: value }, true)}
        onPage={(next) => onSearch({ status, page: next })}
      />
    </>
  );
}
