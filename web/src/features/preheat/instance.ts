import type { Provider } from "./queries";

/** An instance's name, out of the API's `kraken my-peers-https://…`: kind, name and address. */
export function instanceName({ provider = "" }: Pick<Provider, "provider">): string {
  return /^\S+ (.+?)-https?:\/\//.exec(provider)?.[1] ?? provider;
}
