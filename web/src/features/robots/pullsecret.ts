/** What a cluster needs to pull as somebody. */
export interface Login {
  host: string;
  name: string;
  secret: string;
}

/** A name that Kubernetes takes for an object, made of a robot's. */
export function secretName(robot: string): string {
  const name = robot
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63);
  return name.replaceAll(/^-|-$/g, "") || "haven";
}

/** A word that shells take as it is. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command that makes a pull secret in a cluster. */
export function createCommand({ host, name, secret }: Login): string {
  return [
    `kubectl create secret docker-registry ${secretName(name)}`,
    `--docker-server=${host}`,
    `--docker-username=${quoted(name)}`,
    `--docker-password=${quoted(secret)}`,
  ].join(" ");
}

/** The command that logs in without the secret among the arguments of a process. */
export function loginCommand({ host, name, secret }: Login): string {
  return `echo ${quoted(secret)} | docker login ${host} -u ${quoted(name)} --password-stdin`;
}

function base64(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
}

/** The same pull secret as a file for `kubectl apply`. */
export function secretFile({ host, name, secret }: Login): string {
  const auths = { [host]: { username: name, password: secret, auth: base64(`${name}:${secret}`) } };
  return [
    "apiVersion: v1",
    "kind: Secret",
    "metadata:",
    `  name: ${secretName(name)}`,
    "type: kubernetes.io/dockerconfigjson",
    "data:",
    `  .dockerconfigjson: ${base64(JSON.stringify({ auths }))}`,
    "",
  ].join("\n");
}
