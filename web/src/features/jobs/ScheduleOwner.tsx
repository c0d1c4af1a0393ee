import { Trans } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, bodyOf, type Schema } from "../../api/client";
import { usePolicy } from "../replication/queries";

/** What a schedule belongs to, by its name where the API tells it, with the way there. */
export function ScheduleOwner({ schedule }: { schedule: Schema["ScheduleTask"] }) {
  const id = schedule.vendor_id ?? 0;
  switch (schedule.vendor_type) {
    case "REPLICATION":
    case "REPLICATION_WATCH":
      return <OfReplication id={id} />;
    case "RETENTION":
      return <OfRetention id={id} />;
    case "P2P_PREHEAT":
      return <Numbered id={id} />;
    default:
      return <>–</>;
  }
}

function Numbered({ id }: { id: number }) {
  return <Trans>Policy {id}</Trans>;
}

function OfReplication({ id }: { id: number }) {
  const { data } = usePolicy(id);
  return (
    <Link to="/replication/$policy" params={{ policy: String(id) }}>
      {data?.name ?? <Numbered id={id} />}
    </Link>
  );
}

/** The name of the project that a policy of retention is of. */
function useRetainedProject(id: number) {
  return useQuery({
    queryKey: ["jobs", "retained", id],
    retry: false,
    queryFn: async ({ signal }) => {
      const policy = await bodyOf<Schema["RetentionPolicy"]>(
        api.GET("/api/v2.0/retentions/{id}", { params: { path: { id } }, signal }),
      );
      const project = await bodyOf<Schema["Project"]>(
        api.GET("/api/v2.0/projects/{project_name_or_id}", {
          params: { path: { project_name_or_id: String(policy.scope?.ref ?? 0) } },
          signal,
        }),
      );
      return project.name;
    },
  });
}

function OfRetention({ id }: { id: number }) {
  const project = useRetainedProject(id);
  if (project.isPending) return <span data-loading>&nbsp;</span>;
  if (!project.data) return <Numbered id={id} />;
  return (
    <Link to="/p/$project/settings/retention" params={{ project: project.data }}>
      {project.data}
    </Link>
  );
}
