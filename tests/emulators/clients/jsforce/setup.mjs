// What every group of cases needs: the unmodified client, the emulator's address, and helpers that say what they do.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.CLIENT_FOLDER}/`);
export const jsforce = require("@jsforce/jsforce-node");
export const { Connection, OAuth2, SfDate } = jsforce;

export const url = process.env.EMULATOR_URL;
export const token = process.env.EMULATOR_TOKEN;
export const username = process.env.EMULATOR_USERNAME;
export const password = process.env.EMULATOR_PASSWORD;
export const redirectUri = process.env.EMULATOR_REDIRECT;

/** A connection that has a session already. */
export function connect(more = {}) {
  return new Connection({ instanceUrl: url, accessToken: token, version: "64.0", ...more });
}

/** The settings of an app that may use the web server flow. */
export function app(clientId = "web", more = {}) {
  return { loginUrl: url, clientId, clientSecret: "web-secret", redirectUri, ...more };
}

/** Press the button on the page of an authorization address, as a person would; return what came back to the app. */
export async function agree(address) {
  const page = await fetch(address);
  assert.equal(page.status, 200);
  const text = await page.text();
  const action = text.match(/action="([^"]+)"/)[1].replaceAll("&amp;", "&");
  const user = text.match(/<option[^>]*>([^<]+)</)[1];
  const answer = await fetch(new URL(action, url), {
    method: "POST",
    body: new URLSearchParams({ username: user, decision: "allow" }),
    redirect: "manual",
  });
  assert.equal(answer.status, 302);
  return Object.fromEntries(new URL(answer.headers.get("location")).searchParams);
}

/** Steer the emulator. */
export async function control(method, path, body) {
  const answer = await fetch(`${url}/_control${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path} answered ${answer.status}`);
}

/** Make records that differ by number. */
export function numbered(count, make) {
  return Array.from({ length: count }, (_, number) => make(number + 1));
}

/** A check for `assert.rejects`: the API's code or the login service's, which jsforce puts into the error's name. */
export function coded(code) {
  return (error) => {
    assert.equal(error.errorCode ?? error.name, code);
    return true;
  };
}
