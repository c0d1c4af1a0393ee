import type { Tool } from "../../ui/CommandTabs";

/** Where the registry is, as the browser sees it: what clients have to be told too. */
export interface Host {
  /** Name and port: `registry.example.org`, `127.0.0.1:8080`. */
  name: string;
  /** Whether it speaks https. Clients refuse plain http to other machines unless told. */
  secure: boolean;
}

/** The host of this very page. */
export function thisHost(): Host {
  return { name: window.location.host, secure: window.location.protocol === "https:" };
}

/** Whether the host is this machine, where clients accept plain http by themselves. */
export function isLocal(host: Host): boolean {
  const name = host.name.replace(/:\d+$/, "");
  return name === "localhost" || name === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/** Whether docker must be told to trust this host, in its daemon's settings. */
export function needsInsecureSetting(host: Host): boolean {
  return !host.secure && !isLocal(host);
}

/** The words around the commands, in the reader's language. */
export interface Titles {
  login: string;
  tag: string;
  push: string;
}

function flag(host: Host, text: string): string {
  return host.secure ? "" : ` ${text}`;
}

/** Log in and push a first image, chart or file to a project, by tool. */
export function pushTools(host: Host, project: string, user: string, titles: Titles): Tool[] {
  const { login, tag, push } = titles;
  const image = `${host.name}/${project}/my-app:1.0`;
  const noTLS = flag(host, "--tls-verify=false");
  const plain = flag(host, "--plain-http");
  return [
    {
      name: "docker",
      steps: [
        { title: login, command: `docker login ${host.name} -u ${user}` },
        { title: tag, command: `docker tag my-app:1.0 ${image}` },
        { title: push, command: `docker push ${image}` },
      ],
    },
    {
      name: "podman",
      steps: [
        { title: login, command: `podman login${noTLS} ${host.name} -u ${user}` },
        { title: tag, command: `podman tag my-app:1.0 ${image}` },
        { title: push, command: `podman push${noTLS} ${image}` },
      ],
    },
    {
      name: "helm",
      steps: [
        { title: login, command: `helm registry login${plain} ${host.name} -u ${user}` },
        {
          title: push,
          command: `helm push${plain} my-chart-1.0.0.tgz oci://${host.name}/${project}`,
        },
      ],
    },
    {
      name: "oras",
      steps: [
        { title: login, command: `oras login${plain} ${host.name} -u ${user}` },
        { title: push, command: `oras push${plain} ${image} ./my-file.txt` },
      ],
    },
  ];
}

/** What is pulled: a repository with its project, by tag or by digest. */
export interface Target {
  repository: string;
  reference: string;
  /** The artifact's type as the API says it: IMAGE, CHART … */
  type: string;
}

function address(host: Host, target: Target): string {
  const separator = target.reference.includes(":") ? "@" : ":";
  return `${host.name}/${target.repository}${separator}${target.reference}`;
}

function helmPull(host: Host, target: Target): string {
  const plain = flag(host, "--plain-http");
  const chart = `oci://${host.name}/${target.repository}`;
  if (target.reference.includes(":")) return `helm pull${plain} ${chart}@${target.reference}`;
  // Helm writes + of a version as _ in the tag and wants the version back.
  return `helm pull${plain} ${chart} --version ${target.reference.replaceAll("_", "+")}`;
}

/** A tag or a digest by which something is pulled, and what to call this way. */
export interface Reference {
  reference: string;
  title?: string;
}

/**
 * How to pull something of a type from a repository, by the tools that can make something of it, the best first; with
 * each of them by several references.
 */
export function pullTools(
  host: Host,
  { repository, type }: Omit<Target, "reference">,
  references: Reference[],
): Tool[] {
  const tool = (name: string, command: (target: Target) => string): Tool => ({
    name,
    steps: references.map(({ reference, title }) => ({
      command: command({ repository, type, reference }),
      ...(title && { title }),
    })),
  });
  const pull = (words: string) => (target: Target) => `${words} ${address(host, target)}`;
  const oras = tool("oras", pull(`oras pull${flag(host, "--plain-http")}`));
  if (type === "CHART") return [tool("helm", (target) => helmPull(host, target)), oras];
  if (type !== "IMAGE") return [oras];
  return [
    tool("docker", pull("docker pull")),
    tool("podman", pull(`podman pull${flag(host, "--tls-verify=false")}`)),
    oras,
  ];
}

/** The one command that most people want for a target. */
export function pullCommand(host: Host, target: Target): string {
  return pullTools(host, target, [target])[0]?.steps[0]?.command ?? "";
}
