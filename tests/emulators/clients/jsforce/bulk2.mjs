// Bulk API 2.0: ingest from records and files, queries, renewed sessions, and what falls back to it.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SfDate, coded, connect, numbered, token } from "./setup.mjs";

const conn = connect();
conn.bulk2.pollInterval = 20;
const accounts = conn.sobject("Account");
const NOBODY = { CreatedDate: { $lt: new SfDate("1970-01-01T00:00:00Z") } };

const load = (operation, input, more = {}) =>
  conn.bulk2.loadAndWaitForResults({ object: "Account", operation, input, ...more });

function succeeded(results, count, created) {
  assert.equal(results.successfulResults.length, count);
  assert.equal(results.failedResults.length, 0);
  assert.equal(results.unprocessedRecords.length, 0);
  for (const { sf__Id, sf__Created } of results.successfulResults) {
    assert.match(sf__Id, /^001/);
    assert.equal(sf__Created, String(created));
  }
}

const named = (name, count) => numbered(count, (number) => ({ Name: `${name} ${number}` }));
const found = (name) => accounts.find({ Name: { $like: `${name} %` } }, ["Id", "Name", "BillingCity"]);

test("rows are inserted and the refused one is told apart", async () => {
  const results = await load("insert", [
    ...numbered(200, (number) => ({ Name: `Insert ${number}`, BillingCity: "Lyon" })),
    { BillingCity: "Lyon" },
  ]);
  assert.equal(results.successfulResults.length, 200);
  assert.deepEqual(results.unprocessedRecords, []);
  assert.deepEqual(
    results.failedResults.map(({ sf__Id, sf__Error }) => [sf__Id, sf__Error]),
    [["", "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"]],
  );
});

test("rows are updated and deleted by the ids that a query found", async () => {
  succeeded(await load("insert", named("Change", 20)), 20, true);
  const rows = (await found("Change")).map(({ Id, Name }) => ({ Id, Name: `${Name} (updated)` }));
  succeeded(await load("update", rows), 20, false);
  assert.ok((await found("Change")).every(({ Name }) => Name.endsWith("(updated)")));
  succeeded(await load("delete", (await found("Change")).map(({ Id }) => ({ Id }))), 20, false);
  assert.equal((await found("Change")).length, 0);
});

test("rows are upserted by an external id, with the empty Id column that the client puts first", async () => {
  const rows = [{ Hint_Id__c: "b-1", LastName: "Noether" }, { Hint_Id__c: "b-2", LastName: "Meitner" }];
  const options = { object: "Contact", operation: "upsert", externalIdFieldName: "Hint_Id__c" };
  const first = await conn.bulk2.loadAndWaitForResults({ ...options, input: rows });
  assert.deepEqual(first.successfulResults.map(({ sf__Created }) => sf__Created), ["true", "true"]);
  const again = await conn.bulk2.loadAndWaitForResults({ ...options, input: rows });
  assert.deepEqual(again.successfulResults.map(({ sf__Created }) => sf__Created), ["false", "false"]);
});

for (const operation of ["insert", "delete"]) {
  test(`no rows at all are no error: ${operation}`, async () => {
    succeeded(await load(operation, []), 0, false);
  });
}

test("rows come from files as well", async () => {
  const file = join(process.env.HOME, "accounts.csv");
  await writeFile(file, ["Name,BillingCity", ...numbered(100, (n) => `File ${n},"Lyon, France"`), ""].join("\n"));
  succeeded(await load("insert", createReadStream(file)), 100, true);
  const rows = await found("File");
  assert.equal(rows[0].BillingCity, "Lyon, France");
  const ids = join(process.env.HOME, "ids.csv");
  await writeFile(ids, ["Id", ...rows.map(({ Id }) => Id), ""].join("\n"));
  succeeded(await load("delete", createReadStream(ids)), 100, false);
});

test("a file may be parted by other signs than commas", async () => {
  const file = join(process.env.HOME, "backquotes.csv");
  await writeFile(file, ["Name`BillingCity", ...numbered(3, (n) => `Quote ${n}\`Lyon, France`), ""].join("\r\n"));
  const more = { columnDelimiter: "BACKQUOTE", lineEnding: "CRLF" };
  succeeded(await load("insert", createReadStream(file), more), 3, true);
  assert.ok((await found("Quote")).every(({ BillingCity }) => BillingCity === "Lyon, France"));
});

test("a query answers with every record", async () => {
  await load("insert", named("Query", 50));
  const stream = await conn.bulk2.query("SELECT Id, Name FROM Account WHERE Name LIKE 'Query %'");
  const records = await stream.toArray();
  assert.equal(records.length, 50);
  assert.ok(records.every(({ Id, Name }) => Id.startsWith("001") && Name.startsWith("Query ")));
});

test("a query that scans all shows deleted records", async () => {
  const { successfulResults } = await load("insert", named("Trash", 1));
  await accounts.destroy(successfulResults[0].sf__Id);
  const text = "SELECT Id, IsDeleted FROM Account WHERE Name LIKE 'Trash %'";
  assert.deepEqual(await (await conn.bulk2.query(text)).toArray(), []);
  const all = await (await conn.bulk2.query(text, { scanAll: true })).toArray();
  assert.deepEqual(all.map(({ IsDeleted }) => IsDeleted), ["true"]);
});

test("a bad query is refused when its job is made", async () => {
  await assert.rejects(conn.bulk2.query("SELECT Nonsense FROM Account"), coded("INVALID_FIELD"));
});

test("a job can be opened, looked at, aborted and deleted by hand", async () => {
  const job = conn.bulk2.createJob({ object: "Account", operation: "insert" });
  const opened = await job.open();
  assert.equal(opened.state, "Open");
  assert.match(opened.contentUrl, /^services\/data\/v64\.0\/jobs\/ingest\/750.*\/batches$/);
  assert.equal((await job.check()).state, "Open");
  await job.abort();
  assert.equal((await job.check()).state, "Aborted");
  await job.delete();
  await assert.rejects(job.check(), coded("NOT_FOUND"));
});

test("a session that ended is renewed in the middle of it", async () => {
  const made = await load("insert", named("Renewed", 10));
  let renewed = 0;
  const other = connect({
    accessToken: "no longer good",
    refreshFn: (_conn, callback) => {
      renewed += 1;
      callback(null, token);
    },
  });
  other.bulk2.pollInterval = 20;
  const results = await other.bulk2.loadAndWaitForResults({
    object: "Account",
    operation: "delete",
    input: made.successfulResults.map(({ sf__Id }) => ({ Id: sf__Id })),
  });
  succeeded(results, 10, false);
  assert.equal(renewed, 1);
});

test("a session that cannot be renewed is an error with a code", async () => {
  const other = connect({ accessToken: "no longer good" });
  const never = other.bulk2.loadAndWaitForResults({ object: "Account", operation: "insert", input: [{ Name: "No" }] });
  await assert.rejects(never, coded("INVALID_SESSION_ID"));
});

for (const [name, count, options] of [["Fallback", 250, {}], ["Threshold", 20, { bulkThreshold: 0 }]]) {
  test(`found records are changed and deleted in bulk: ${count} of them`, async () => {
    const bulk = { bulkApiVersion: 2, ...options };
    succeeded(await load("insert", named(name, count).map((row) => ({ ...row, BillingCity: "Lyon" }))), count, true);
    const changed = await found(name).update({ Name: "${Name} (moved)", BillingCity: null }, bulk);
    assert.equal(changed.filter(({ success }) => success).length, count);
    const after = await found(name);
    assert.ok(after.every(({ Name, BillingCity }) => Name.endsWith("(moved)") && BillingCity === null));
    const gone = await found(name).destroy(bulk);
    assert.equal(gone.filter(({ success }) => success).length, count);
  });
}

test("changing and deleting in bulk what nobody finds changes nothing", async () => {
  const bulk = { bulkApiVersion: 2 };
  assert.deepEqual(await accounts.find(NOBODY).update({ Name: "Never" }, bulk), []);
  assert.deepEqual(await accounts.find(NOBODY).destroy(bulk), []);
});

test("the first bulk API is not emulated, and says so", async () => {
  await assert.rejects(conn.bulk.createJob("Account", "insert").open(), /not emulated: POST \/services\/async/);
});
