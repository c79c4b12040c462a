// A real provider of OpenID Connect, for tests. It says on which port it listens, is told on its input where
// to lead people back to, and ends with that input. Whoever signs in is whoever they say; what comes after a
// "+" are their groups: zoe+noc,desk.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import Provider from "oidc-provider";

const server = createServer();
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

const lines = createInterface({ input: process.stdin });
lines.once("line", (callback) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { clientSecret, ...told } = JSON.parse(callback);
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "bridge",
        ...(clientSecret
          ? { client_secret: clientSecret, token_endpoint_auth_method: "client_secret_basic" }
          : { token_endpoint_auth_method: "none" }),
        redirect_uris: [told.callback],
        post_logout_redirect_uris: [told.callback],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "name"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    // Else the groups would be told at userinfo alone.
    conformIdTokenClaims: told.onlyInUserinfo ?? false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    cookies: { keys: ["test"] },
    ttl: { IdToken: 600, AccessToken: 600, Session: 600, Grant: 600, Interaction: 600 },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => {
        const [name, groups] = id.split("+");
        return { sub: id, preferred_username: name, groups: groups?.split(",").filter(Boolean) };
      },
    }),
  });
  server.on("request", provider.callback());
  console.log("ready");
});
lines.once("close", () => process.exit());
