// Records, one and many at a time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { coded, connect, numbered } from "./setup.mjs";

const conn = connect();
const accounts = conn.sobject("Account");
const contacts = conn.sobject("Contact");

test("one record is created, read, changed and deleted", async () => {
  const made = await accounts.create({ Name: "Maple Clinic" });
  assert.deepEqual(made, { id: made.id, success: true, errors: [] });
  const read = await accounts.retrieve(made.id);
  assert.equal(read.Name, "Maple Clinic");
  assert.equal(read.attributes.type, "Account");
  assert.equal(read.attributes.url, `/services/data/v64.0/sobjects/Account/${made.id}`);
  const changed = await accounts.record(made.id).update({ Name: "Birch Clinic" });
  assert.equal(changed.success, true);
  assert.equal((await accounts.record(made.id).retrieve()).Name, "Birch Clinic");
  assert.equal((await accounts.record(made.id).destroy()).success, true);
  await assert.rejects(accounts.retrieve(made.id), coded("NOT_FOUND"));
});

test("headers of a call's own are passed on", async () => {
  const { id } = await accounts.create({ Name: "Maple Clinic" });
  const options = { headers: { "Sforce-Auto-Assign": "FALSE" } };
  assert.equal((await accounts.record(id).update({ Name: "Elm Clinic" }, options)).success, true);
  assert.equal((await accounts.record(id).retrieve(options)).Name, "Elm Clinic");
});

test("many records go through one call and come back in order", async () => {
  const made = await accounts.create(numbered(2, (number) => ({ Name: `Clinic ${number}` })));
  const ids = made.map(({ id, success }) => success && id);
  const read = await accounts.retrieve(ids);
  assert.deepEqual(read.map(({ Name }) => Name), ["Clinic 1", "Clinic 2"]);
  const changed = await accounts.update(read.map(({ Id, Name }) => ({ Id, Name: `${Name} West` })));
  assert.deepEqual(changed.map(({ id, success }) => [id, success]), ids.map((id) => [id, true]));
  assert.deepEqual((await accounts.retrieve(ids)).map(({ Name }) => Name), ["Clinic 1 West", "Clinic 2 West"]);
  const gone = await accounts.destroy(ids);
  assert.deepEqual(gone.map(({ id }) => id), ids);
  assert.deepEqual(await accounts.retrieve(ids), [null, null]);
});

test("a refused row of many keeps the others and has no id", async () => {
  const [good, bad] = await contacts.create([{ LastName: "Noether" }, { FirstName: "Emmy" }]);
  assert.equal(good.success, true);
  assert.equal(bad.success, false);
  assert.equal("id" in bad, false);
  const [{ statusCode, message, fields }] = bad.errors;
  assert.equal(statusCode, "REQUIRED_FIELD_MISSING");
  assert.equal(message, "Required fields are missing: [LastName]");
  assert.deepEqual(fields, ["LastName"]);
});

test("with allOrNone a refused row takes the others with it", async () => {
  const before = await contacts.count();
  const rows = [{ LastName: "Noether" }, { FirstName: "Emmy" }];
  const answers = await contacts.create(rows, { allOrNone: true });
  assert.deepEqual(answers.map(({ success }) => success), [false, false]);
  assert.equal(answers[0].errors[0].statusCode, "ALL_OR_NONE_OPERATION_ROLLED_BACK");
  assert.equal(await contacts.count(), before);
});

test("more rows than a call takes are refused, or split if that is allowed", async () => {
  const rows = numbered(201, (number) => ({ Name: `Clinic ${number}` }));
  await assert.rejects(accounts.create(rows), coded("EXCEEDED_ID_LIMIT"));
  const made = await accounts.create(rows, { allowRecursive: true });
  assert.equal(made.filter(({ success }) => success).length, 201);
  const gone = await accounts.destroy(made.map(({ id }) => id), { allowRecursive: true });
  assert.equal(gone.filter(({ success }) => success).length, 201);
});

test("several calls at once do what one does", async () => {
  const ids = await Promise.all(numbered(5, async (number) => (await accounts.create({ Name: `P ${number}` })).id));
  const read = await conn.retrieve("Account", ids, { allOrNone: false });
  assert.deepEqual(read.map(({ Id }) => Id), ids);
});

test("an upsert creates, then changes, and says which", async () => {
  const first = await contacts.upsert({ Hint_Id__c: "pat-1", LastName: "Franklin" }, "Hint_Id__c");
  assert.deepEqual([first.success, first.created], [true, true]);
  const second = await contacts.upsert({ Hint_Id__c: "pat-1", LastName: "Franklin-Muir" }, "Hint_Id__c");
  assert.deepEqual([second.success, second.created, second.id], [true, false, first.id]);
  assert.equal((await contacts.retrieve(first.id)).LastName, "Franklin-Muir");
});

test("an upsert of many says of each row whether it was made", async () => {
  await contacts.upsert({ Hint_Id__c: "pat-2", LastName: "Old" }, "Hint_Id__c");
  const rows = ["pat-2", "pat-3"].map((id) => ({ Hint_Id__c: id, LastName: "Meitner" }));
  const answers = await contacts.upsert(rows, "Hint_Id__c");
  assert.deepEqual(answers.map(({ success, created }) => [success, created]), [[true, false], [true, true]]);
});

test("an external id that two records share answers with both addresses", async () => {
  const shared = { Hint_Id__c: "pat-twice", LastName: "Twin" };
  const made = await contacts.create([shared, shared]);
  await assert.rejects(contacts.upsert({ ...shared, LastName: "Triplet" }, "Hint_Id__c"), (error) => {
    assert.equal(error.name, "MULTIPLE_CHOICES");
    assert.deepEqual(error.data, made.map(({ id }) => `/services/data/v64.0/sobjects/Contact/${id}`));
    return true;
  });
});

test("a search finds records by the beginning of a word", async () => {
  const { id } = await accounts.create({ Name: "Acorn Clinic" });
  const { searchRecords } = await conn.search("FIND {Aco*} IN ALL FIELDS RETURNING Account(Id, Name)");
  assert.deepEqual(searchRecords.map(({ Id, Name }) => [Id, Name]), [[id, "Acorn Clinic"]]);
});

test("errors carry the code, the words and the fields of the API", async () => {
  await assert.rejects(contacts.create({ FirstName: "Emmy" }), (error) => {
    assert.equal(error.errorCode, "REQUIRED_FIELD_MISSING");
    assert.equal(error.message, "Required fields are missing: [LastName]");
    return true;
  });
  await assert.rejects(contacts.create({ LastName: "N", Nonsense__c: 1 }), coded("INVALID_FIELD"));
  await assert.rejects(contacts.create({ LastName: "N", Email: "nonsense" }), coded("INVALID_EMAIL_ADDRESS"));
  await assert.rejects(conn.sobject("Nonsense__c").create({ Name: "N" }), coded("NOT_FOUND"));
  const { id } = await contacts.create({ LastName: "Gone" });
  await contacts.destroy(id);
  await assert.rejects(contacts.destroy(id), coded("ENTITY_IS_DELETED"));
  await assert.rejects(contacts.update({ Id: id, LastName: "Back" }), coded("ENTITY_IS_DELETED"));
});
