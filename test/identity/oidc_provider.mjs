// A real OpenID provider for the tests. Its people are what a test says by POST /test/people; any password
// does. LIBRARY is the folder of oidc-provider, ISSUER the address to listen on, HAVEN the registry.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { LIBRARY, ISSUER, HAVEN } = process.env;
const { default: Provider } = await import(pathToFileURL(`${LIBRARY}/lib/index.js`));
const people = new Map();

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: "haven",
      client_secret: "s3cret-of-haven",
      redirect_uris: [`${HAVEN}/c/oidc/callback`],
      post_logout_redirect_uris: [`${HAVEN}/account/sign-in`],
      backchannel_logout_uri: `${HAVEN}/c/oidc/backchannel`,
      backchannel_logout_session_required: true,
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    },
  ],
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups"],
  },
  scopes: ["openid", "offline_access", "profile", "email", "groups"],
  conformIdTokenClaims: process.env.GROUPS_IN !== "token",
  cookies: { keys: ["for tests"] },
  // The registry is on this machine, where the provider wouldn't send log-out tokens.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  expiresWithSession: async () => false,
  findAccount: (_, sub) => {
    const groups = people.get(sub);
    if (!groups) return undefined;
    const email = `${sub}@example.org`;
    return {
      accountId: sub,
      claims: () => ({ sub, name: `The ${sub}`, preferred_username: sub, email, email_verified: true, groups }),
    };
  },
  // The company's people aren't asked whether the company's registry may know them.
  loadExistingGrant: async (ctx) => {
    const { Grant } = ctx.oidc.provider;
    const grant = new Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid offline_access profile email groups");
    await grant.save();
    return grant;
  },
});

provider.on("backchannel.error", (_, error) => console.error("log-out token:", error));

async function change(request, response) {
  let text = "";
  for await (const part of request) text += part;
  for (const [sub, groups] of Object.entries(JSON.parse(text))) {
    if (groups) people.set(sub, groups);
    else people.delete(sub);
  }
  response.end();
}

const handle = provider.callback();
createServer((request, response) =>
  request.url === "/test/people" ? change(request, response) : handle(request, response),
).listen(Number(new URL(ISSUER).port), "127.0.0.1");
