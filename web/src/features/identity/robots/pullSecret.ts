/** The command that makes a pull secret in a cluster. Names and secrets have no apostrophes. */
export function pullCommand(host: string, name: string, secret: string): string {
  return `kubectl create secret docker-registry haven --docker-server=${host} --docker-username='${name}' --docker-password='${secret}'`;
}

/** The same as a document for `kubectl apply -f`. */
export function pullSecret(host: string, name: string, secret: string): string {
  const auth = btoa(`${name}:${secret}`);
  const config = { auths: { [host]: { username: name, password: secret, auth } } };
  return `apiVersion: v1
kind: Secret
metadata:
  name: haven
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: ${btoa(JSON.stringify(config))}
`;
}
