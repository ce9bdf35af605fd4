// salesforce-pubsub-api-client, unmodified: logs in over https, subscribes over gRPC, decodes with avro-js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const { CLIENT_FOLDER, EMULATOR_URL, EMULATOR_PUBSUB, EMULATOR_TOKEN, EMULATOR_ORG } = process.env;
const MODULE = `${CLIENT_FOLDER}/node_modules/salesforce-pubsub-api-client/dist/client.js`;
const { default: PubSubApiClient } = await import(pathToFileURL(MODULE));
const CONTACTS = "/data/ContactChangeEvent";
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
// The client brings a list of authorities of its own for gRPC, to which none can be added.
const ENDPOINT = { pubSubEndpoint: EMULATOR_PUBSUB, rejectUnauthorizedSsl: false };

async function connected(config) {
  const client = new PubSubApiClient({ ...ENDPOINT, ...config }, SILENT);
  await client.connect();
  return client;
}

const byToken = (accessToken = EMULATOR_TOKEN) =>
  connected({ authType: "user-supplied", accessToken, instanceUrl: EMULATOR_URL, organizationId: EMULATOR_ORG });

// Collects what a subscription calls back with; `next` waits for the next call of a type.
function listener() {
  const calls = [];
  let wake = () => {};
  const callback = (info, type, data) => {
    calls.push({ type, data, info: { ...info } });
    wake();
  };
  async function next(type) {
    for (;;) {
      const place = calls.findIndex((call) => call.type === type);
      if (place >= 0) return calls.splice(place, 1)[0];
      await new Promise((resolve) => { wake = resolve; });
    }
  }
  // The client decodes answers side by side, so that an event may overtake another that waits for its schema.
  async function events(count) {
    const found = [];
    while (found.length < count) found.push((await next("event")).data);
    return found.sort((one, other) => one.replayId - other.replayId);
  }
  return { callback, next, events };
}

async function rest(method, path, body, origin = EMULATOR_URL) {
  const answer = await fetch(`${origin}${path}`, {
    method,
    headers: { Authorization: `Bearer ${EMULATOR_TOKEN}`, "Content-Type": "application/json", "Sforce-Call-Options": "client=node" },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}
const contacts = (method, body, id = "") => rest(method, `/services/data/v64.0/sobjects/Contact/${id}`, body);
const control = (path, body) => rest("POST", `/_control/pubsub/${path}`, body);

test("changes are decoded field by field after a login with client credentials", async () => {
  const client = await connected({
    authType: "oauth-client-credentials", loginUrl: EMULATOR_URL, clientId: "key", clientSecret: "secret",
  });
  const { callback, next, events } = listener();
  client.subscribe(CONTACTS, callback);
  await next("grpcKeepAlive");
  const { id } = await contacts("POST", { FirstName: "Ada", LastName: "Moor", Birthdate: "1970-01-02", MailingCity: "Bonn", Email: "ada@example.org" });
  await contacts("PATCH", { MailingCity: "Ulm", Phone: "555-0100", FirstName: null, Email: null }, id);
  await contacts("DELETE", undefined, id);
  const [created, updated, deleted] = await events(3);

  let header = created.payload.ChangeEventHeader;
  assert.equal(header.changeType, "CREATE");
  assert.deepEqual(header.recordIds, [id]);
  assert.equal(header.changeOrigin, "com/salesforce/api/rest/64.0;client=node");
  assert.deepEqual({ ...created.payload.Name }, { Salutation: null, FirstName: "Ada", LastName: "Moor" });
  assert.equal(created.payload.Birthdate, 24 * 3600 * 1000);
  assert.equal(created.payload.MailingAddress.City, "Bonn");

  header = updated.payload.ChangeEventHeader;
  assert.equal(header.changeType, "UPDATE");
  assert.deepEqual(new Set(header.changedFields), new Set(["Phone", "Email", "LastModifiedDate", "Name.FirstName", "MailingAddress.City"]));
  assert.deepEqual(header.nulledFields, ["Email", "Name.FirstName"]);
  assert.equal(updated.payload.Phone, "555-0100");
  assert.equal(updated.payload.MailingAddress.City, "Ulm");
  assert.equal(updated.payload.Email, null);

  assert.equal(deleted.payload.ChangeEventHeader.changeType, "DELETE");
  client.close();
});

test("a subscription goes on after a replay id, as far as was asked for and then further", async () => {
  const client = await byToken();
  const first = listener();
  client.subscribe(CONTACTS, first.callback);
  await first.next("grpcKeepAlive");
  const ids = [];
  for (const name of ["One", "Two", "Three", "Four"]) ids.push((await contacts("POST", { LastName: name })).id);
  const [seen] = await first.events(4);
  client.close();

  const again = await byToken();
  const { callback, next, events } = listener();
  again.subscribeFromReplayId(CONTACTS, callback, 2, seen.replayId);
  const told = (await events(2)).map((one) => one.payload.ChangeEventHeader.recordIds);
  assert.deepEqual(told, [[ids[1]], [ids[2]]]);
  assert.equal((await next("lastEvent")).info.receivedEventCount, 2);
  again.requestAdditionalEvents(CONTACTS, 1);
  assert.deepEqual((await next("event")).data.payload.ChangeEventHeader.recordIds, [ids[3]]);
  again.close();
});

test("gap and overflow events are told", async () => {
  const client = await byToken();
  const { callback, next, events } = listener();
  client.subscribe("/data/ChangeEvents", callback);
  await next("grpcKeepAlive");
  await control("gap", { object: "Contact", ids: ["003*"], type: "GAP_UPDATE" });
  await control("overflow", { object: "Contact" });
  const [gap, overflow] = (await events(2)).map((one) => one.payload);
  assert.equal(gap.ChangeEventHeader.changeType, "GAP_UPDATE");
  assert.deepEqual(gap.ChangeEventHeader.recordIds, ["003*"]);
  assert.equal(overflow.ChangeEventHeader.changeType, "GAP_OVERFLOW");
  client.close();
});

test("a token that is no session, a topic that does not exist and a replay id that expired are errors", async () => {
  const attempts = [
    [16, "service.auth.error", "00DEM0000000001!wrong", (client, callback) => client.subscribe(CONTACTS, callback)],
    [7, "topic.meta.permission", undefined, (client, callback) => client.subscribe("/event/INVALID", callback)],
    [3, "subscription.fetch.replayid.corrupted", undefined, (client, callback) => client.subscribeFromReplayId(CONTACTS, callback, 1, 5)],
  ];
  for (const [status, code, token, subscribe] of attempts) {
    const client = await byToken(token);
    const { callback, next } = listener();
    subscribe(client, callback);
    const { data } = await next("error");
    assert.equal(data.code, status);
    assert.equal(data.metadata.get("error-code")[0], `sfdc.platform.eventbus.grpc.${code}`);
    client.close();
  }
});

test("a stream that the server ends is told with its status", async () => {
  const client = await byToken();
  const { callback, next } = listener();
  client.subscribe(CONTACTS, callback);
  await next("grpcKeepAlive");
  await control("close", {});
  await next("end");
  assert.equal((await next("grpcStatus")).data.code, 0);
  client.close();
});

test("publishing is not emulated and says so", async () => {
  const client = await byToken();
  const header = {
    entityName: "Contact", recordIds: [], changeType: "UPDATE", changeOrigin: "", transactionKey: "", sequenceNumber: 1,
    commitTimestamp: 0, commitNumber: 0, commitUser: "", nulledFields: [], diffFields: [], changedFields: [],
  };
  await assert.rejects(client.publish(CONTACTS, { ChangeEventHeader: header }), (error) => {
    assert.equal(error.cause.code, 12);
    assert.equal(error.cause.details, "not emulated: Publish");
    return true;
  });
  client.close();
});
