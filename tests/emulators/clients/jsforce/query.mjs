// SOQL through jsforce's queries, streams and its own query language.
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { before, test } from "node:test";
import { SfDate, connect, coded, numbered } from "./setup.mjs";

const conn = connect();
const accounts = conn.sobject("Account");
const MANY = 5_200;
const NOBODY = { CreatedDate: { $lt: new SfDate("1970-01-01T00:00:00Z") } };

before(async () => {
  conn.bulk2.pollInterval = 20;
  const rows = numbered(MANY, (number) => ({ LastName: `Crowd ${String(number).padStart(5, "0")}` }));
  const { successfulResults } = await conn.bulk2.loadAndWaitForResults({
    object: "Contact",
    operation: "insert",
    input: rows,
  });
  assert.equal(successfulResults.length, MANY);
});

test("a query answers with records and their number", async () => {
  const { totalSize, done, records } = await conn.query("SELECT Id, LastName FROM Contact ORDER BY LastName LIMIT 2");
  assert.deepEqual([totalSize, done], [2, true]);
  assert.deepEqual(records.map(({ LastName }) => LastName), ["Crowd 00001", "Crowd 00002"]);
});

test("deleted records show only to a query that scans all", async () => {
  const { id } = await accounts.create({ Name: "Deleted Clinic" });
  await accounts.destroy(id);
  const text = `SELECT Id, IsDeleted FROM Account WHERE Id = '${id}'`;
  assert.equal((await conn.query(text)).totalSize, 0);
  const all = await conn.query(text, { scanAll: true });
  assert.deepEqual(all.records.map(({ IsDeleted }) => IsDeleted), [true]);
});

test("pages follow each other until all records are here", async () => {
  let page = await conn.query("SELECT Id FROM Contact");
  const ids = new Set(page.records.map(({ Id }) => Id));
  let pages = 1;
  for (; !page.done; pages += 1) {
    page = await conn.queryMore(page.nextRecordsUrl);
    for (const { Id } of page.records) ids.add(Id);
  }
  assert.deepEqual([pages, ids.size, page.totalSize], [3, MANY, MANY]);
});

test("a made-up locator is refused", async () => {
  await assert.rejects(conn.queryMore("01gD0000002HU6KIAW-2000"), coded("INVALID_QUERY_LOCATOR"));
});

for (const [autoFetch, maxFetch, expected] of [[false, 10_000, 2_000], [true, 5_000, 5_000], [true, 10_000, MANY]]) {
  test(`records arrive as events: autoFetch ${autoFetch}, at most ${maxFetch}`, async () => {
    const seen = [];
    const query = conn.query("SELECT Id FROM Contact");
    await new Promise((resolve, reject) => {
      query.on("record", (record) => seen.push(record.Id)).on("end", resolve).on("error", reject);
      query.run({ autoFetch, maxFetch });
    });
    assert.equal(seen.length, expected);
    assert.equal(query.totalFetched, expected);
    assert.equal(query.totalSize, MANY);
  });
}

test("a slow reader of a stream loses nothing", async () => {
  let count = 0;
  const slow = new Writable({
    objectMode: true,
    write(_record, _encoding, next) {
      count += 1;
      if (count % 1000 === 0) setTimeout(next, 5);
      else next();
    },
  });
  const records = conn.query("SELECT Id, LastName FROM Contact").run({ autoFetch: true, maxFetch: 10_000 });
  await new Promise((resolve, reject) => records.pipe(slow).on("finish", resolve).on("error", reject));
  assert.equal(count, MANY);
});

test("a stream writes CSV", async () => {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, next) {
      text += chunk;
      next();
    },
  });
  await pipeline(conn.query("SELECT LastName, Email FROM Contact ORDER BY LastName LIMIT 2").stream("csv"), sink);
  assert.deepEqual(text.trim().split("\n"), ["LastName,Email", "Crowd 00001,", "Crowd 00002,"]);
});

test("a bad query is refused with its place", async () => {
  await assert.rejects(conn.query("SELECT Id FROM Contact WHERE"), coded("MALFORMED_QUERY"));
  await assert.rejects(conn.query("SELECT Nonsense FROM Contact"), (error) => {
    assert.equal(error.errorCode, "INVALID_FIELD");
    assert.match(error.message, /ERROR at Row:1:Column:8/);
    return true;
  });
});

test("a text with a quote finds what it names", async () => {
  await accounts.create({ Name: "O'Neil's Clinic" });
  assert.equal((await accounts.find({ Name: "O'Neil's Clinic" })).length, 1);
});

test("a query plan tells how a query would be carried out", async () => {
  const { plans } = await conn.query("SELECT Id FROM Contact ORDER BY CreatedDate DESC LIMIT 10").explain();
  assert.deepEqual(plans.map(({ leadingOperationType }) => leadingOperationType), ["TableScan"]);
  for (const plan of plans) {
    for (const name of ["cardinality", "relativeCost", "sobjectCardinality"]) assert.equal(typeof plan[name], "number");
    assert.ok(Array.isArray(plan.fields));
    assert.equal(plan.sobjectType, "Contact");
  }
});

test("a query that fetches by itself stops where it was told to, with no call too many", async () => {
  for (const [maxFetch, calls] of [[2_000, 1], [3_999, 2], [4_000, 2], [4_001, 3], [5_000_000, 3]]) {
    let fetched = 0;
    const query = conn.query("SELECT Id FROM Contact", { autoFetch: true, maxFetch });
    const result = await query.on("fetch", () => (fetched += 1));
    assert.equal(result.totalSize, MANY);
    assert.equal(result.records.length, Math.min(maxFetch, MANY));
    assert.equal(fetched, calls, `calls for at most ${maxFetch}`);
    if (calls === 1) assert.deepEqual([result.done, typeof result.nextRecordsUrl], [false, "string"]);
  }
});

const FAMILY = "SELECT Id, Name, (SELECT Id, LastName FROM Contacts), (SELECT Id, Name FROM ChildAccounts) FROM Account";

async function family(name) {
  const { id } = await accounts.create({ Name: name });
  const contacts = numbered(250, (number) => ({ LastName: `Child ${number}`, AccountId: id }));
  await conn.sobject("Contact").create(contacts, { allowRecursive: true });
  await accounts.create(numbered(230, (number) => ({ Name: `Branch ${number}`, ParentId: id })), { allowRecursive: true });
  return `${FAMILY} WHERE Id = '${id}'`;
}

test("nested results are fetched to their end, several of them too", async () => {
  const { records } = await conn.query(await family("Large")).autoFetch(true).execute();
  const [{ Contacts, ChildAccounts }] = records;
  for (const [nested, count] of [[Contacts, 250], [ChildAccounts, 230]]) {
    assert.equal(nested.records.length, count);
    assert.equal(new Set(nested.records.map(({ Id }) => Id)).size, count);
    assert.equal(nested.done, true);
    assert.equal(nested.nextRecordsUrl, undefined);
  }
});

test("nested results are cut where nobody fetches on", async () => {
  const { records } = await conn.query(await family("Cut")).autoFetch(false).execute();
  const [{ Contacts }] = records;
  assert.ok(Contacts.records.length < 200);
  assert.equal(Contacts.totalSize, 250);
  assert.equal(Contacts.done, false);
  const rest = await conn.queryMore(Contacts.nextRecordsUrl);
  assert.equal(Contacts.records.length + rest.records.length, 250);
});

for (const [count, options] of [[20, {}], [300, { allowBulk: false }]]) {
  test(`found records are changed and deleted where they stand: ${count} of them`, async () => {
    const rows = numbered(count, (number) => ({ Name: `Batch ${number}`, BillingCity: "Lyon" }));
    await accounts.create(rows, { allowRecursive: true });
    const found = () => accounts.find({ Name: { $like: "Batch %" } }, "Id, Name, BillingCity");
    const changed = await found().update({ Name: "${Name} (moved)", BillingCity: null }, options);
    assert.equal(changed.filter(({ success }) => success).length, count);
    const after = await found();
    assert.ok(after.every(({ Name, BillingCity }) => Name.endsWith(" (moved)") && BillingCity === null));
    const gone = await found().destroy(options);
    assert.equal(gone.filter(({ success }) => success).length, count);
    assert.equal((await found()).length, 0);
  });
}

test("changing and deleting what nobody finds changes nothing", async () => {
  assert.deepEqual(await accounts.find(NOBODY).update({ Name: "Never" }), []);
  assert.deepEqual(await accounts.find(NOBODY).destroy(), []);
});
