import { Trans } from "@lingui/react/macro";
import { useState } from "react";
import { CreateForm } from "../projects/CreateForm";
import { useMyProjects } from "../projects/queries";
import { PushCommands } from "../repositories/PushCommands";

/** A project, and how the first image comes into it. */
export function ProjectStep() {
  const [made, setMade] = useState("");
  const mine = useMyProjects();
  const project = made || mine.data?.find((each) => each.name !== "library")?.name;
  if (project) {
    return (
      <>
        <p>
          <Trans>The project {project} is there. So the first image comes into it:</Trans>
        </p>
        <PushCommands project={project} />
      </>
    );
  }
  return (
    <>
      <p>
        <Trans>
          A project holds repositories and says who may push and pull. Most teams have one each.
        </Trans>
      </p>
      <CreateForm administrator onCreated={setMade} />
    </>
  );
}
