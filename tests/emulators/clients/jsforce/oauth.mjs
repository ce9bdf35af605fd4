// Every flow of the login service that jsforce speaks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, OAuth2, agree, app, coded, control, password, redirectUri, url, username } from "./setup.mjs";

const asked = "SELECT Id FROM User";

test("the endpoints follow the login address", () => {
  const oauth2 = new OAuth2(app());
  assert.equal(oauth2.authzServiceUrl, `${url}/services/oauth2/authorize`);
  assert.equal(oauth2.tokenServiceUrl, `${url}/services/oauth2/token`);
  assert.equal(oauth2.revokeServiceUrl, `${url}/services/oauth2/revoke`);
  const address = new URL(oauth2.getAuthorizationUrl());
  assert.equal(`${address.origin}${address.pathname}`, oauth2.authzServiceUrl);
  const asked = { response_type: "code", client_id: "web", redirect_uri: redirectUri };
  assert.deepEqual(Object.fromEntries(address.searchParams), asked);
});

test("the web server flow brings a code, tokens and new tokens", async () => {
  const oauth2 = new OAuth2(app());
  const back = await agree(oauth2.getAuthorizationUrl({ state: "hello" }));
  assert.equal(back.state, "hello");
  const tokens = await oauth2.requestToken(back.code);
  assert.match(tokens.access_token, /^00D.{12}!/);
  assert.equal(typeof tokens.refresh_token, "string");
  const renewed = await oauth2.refreshToken(tokens.refresh_token);
  assert.notEqual(renewed.access_token, tokens.access_token);
  assert.equal(renewed.refresh_token, undefined);
  await assert.rejects(oauth2.requestToken(back.code), coded("invalid_grant"));
});

test("PKCE binds the code to who asked for it", async () => {
  const oauth2 = new OAuth2(app("rotating", { useVerifier: true }));
  const { code } = await agree(oauth2.getAuthorizationUrl());
  const stranger = new OAuth2(app("rotating", { useVerifier: true }));
  await assert.rejects(stranger.requestToken(code), coded("invalid_grant"));
  const { code: second } = await agree(oauth2.getAuthorizationUrl());
  assert.equal(typeof (await oauth2.requestToken(second)).access_token, "string");
});

test("rotation replaces a refresh token, and a replaced one ends everything", async () => {
  const oauth2 = new OAuth2(app("rotating", { useVerifier: true }));
  const { code } = await agree(oauth2.getAuthorizationUrl());
  const first = await oauth2.requestToken(code);
  const second = await oauth2.refreshToken(first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  await assert.rejects(oauth2.refreshToken(first.refresh_token), coded("invalid_grant"));
  await assert.rejects(oauth2.refreshToken(second.refresh_token), coded("invalid_grant"));
});

test("a connection is authorized by a code and renews itself, once for calls in parallel", async () => {
  const conn = new Connection({ oauth2: app(), version: "64.0" });
  const { code } = await agree(conn.oauth2.getAuthorizationUrl());
  const user = await conn.authorize(code);
  assert.match(user.id, /^005/);
  assert.match(user.organizationId, /^00D/);
  assert.equal(conn.instanceUrl, url);
  let renewed = 0;
  conn.on("refresh", () => (renewed += 1));
  conn.accessToken = "no longer good";
  const [rows, objects, one] = await Promise.all([
    conn.query(asked).then((found) => found),
    conn.describeGlobal(),
    conn.sobject("User").describe(),
  ]);
  assert.equal(renewed, 1);
  assert.equal(rows.totalSize, 1);
  assert.ok(objects.sobjects.length > 0);
  assert.equal(one.name, "User");
});

test("a session that the org ended is renewed too", async () => {
  const conn = new Connection({ oauth2: app("key", { clientSecret: "secret" }), version: "64.0" });
  await conn.login(username, password);
  await control("DELETE", "/tokens");
  assert.equal((await conn.query(asked)).totalSize, 1);
});

test("when both tokens are bad the refusal of the login service is the error", async () => {
  const conn = new Connection({ oauth2: app(), instanceUrl: url, accessToken: "bad", refreshToken: "bad too" });
  await assert.rejects(conn.query(asked), /expired access\/refresh token/);
});

test("client credentials give a session", async () => {
  const conn = new Connection({ oauth2: { loginUrl: url, clientId: "key", clientSecret: "secret" }, version: "64.0" });
  await conn.authorize({ grant_type: "client_credentials" });
  assert.equal((await conn.query(asked)).totalSize, 1);
  const wrong = new Connection({ oauth2: { loginUrl: url, clientId: "key", clientSecret: "no" } });
  await assert.rejects(wrong.authorize({ grant_type: "client_credentials" }), coded("invalid_client"));
});

test("a username and password give a session, and a logout ends it", async () => {
  const oauth2 = app("key", { clientSecret: "secret" });
  assert.equal(typeof (await new OAuth2(oauth2).authenticate(username, password)).access_token, "string");
  await assert.rejects(new OAuth2(oauth2).authenticate(username, "no"), coded("invalid_grant"));
  const conn = new Connection({ oauth2, version: "64.0" });
  await conn.loginByOAuth2(username, password);
  const { accessToken } = conn;
  await conn.logout();
  assert.equal(conn.accessToken, null);
  const later = new Connection({ instanceUrl: url, accessToken });
  await assert.rejects(later.query(asked), coded("INVALID_SESSION_ID"));
});

test("revoking a refresh token ends the sessions that came from it", async () => {
  const conn = new Connection({ oauth2: app(), version: "64.0" });
  await conn.authorize((await agree(conn.oauth2.getAuthorizationUrl())).code);
  const { accessToken } = conn;
  await conn.logout(true);
  await assert.rejects(new Connection({ instanceUrl: url, accessToken }).query(asked), coded("INVALID_SESSION_ID"));
});
