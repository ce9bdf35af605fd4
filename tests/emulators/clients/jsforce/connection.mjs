// Sessions, identity, describe and limits through a jsforce connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, coded, connect, password, token, url, username } from "./setup.mjs";

test("a token and an address are enough", async () => {
  const { totalSize } = await connect().query("SELECT Id FROM User");
  assert.equal(totalSize, 1);
});

test("a username and password log in by SOAP, and out again", async () => {
  const conn = new Connection({ loginUrl: url, version: "64.0" });
  const user = await conn.loginBySoap(username, password);
  assert.match(user.id, /^005/);
  assert.match(user.organizationId, /^00D/);
  assert.equal(conn.instanceUrl, url);
  const { accessToken } = conn;
  assert.equal((await conn.query("SELECT Id FROM User")).records.length, 1);
  await conn.logout();
  assert.equal(conn.accessToken, null);
  await assert.rejects(connect({ accessToken }).query("SELECT Id FROM User"), coded("INVALID_SESSION_ID"));
});

test("a wrong password is refused by SOAP in words", async () => {
  const conn = new Connection({ loginUrl: url, version: "64.0" });
  await assert.rejects(conn.login(username, "no"), /INVALID_LOGIN: Invalid username, password/);
});

test("a session that ended is renewed once, without the caller noticing", async () => {
  const conn = new Connection({ loginUrl: url, version: "64.0" });
  await conn.login(username, password);
  let renewed = 0;
  conn.on("refresh", () => (renewed += 1));
  conn.accessToken = "no longer good";
  assert.equal((await conn.query("SELECT Id FROM User LIMIT 5")).records.length, 1);
  assert.equal(renewed, 1);
});

test("a bad token without a way to renew it is an error with a code", async () => {
  const conn = connect({ accessToken: "00DEM0000000001!nobody" });
  await assert.rejects(conn.query("SELECT Id FROM User"), coded("INVALID_SESSION_ID"));
});

test("identity names the user and the org of the token", async () => {
  const who = await connect().identity();
  assert.equal(who.username, username);
  assert.match(who.id, /\/id\/00D.{15}\/005.{15}$/);
  assert.equal(who.user_id.slice(0, 3), "005");
  assert.equal(who.organization_id.slice(0, 3), "00D");
  for (const part of ["picture", "thumbnail"]) assert.equal(typeof who.photos[part], "string");
  assert.equal(typeof who.urls.rest, "string");
});

test("describe is cached where it is asked to be", async () => {
  const conn = connect();
  const first = await conn.sobject("Account").describe();
  assert.equal(first.name, "Account");
  assert.ok(first.fields.length > 20);
  assert.equal(await conn.sobject("Account").describe$(), first);
  assert.equal(conn.sobject("Account").describe$$(), first);
  const again = await conn.sobject("Account").describe();
  assert.notEqual(again, first);
  assert.deepEqual(again, first);
});

test("the global describe lists objects without their fields, and makes them known", async () => {
  const conn = connect();
  const first = await conn.describeGlobal();
  const contact = first.sobjects.find(({ name }) => name === "Contact");
  assert.equal(contact.keyPrefix, "003");
  assert.equal(contact.label, "Contact");
  assert.equal(contact.fields, undefined);
  assert.equal(await conn.describeGlobal$(), first);
  assert.equal(conn.describeGlobal$$(), first);
  assert.notEqual(await conn.describeGlobal(), first);
  assert.ok(conn.sobjects.Contact);
});

test("every answer says how much of the day is used", async () => {
  const conn = connect();
  await conn.query("SELECT Id FROM User");
  const { used, limit } = conn.limitInfo.apiUsage;
  assert.ok(used > 0);
  assert.equal(limit, 100_000);
});

test("limits holds what an org has and has left", async () => {
  const limits = await connect().limits();
  for (const name of ["DailyApiRequests", "DataStorageMB", "FileStorageMB", "DailyBulkV2QueryJobs"]) {
    assert.ok(limits[name].Max > 0, name);
    assert.ok(limits[name].Remaining <= limits[name].Max, name);
  }
});

test("updated and deleted records are found by time, given as dates or as text", async () => {
  const conn = connect();
  const [kept, gone] = await conn.sobject("Account").create([{ Name: "Kept" }, { Name: "Gone" }]);
  await conn.sobject("Account").record(kept.id).update({ Name: "Kept on" });
  await conn.sobject("Account").record(gone.id).destroy();
  const end = new Date(Date.now() + 120_000);
  const start = new Date(end - 24 * 60 * 60 * 1000);
  for (const [from, to] of [[start, end], [start.toString(), end.toString()]]) {
    const updated = await conn.sobject("Account").updated(from, to);
    assert.ok(updated.ids.includes(kept.id));
    const deleted = await conn.sobject("Account").deleted(from, to);
    assert.deepEqual(deleted.deletedRecords.map(({ id }) => id), [gone.id]);
  }
});

test("raw requests reach what has no method of its own", async () => {
  const conn = connect();
  const versions = await conn.request("/services/data");
  assert.ok(versions.some(({ version }) => version === "64.0"));
  const parts = [{ method: "GET", url: "/services/data/v64.0/sobjects/Contact/000", referenceId: "part" }];
  const { compositeResponse } = await conn.requestPost("/composite", { compositeRequest: parts });
  assert.equal(compositeResponse[0].httpStatusCode, 404);
});

test("several versions are spoken at once", async () => {
  for (const version of ["51.0", "59.0", "68.0"]) {
    assert.equal((await connect({ version }).query("SELECT Id FROM User")).totalSize, 1);
  }
});

test("call options name the client in a header that is read", async () => {
  const conn = connect({ callOptions: { client: "hint-sync", defaultNamespace: "ns" } });
  assert.equal((await conn.query("SELECT Id FROM User")).totalSize, 1);
});

test("records that were queried for view are recent, of all objects and of one", async () => {
  const conn = connect();
  const [maple, birch] = await conn.sobject("Account").create([{ Name: "Maple" }, { Name: "Birch" }]);
  await conn.query(`SELECT Id, Name FROM Account WHERE Id = '${maple.id}' FOR VIEW`);
  await conn.query(`SELECT Id, Name FROM Account WHERE Id = '${birch.id}' FOR VIEW`);
  const shown = (records) => records.map((one) => [one.attributes.type, one.Id, one.Name]);
  const expected = [["Account", birch.id, "Birch"], ["Account", maple.id, "Maple"]];
  assert.deepEqual(shown(await conn.recent(2)), expected);
  assert.deepEqual(shown(await conn.recent(1)), expected.slice(0, 1));
  assert.deepEqual(shown(await conn.sobject("Account").recent()), expected);
});

test("tabs have a name, a label and an address", async () => {
  const tabs = await connect().tabs();
  const contacts = tabs.find(({ name }) => name === "standard-Contact");
  assert.deepEqual([contacts.label, contacts.sobjectName, contacts.custom], ["Contacts", "Contact", false]);
  for (const { label, name, url: address } of tabs) {
    assert.ok([label, name, address].every((text) => typeof text === "string" && text));
  }
});

test("the theme holds colours and icons of objects", async () => {
  const { themeItems } = await connect().theme();
  const contact = themeItems.find(({ name }) => name === "Contact");
  for (const { color, context, theme } of contact.colors) {
    assert.match(color, /^[0-9A-F]{6}$/);
    assert.equal(context, "primary");
    assert.match(theme, /^theme[34]$/);
  }
  for (const { url: address, width, height, contentType } of contact.icons) {
    assert.ok(address.startsWith(`${url}/img/icon/`));
    assert.equal(width, height);
    assert.match(contentType, /^image\//);
  }
});

test("what is left out says so by name", async () => {
  const conn = connect();
  const left = [() => conn.chatter.resource("/users/me").retrieve(), () => conn.requestGet("/appMenu/AppSwitcher")];
  for (const ask of left) await assert.rejects(async () => await ask(), coded("NOT_EMULATED"));
  assert.equal(conn.accessToken, token);
});
