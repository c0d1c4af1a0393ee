import { useLingui } from "@lingui/react/macro";
import { asProblem } from "../../api/problem";
import { Section } from "../../ui/Page";
import { plain } from "../../ui/plain";
import { Empty, Failed, Loading } from "../../ui/states";
import classes from "./ChartFiles.module.css";
import { Markdown } from "./Markdown";
import type { PlaceProps } from "./place";
import { type Artifact, useAddition } from "./queries";

type Props = PlaceProps & { artifact: Artifact };

/** The files of a chart that people read: what it says of itself, and what can be set. */
export function ChartFiles(props: Props) {
  const { t } = useLingui();
  return (
    <>
      <File {...props} addition="readme.md" title={t`README`} />
      <File {...props} addition="values.yaml" title={t`Values`} />
      <File {...props} addition="dependencies" title={t`Dependencies`} />
    </>
  );
}

interface FileProps extends Props {
  addition: string;
  title: string;
}

function File({ project, repository, artifact, addition, title }: FileProps) {
  const { t } = useLingui();
  const file = useAddition({ project, repository }, artifact, addition);
  const absent = file.isError && asProblem(file.error).status === 404;
  return (
    <Section title={title}>
      {file.isPending && <Loading rows={3} />}
      {file.isError && !absent && (
        <Failed
          what={t`The file can't be shown.`}
          error={file.error}
          retry={() => file.refetch()}
        />
      )}
      {(absent || file.data === "") && <Empty title={t`The chart has none.`} />}
      {file.data && <Content addition={addition} text={file.data} />}
    </Section>
  );
}

function Content({ addition, text }: { addition: string; text: string }) {
  if (addition === "readme.md") return <Markdown text={text} />;
  if (addition === "dependencies") return <Dependencies text={text} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long file scrolls by keyboard too
    <pre className={classes.file} tabIndex={0}>
      {plain(text)}
    </pre>
  );
}

interface Dependency {
  name?: unknown;
  version?: unknown;
  repository?: unknown;
}

function Dependencies({ text }: { text: string }) {
  const { t } = useLingui();
  const all = parsed(text);
  if (all.length === 0) return <Empty title={t`The chart has none.`} />;
  return (
    <ul className={classes.list}>
      {all.map((each, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they may repeat and never move
        <li key={index}>
          {[each.name, each.version, each.repository]
            .map((part) => plain(String(part ?? "")))
            .join(" · ")}
        </li>
      ))}
    </ul>
  );
}

function parsed(text: string): Dependency[] {
  try {
    const all = JSON.parse(text) as unknown;
    return Array.isArray(all) ? all.filter((each) => each && typeof each === "object") : [];
  } catch {
    return [];
  }
}
